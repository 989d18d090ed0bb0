/** A request as a span, in the JSON encoding of OTLP (https://opentelemetry.io/docs/specs/otlp/). */
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
  readonly servedBy: { readonly slot: number; readonly version: string } | undefined;
}

export interface Attribute {
  readonly key: string;
  readonly value:
    | { readonly stringValue: string }
    | { readonly intValue: string }
    | { readonly doubleValue: number }
    | { readonly boolValue: boolean };
}

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly events: readonly unknown[];
  readonly status: { readonly code?: number };
}

const KIND_SERVER = 2;
const STATUS_ERROR = 2;
/** Spans wait in memory, and a path may have 16 KB. */
const PATH_LENGTH = 1_024;

/** Attributes of one kind of value each. Whole numbers are texts: JSON's numbers do not hold 64 bits. */
export function attributes(values: Readonly<Record<string, string | number | undefined>>): Attribute[] {
  const found: Attribute[] = [];
  for (const [key, value] of Object.entries(values)) {
    if (typeof value === "string") found.push({ key, value: { stringValue: value } });
    else if (value !== undefined) found.push({ key, value: { intValue: String(value) } });
  }
  return found;
}

/**
 * @param context what the function was told: the span's own ids
 * @param server slot of the server that had the request; undefined when none had, or it is gone
 */
export function spanOf(request: TracedRequest, context: TraceParts, server: number | undefined): Span {
  const { functionName, outcome, startedAtMs, grantedAtMs, servedBy } = request;
  const { method, status, head } = request.request;
  const { path, traceparent } = head.facts;
  const nowMs = performance.now();
  // Not by `performance.timeOrigin`, from which the clock departs over weeks.
  const unixMs = Date.now() - nowMs;
  const failed = status >= 500 || outcome !== "answered";
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    ...(traceparent ? { parentSpanId: traceParts(traceparent).spanId } : {}),
    flags: 1,
    name: `${method} ${functionName}`,
    kind: KIND_SERVER,
    startTimeUnixNano: nanoseconds(unixMs + startedAtMs),
    endTimeUnixNano: nanoseconds(unixMs + nowMs),
    attributes: [
      ...attributes({
        "http.request.method": method,
        "url.path": pathOf(path),
        "http.response.status_code": status || undefined,
        "error.type": failed ? (outcome === "answered" ? String(status) : outcome) : undefined,
        "dexter.function": functionName,
        "dexter.version": servedBy?.version,
        "dexter.server": server,
        "dexter.thread": servedBy?.slot,
        "dexter.request_id": request.id,
      }),
      ...(request.cold ? [{ key: "faas.coldstart", value: { boolValue: true } }] : []),
    ],
    events: grantedAtMs > 0 ? [granted(nanoseconds(unixMs + grantedAtMs), grantedAtMs - startedAtMs)] : [],
    status: failed ? { code: STATUS_ERROR } : {},
  };
}

function granted(timeUnixNano: string, waitedMs: number) {
  const wait: Attribute = {
    key: "dexter.queue_wait_seconds",
    value: { doubleValue: Math.round(waitedMs * 1_000) / 1e6 },
  };
  return { name: "thread granted", timeUnixNano, attributes: [wait] };
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
