/**
 * Renders the head of a request as it goes to a thread's socket: the client's headers in their order and
 * case, without those that end at this hop (RFC 9110 §7.6.1), those that only dexter may set, and the
 * private ones; then dexter's own. The string is to be written as latin1: that is how the bytes were read.
 */
import assert from "node:assert/strict";
import { CF_HEADER, PRIVATE_PREFIX, REQUEST_ID_HEADER } from "../../runtime/protocol.ts";
import type { Client } from "../http/client-address.ts";
import type { RequestFacts } from "../http/vet.ts";

export interface HeadParts {
  readonly method: string;
  /** What `inspectRequest` found; its target and host replace those of the request. */
  readonly facts: Pick<RequestFacts, "path" | "host" | "upgrade" | "framing">;
  /** What `renderForwarded` made of the client's headers. */
  readonly forwarded: string;
  readonly client: Client;
  readonly requestId: string;
  /** The client's if it was valid, or a new one. */
  readonly traceparent: string;
  /** JSON for `request.cf`, as `headerJson` makes it. */
  readonly cfJson: string;
}

/** Dropped whatever Connection says. On `x-` names their prefix decides. */
const DROPPED = new Set([
  "te",
  "expect",
  "trailer",
  "upgrade",
  "connection",
  "keep-alive",
  "traceparent",
  "content-length",
  "proxy-connection",
  "cf-connecting-ip",
  "transfer-encoding",
]);

const REPLACED = new Set([REQUEST_ID_HEADER, "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]);

/** @returns request line and headers with the empty line that ends them */
export function renderRequestHead(parts: HeadParts): string {
  const { method, facts, forwarded } = parts;
  return `${method} ${facts.path} HTTP/1.1\r\nHost: ${facts.host}\r\n${forwarded}${ownHeaders(parts)}`;
}

/**
 * The client's headers that go on to a thread.
 * @param facts what `inspectRequest` found
 * @param trusted whether the client is a trusted proxy
 */
export function renderForwarded(
  raw: readonly string[],
  { connectionNames, traceparent }: Pick<RequestFacts, "connectionNames" | "traceparent">,
  trusted: boolean,
): string {
  let lines = "";
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!;
    const lower = name.toLowerCase();
    if (lower === "host" || DROPPED.has(lower) || connectionNames?.includes(lower)) continue;
    // It says more about a trace that there must be.
    if (lower === "tracestate" && !traceparent) continue;
    if (lower.startsWith("x-") && isReserved(lower, trusted)) continue;
    lines += `${name}: ${raw[i + 1]}\r\n`;
  }
  return lines;
}

/** A trusted proxy's further X-Forwarded headers (`-port`, `-prefix`) go through. */
function isReserved(lower: string, trusted: boolean): boolean {
  if (lower.startsWith(PRIVATE_PREFIX) || REPLACED.has(lower)) return true;
  return !trusted && lower.startsWith("x-forwarded-");
}

const PRINTABLE = /^[ -~]+$/;
/** The JSON is one of a few strings, so the last good one is remembered instead of tested again. */
let lastCfJson = "";

function ownHeaders({ facts, client, requestId, traceparent, cfJson }: HeadParts): string {
  // A line break in these would be a bug that hands out a request.
  assert(PRINTABLE.test(requestId) && (cfJson === lastCfJson || PRINTABLE.test(cfJson)));
  lastCfJson = cfJson;
  let own = "";
  if (facts.upgrade) own = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  const { framing } = facts;
  if (framing === "chunked") own += "Transfer-Encoding: chunked\r\n";
  else if (framing !== "none") own += `Content-Length: ${framing}\r\n`;
  own += `${client.headerLines}${REQUEST_ID_HEADER}: ${requestId}\r\ntraceparent: ${traceparent}\r\n`;
  return `${own}${CF_HEADER}: ${cfJson}\r\n\r\n`;
}

/** JSON that fits in a header: ASCII only, everything else escaped. */
export function headerJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
