/**
 * Answers for requests that failed: a full error page for browsers in dev, plain text for other clients, and
 * outside dev the status and a request id, under which the log has the rest.
 */
import type { ExceptionReport } from "../../runtime/protocol.ts";
import { BuildError } from "../bundle/problems.ts";
import { DexterError, type ErrorCode } from "../errors.ts";
import type { ClientRequest } from "../http/client-request.ts";
import { LoadError } from "../server/load-error.ts";
import type { Version } from "../types.ts";
import { wantsHtml } from "./accept.ts";
import type { ErrorPageInput, PageError } from "./input.ts";
import { renderErrorPage } from "./page.ts";
import { type MappedException, mapException } from "./stack.ts";
import { renderErrorText, renderProductionError } from "./text.ts";

export interface FailedRequest {
  readonly request: ClientRequest;
  readonly id: string;
  readonly functionName: string;
  /** The version that was asked, or that could not be loaded. */
  readonly version: Version | undefined;
}

/** Seconds after which a client may try again when every thread was busy. */
const RETRY_AFTER_S = 1;

/** What happened, in a few words. */
const TITLES: Partial<Record<ErrorCode, string>> = {
  NO_FUNCTION: "No function answers here",
  QUEUE_FULL: "Too many requests wait",
  QUEUE_TIMEOUT: "No thread in time",
  NO_SOCKET: "No further WebSocket",
  LOOP_DETECTED: "A loop of requests",
  SERVER_LOST: "The server process ended",
  CPU_LIMIT: "The function runs away",
  RESPONSE_TIMEOUT: "No response in time",
  REQUEST_TIMEOUT: "The request takes too long",
  QUARANTINED: "The function is in quarantine",
  BAD_RESPONSE: "The response cannot be read",
  UPLOAD_TOO_LONG: "The request is too long",
  UPLOAD_STALLED: "The request stopped",
  UPLOAD_TOO_SLOW: "The request is too slow",
  LOAD_FAILED: "The function cannot be loaded",
};

export function isException(failure: DexterError | ExceptionReport): failure is ExceptionReport {
  return !(failure instanceof DexterError);
}

/** What a client is answered with. An error that was not meant for one is the node's own fault. */
export function statusOf(failure: DexterError | ExceptionReport): number {
  return isException(failure) ? 500 : (failure.status ?? 500);
}

function retryAfterOf(failure: DexterError | ExceptionReport): number {
  return !isException(failure) && failure.code === "QUARANTINED"
    ? Number(failure.details.seconds)
    : RETRY_AFTER_S;
}

/** An exception and its causes, with the positions of the sources, as text for the log. */
export function exceptionText(report: ExceptionReport, version: Version | undefined): string {
  if (version === undefined) return report.stack || report.message;
  return mappedText(mapException(report, version));
}

function mappedText({ name, message, stack, cause }: MappedException): string {
  const own = stack.text || (name === "" ? message : `${name}: ${message}`);
  return cause ? `${own}\ncaused by: ${mappedText(cause)}` : own;
}

/**
 * Writes the answer. Nothing has been sent yet.
 * @returns the length of its body
 */
export function answerFailure(
  failed: FailedRequest,
  failure: DexterError | ExceptionReport,
  mode: { readonly dev: boolean; readonly root: string },
): number {
  const { request, id } = failed;
  const status = statusOf(failure);
  const retryAfter = status === 503 ? retryAfterOf(failure) : undefined;
  const html = mode.dev && wantsHtml(acceptOf(request));
  const body = mode.dev
    ? (html ? renderErrorPage : renderErrorText)(pageInput(failed, failure, status, mode.root))
    : renderProductionError({ status, requestId: id, ...(retryAfter ? { retryAfter } : {}) });
  const type = `Content-Type: text/${html ? "html" : "plain"}; charset=utf-8\r\n`;
  const retry = retryAfter ? `Retry-After: ${retryAfter}\r\n` : "";
  request.answer(status, `${type}X-Request-Id: ${id}\r\n${retry}`, body);
  return request.method === "HEAD" ? 0 : Buffer.byteLength(body);
}

function headersOf({ head }: ClientRequest): [string, string][] {
  const { rawHeaders } = head.block;
  const headers: [string, string][] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) headers.push([rawHeaders[i]!, rawHeaders[i + 1]!]);
  return headers;
}

function acceptOf(request: ClientRequest): string | undefined {
  const values = headersOf(request).flatMap(([name, value]) =>
    name.toLowerCase() === "accept" ? value : [],
  );
  return values.length > 0 ? values.join(", ") : undefined;
}

function pageInput(
  { request, id, functionName, version }: FailedRequest,
  failure: DexterError | ExceptionReport,
  status: number,
  root: string,
): ErrorPageInput {
  return {
    status,
    error: pageError(failure, version),
    functionName,
    ...(version ? { version: version.id } : {}),
    requestId: id,
    request: { method: request.method, url: request.head.url, headers: headersOf(request) },
    root,
  };
}

function pageError(failure: DexterError | ExceptionReport, version: Version | undefined): PageError {
  const report = failure instanceof LoadError ? failure.report : failure;
  if (report instanceof BuildError) return { kind: "build", problems: report.problems };
  if (report instanceof DexterError)
    return { kind: "failure", title: TITLES[report.code] ?? report.code, message: report.message };
  return { kind: "exception", exception: mapException(report, version ?? { mainModule: "" }) };
}
