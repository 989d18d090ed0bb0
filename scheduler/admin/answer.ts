/** What a call that failed is answered with. */
import { HTTPException } from "hono/http-exception";
import { DexterError } from "../errors.ts";

interface FailureAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: { readonly error: string; readonly code: string };
}

export function answerOf(error: Error): FailureAnswer {
  const known = isExpected(error);
  const message = known ? error.message : `internal error: ${error.message}`;
  const code = error instanceof DexterError ? error.code : "INTERNAL";
  return { status: statusOf(error), headers: headersOf(error), body: { error: message, code } };
}

/** Whether it is an answer to the caller, and no bug. */
export function isExpected(error: Error): boolean {
  return error instanceof DexterError || error instanceof HTTPException;
}

/** Errors that no client of a function ever sees have no status of their own: the request cannot be done. */
export function statusOf(error: Error): number {
  if (error instanceof HTTPException) return error.status;
  if (!(error instanceof DexterError)) return 500;
  return error.status === 500 ? 422 : error.status;
}

function headersOf(error: Error): Record<string, string> {
  if (!(error instanceof DexterError)) return {};
  const { retryAfterSeconds, allowed } = error.details;
  return {
    ...(error.status === 401 && { "WWW-Authenticate": 'Bearer realm="dexter"' }),
    ...(retryAfterSeconds !== undefined && { "Retry-After": String(retryAfterSeconds) }),
    ...(allowed !== undefined && { Allow: String(allowed) }),
  };
}
