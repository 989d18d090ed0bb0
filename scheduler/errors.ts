/**
 * The one class of expected failures: what an operator or a client can cause, or the machine. Each is a kind of the
 * catalogue in errors/, with its details.
 */
import { CATALOGUE, type ErrorCode } from "./errors/catalogue.ts";

export type { ErrorCode };

/** An expected failure. `code` names its kind in the catalogue. */
export class DexterError extends Error {
  override readonly name = "DexterError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(code: ErrorCode, details: Record<string, string | number> = {}, options?: { cause?: unknown }) {
    super(
      CATALOGUE[code].message.replace(/\{(\w+)\}/g, (_, key: string) => String(details[key] ?? "")),
      options,
    );
    this.code = code;
    this.details = details;
  }

  /** What a client of a function is answered with; undefined where no client gets this error. */
  get status(): number | undefined {
    return CATALOGUE[this.code].status;
  }

  /** What a caller of the admin API is answered with; undefined where no caller gets this error. */
  get adminStatus(): number | undefined {
    return CATALOGUE[this.code].admin;
  }

  /** What the command line exits with: 1 for a failure, 2 for bad usage. */
  get exitStatus(): 1 | 2 {
    return CATALOGUE[this.code].exit ?? 1;
  }
}
