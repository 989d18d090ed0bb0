/**
 * Versions with a function's secrets in their `env`. A version as it is built, sent and stored has none: its id
 * names its content, `0123456789abcdef`. Threads are made from a revision of it, `0123456789abcdef.9f3c22aa`,
 * which is in memory only; the part after the point is random and changes with the secrets, so that threads
 * with earlier ones are told apart and replaced as those of an earlier version are.
 */
import type { Version } from "../types.ts";

export interface SecretValues {
  /** Changes with the values, and says nothing about them. */
  readonly tag: string;
  readonly values: ReadonlyMap<string, string>;
}

/** The revision with these secrets, which win over vars of their names; the version itself without any. */
export function withSecrets(version: Version, { tag, values }: SecretValues): Version {
  if (values.size === 0) return version;
  const env = { ...version.env, ...Object.fromEntries(values) };
  return Object.freeze({ ...version, id: `${version.id}.${tag}`, env, built: version });
}

/** The id that people see: that of the content. */
export function contentId(id: string): string {
  const point = id.indexOf(".");
  return point < 0 ? id : id.slice(0, point);
}

/** Whether threads of this id have secrets in their `env`. */
export function hasSecrets(id: string): boolean {
  return id.includes(".");
}
