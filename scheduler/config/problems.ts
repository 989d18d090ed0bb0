/**
 * Collects what is wrong with a project, so that an operator sees every problem in one go, each with its
 * file, line and key.
 */
import { DexterError } from "../errors.ts";

export type KeyPath = readonly (string | number)[];

/** Something that settings come from: a configuration file, or the command line. */
export interface Source {
  /** Names a key for a message: `wrangler.toml:12: dexter.listen`, or `--set listen`. */
  at(path: KeyPath): string;
}

/** One setting as given, with the place it came from. */
export interface Entry {
  readonly value: unknown;
  readonly source: Source;
  readonly path: KeyPath;
}

export type Entries = ReadonlyMap<string, Entry>;

export class Problems {
  readonly #errors: string[] = [];
  readonly #warnings: string[] = [];

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  get errorCount(): number {
    return this.#errors.length;
  }

  error(source: Source, path: KeyPath, message: string): void {
    this.#errors.push(`${source.at(path)}: ${message}`);
  }

  warn(source: Source, path: KeyPath, message: string): void {
    this.#warnings.push(`${source.at(path)}: ${message}`);
  }

  /** Throws CONFIG_INVALID with all errors, one a line, when there are any. */
  throwIfAny(): void {
    if (this.#errors.length > 0) throw new DexterError("CONFIG_INVALID", { reason: this.#errors.join("\n") });
  }
}

/** Formats a key path as people write it: `routes[0].pattern`. */
export function formatPath(path: KeyPath): string {
  return path
    .map((key, index) => (typeof key === "number" ? `[${key}]` : index === 0 ? key : `.${key}`))
    .join("");
}

/** Formats an offending value, short enough for one line. */
export function formatValue(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
