/**
 * Versions with a function's secrets in their `env`. A version as it is built, sent and stored has none: its id
 * names its content, `0123456789abcdef`, and is what people see. Threads are made from a revision of it, such as
 * `0123456789abcdef.9f3c22aa`, which is in memory only; the part after the point is random and changes with the
 * secrets, so that threads with earlier ones are told apart and replaced as those of an earlier version are.
 */
import type { Version } from "../types.ts";

export interface SecretValues {
  /** Changes with the values, and says nothing about them. */
  readonly tag: string;
  readonly values: ReadonlyMap<string, string>;
}

export interface Revision extends Version {
  /** What servers know it by: the version's id, where the function has no secrets. */
  readonly revision: string;
  /** The version as it was built, without secrets. */
  readonly built: Version;
}

/** The revision with these secrets, which win over vars of their names. */
export function withSecrets(built: Version, { tag, values }: SecretValues): Revision {
  if (values.size === 0) return Object.freeze({ ...built, revision: built.id, built });
  const env = { ...built.env, ...Object.fromEntries(values) };
  return Object.freeze({ ...built, revision: `${built.id}.${tag}`, env, built });
}

/** Whether what has this identity has secrets in its `env`. */
export function hasSecrets({ version, revision }: { version: string; revision: string }): boolean {
  return revision !== version;
}
