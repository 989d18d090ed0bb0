/**
 * What the scheduler and the code inside workerd agree on: header names and control messages.
 * The only file that both worlds import.
 */

/** A response with this header is an exception that the prelude caught; its body is an `ExceptionReport`. */
export const EXCEPTION_HEADER = "x-dexter-exception";

/** Carries the request id to the prelude; removed from what a client sends. */
export const REQUEST_ID_HEADER = "x-request-id";

/**
 * Of a response: the request was sent ahead of its turn, which has not come. Its handler has not been called, and will
 * not be: another thread may serve it.
 */
export const RETURNED_HEADER = "x-dexter-returned";

/**
 * A key of `request.cf` that marks a request sent ahead of its turn. Its value says behind which of the requests that
 * were sent without it, counted from 1. The prelude hides it.
 */
export const AHEAD_KEY = "dexterAhead";

/** For so long a request waits in an isolate for its turn; then it is returned. */
export const AHEAD_MS = 100;

/** workerd turns this header into `request.cf` and removes it. */
export const CF_HEADER = "x-dexter-cf";

/**
 * Sent only for clients that spoke HTTPS, to dexter or to a trusted proxy: workerd makes `request.url` of it, and
 * removes it.
 */
export const PROTO_HEADER = "x-dexter-proto";

/** In it, each dexter that a request has passed leaves an entry (RFC 8586). */
export const LOOP_HEADER = "cdn-loop";
export const LOOP_ENTRY = "dexter";

/** How many of the entries are dexter's. @param header the value, of one header or of several joined by commas */
export function loopHops(header: string | null | undefined): number {
  if (!header) return 0;
  // Behind a semicolon an entry has parameters.
  return header.split(",").filter((entry) => entry.split(";", 1)[0]!.trim().toLowerCase() === LOOP_ENTRY)
    .length;
}

/** Every header that starts so is private: removed from client requests. */
export const PRIVATE_PREFIX = "x-dexter-";

/** The module that tells an isolate who it is; each has one of its own. */
export const THREAD_MODULE = "dexter-thread.js";

/** Source of `THREAD_MODULE`. */
export function threadModule(name: string, concurrent: boolean): string {
  return `export const thread = ${JSON.stringify(name)}, concurrent = ${concurrent};`;
}

/** The host worker's binding for the resident thread in a slot. */
export function residentBinding(slot: number): `RESIDENT_${number}` {
  return `RESIDENT_${slot}`;
}

/** A caught exception as the prelude reports it: positions are those of the bundle. */
export interface ExceptionReport {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly cause?: ExceptionReport;
}

/** A module of a version; binary content travels as base64. */
export type VersionModule =
  | { readonly js: string }
  | { readonly cjs: string }
  | { readonly text: string }
  | { readonly json: unknown }
  | { readonly dataBase64: string }
  | { readonly wasmBase64: string };

/** `PUT /versions/<id>`: what the host worker needs to load isolates of one version. */
export interface VersionPayload {
  readonly mainModule: string;
  readonly modules: Readonly<Record<string, VersionModule>>;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly allowExperimental: boolean;
  readonly env: Readonly<Record<string, unknown>>;
}

/** `PUT /threads/<slot>`: load an isolate of `version` into the slot under a name never used before. */
export interface LoadRequest {
  readonly name: string;
  readonly version: string;
  /** Whether it may serve several requests at once. */
  readonly concurrent: boolean;
}
