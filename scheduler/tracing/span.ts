/**
 * A request as a span, in the JSON encoding of OTLP (https://opentelemetry.io/docs/specs/otlp/). It is rendered as text
 * at once: objects, and `JSON.stringify` for a batch of them, take twice as long.
 */
import { type TraceParts, traceParts } from "../http/trace-context.ts";

/** What is read of a request that is over; an `Exchange` fits. Times are those of `performance.now()`. */
export interface TracedRequest {
  readonly id: string;
  readonly functionName: string;
  readonly request: {
    readonly method: string;
    readonly status: number;
    readonly head: { readonly facts: { readonly path: string; readonly traceparent: string | undefined } };
  };
  readonly outcome: "open" | "answered" | "aborted" | "lost";
  readonly startedAtMs: number;
  /** When it got a thread; 0 if it never did. */
  readonly grantedAtMs: number;
  readonly cold: boolean;
  readonly servedBy: { readonly server: number; readonly slot: number; readonly version: string } | undefined;
}

const KIND_SERVER = 2;
const STATUS_ERROR = 2;
/** Spans wait in memory, and a path may have 16 KB. */
const PATH_LENGTH = 1_024;

/** @param key one that needs no escapes */
export function textAttribute(key: string, value: string): string {
  return `{"key":"${key}","value":{"stringValue":${JSON.stringify(value)}}}`;
}

/** As a text: JSON's numbers do not hold 64 bits. */
function wholeAttribute(key: string, value: number): string {
  return `{"key":"${key}","value":{"intValue":"${value}"}}`;
}

/**
 * @param context what the function was told: the span's own ids
 * @param server slot of the server that had the request; undefined when none had, or it is gone
 */
export function renderSpan(request: TracedRequest, context: TraceParts, server: number | undefined): string {
  const { functionName, outcome, startedAtMs, grantedAtMs } = request;
  const { method, status, head } = request.request;
  const { traceparent } = head.facts;
  const nowMs = performance.now();
  // Not by `performance.timeOrigin`, from which the clock departs over weeks.
  const unixMs = Date.now() - nowMs;
  const failed = status >= 500 || outcome !== "answered";
  const parent = traceparent ? `"parentSpanId":"${traceParts(traceparent).spanId}",` : "";
  return (
    `{"traceId":"${context.traceId}","spanId":"${context.spanId}",${parent}"flags":1,` +
    `"name":${JSON.stringify(`${method} ${functionName}`)},"kind":${KIND_SERVER},` +
    `"startTimeUnixNano":"${nanoseconds(unixMs + startedAtMs)}",` +
    `"endTimeUnixNano":"${nanoseconds(unixMs + nowMs)}",` +
    `"attributes":[${attributesOf(request, server, failed)}],` +
    `"events":[${grantedAtMs > 0 ? granted(unixMs + grantedAtMs, grantedAtMs - startedAtMs) : ""}],` +
    `"status":{${failed ? `"code":${STATUS_ERROR}` : ""}}}`
  );
}

function attributesOf(request: TracedRequest, server: number | undefined, failed: boolean): string {
  const { functionName, outcome, servedBy, id, cold } = request;
  const { method, status, head } = request.request;
  let text =
    `${textAttribute("http.request.method", method)},${textAttribute("url.path", pathOf(head.facts.path))},` +
    `${textAttribute("dexter.function", functionName)},${textAttribute("dexter.request_id", id)}`;
  if (status > 0) text += `,${wholeAttribute("http.response.status_code", status)}`;
  if (failed) text += `,${textAttribute("error.type", outcome === "answered" ? String(status) : outcome)}`;
  if (servedBy)
    text += `,${textAttribute("dexter.version", servedBy.version)},${wholeAttribute("dexter.thread", servedBy.slot)}`;
  if (server !== undefined) text += `,${wholeAttribute("dexter.server", server)}`;
  if (cold) text += ',{"key":"faas.coldstart","value":{"boolValue":true}}';
  return text;
}

function granted(unixMs: number, waitedMs: number): string {
  const seconds = Math.round(waitedMs * 1_000) / 1e6;
  return (
    `{"name":"thread granted","timeUnixNano":"${nanoseconds(unixMs)}",` +
    `"attributes":[{"key":"dexter.queue_wait_seconds","value":{"doubleValue":${seconds}}}]}`
  );
}

/** Without the query, which may hold secrets. */
function pathOf(target: string): string {
  const query = target.indexOf("?");
  return (query < 0 ? target : target.slice(0, query)).slice(0, PATH_LENGTH);
}

/** A number of so many nanoseconds would not be exact; microseconds are. */
function nanoseconds(unixMs: number): string {
  return `${Math.round(unixMs * 1_000)}000`;
}
