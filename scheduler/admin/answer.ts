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

/** Whether the node could not do what it should, and not what was asked for is wrong. That it is busy is no failure. */
export function isNodeFailure(error: Error): boolean {
  const status = statusOf(error);
  return status >= 500 && status !== 503;
}

function isExpected(error: Error): boolean {
  return error instanceof DexterError || error instanceof HTTPException;
}

/** What no caller was meant to get is the node's own fault. */
function statusOf(error: Error): number {
  if (error instanceof HTTPException) return error.status;
  return error instanceof DexterError ? (error.adminStatus ?? 500) : 500;
}

function headersOf(error: Error): Record<string, string> {
  if (!(error instanceof DexterError)) return {};
  const { retryAfterSeconds, allowed } = error.details;
  return {
    ...(error.adminStatus === 401 && { "WWW-Authenticate": 'Bearer realm="dexter"' }),
    ...(retryAfterSeconds !== undefined && { "Retry-After": String(retryAfterSeconds) }),
    ...(allowed !== undefined && { Allow: String(allowed) }),
  };
}
