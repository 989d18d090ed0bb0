/**
 * Renders the head of a request as it goes to a thread's socket. One loop copies the client's headers in
 * their order and case, without those that end at this hop (RFC 9110 §7.6.1), those that only dexter may
 * set, and the private ones; then dexter's own follow. The string is to be written as latin1: that is how
 * Node decoded the bytes.
 */
import assert from "node:assert/strict";
import { CF_HEADER, PRIVATE_PREFIX, REQUEST_ID_HEADER } from "../../runtime/protocol.ts";
import type { Client } from "./client-address.ts";
import type { RequestFacts, RequestFraming, RequestSource } from "./vet.ts";

export interface HeadExtra {
  /** What `inspectRequest` found; its target and host replace those of the request. */
  readonly facts: Pick<RequestFacts, "path" | "host" | "upgrade" | "connectionNames" | "framing">;
  readonly client: Client;
  readonly requestId: string;
  /** JSON for `request.cf`, as `headerJson` makes it. */
  readonly cfJson: string;
}

/** Dropped whatever Connection says. The loop decides on `x-` names by their prefix. */
const DROPPED = new Set([
  "te",
  "expect",
  "trailer",
  "upgrade",
  "connection",
  "keep-alive",
  "content-length",
  "proxy-connection",
  "cf-connecting-ip",
  "transfer-encoding",
]);

/** By length of the name, the first letters (as bits) of dropped names: all others are copied unread. */
const DROPPED_LETTERS = new Int32Array(32);
for (const name of DROPPED) DROPPED_LETTERS[name.length]! |= 1 << (name.charCodeAt(0) & 31);

const LETTER_X = "x".charCodeAt(0) & 31;
const REPLACED = new Set([REQUEST_ID_HEADER, "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]);

/**
 * @param framing how the body is sent on; by default as it came
 * @returns request line and headers with the empty line that ends them
 */
export function renderRequestHead(
  req: Pick<RequestSource, "method" | "rawHeaders">,
  extra: HeadExtra,
  framing: RequestFraming = extra.facts.framing,
): string {
  const { facts, client } = extra;
  const listed = facts.connectionNames;
  const raw = req.rawHeaders;
  let head = `${req.method} ${facts.path} HTTP/1.1\r\nHost: ${facts.host}\r\n`;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    const length = name.length;
    const letter = name.charCodeAt(0) & 31;
    if (length === 4 && name.toLowerCase() === "host") continue;
    if (letter === LETTER_X) {
      if (isReserved(name.toLowerCase(), client.trusted)) continue;
    } else if (length < 32 && (DROPPED_LETTERS[length]! >> letter) & 1 && DROPPED.has(name.toLowerCase())) {
      continue;
    }
    if (listed?.includes(name.toLowerCase())) continue;
    head += `${name}: ${raw[i + 1]}\r\n`;
  }
  return head + ownHeaders(extra, framing);
}

/** A trusted proxy's further X-Forwarded headers (`-port`, `-prefix`) go through. */
function isReserved(lower: string, trusted: boolean): boolean {
  if (lower.startsWith(PRIVATE_PREFIX) || REPLACED.has(lower)) return true;
  return !trusted && lower.startsWith("x-forwarded-");
}

const PRINTABLE = /^[ -~]+$/;
/** The JSON is one of a few strings, so the last good one is remembered instead of tested again. */
let lastCfJson = "";

function ownHeaders({ facts, client, requestId, cfJson }: HeadExtra, framing: RequestFraming): string {
  // A line break in these would be a bug that hands out a request.
  assert(PRINTABLE.test(requestId) && (cfJson === lastCfJson || PRINTABLE.test(cfJson)));
  lastCfJson = cfJson;
  let own = "";
  if (facts.upgrade) own = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  if (framing === "chunked") own += "Transfer-Encoding: chunked\r\n";
  else if (framing !== "none") own += `Content-Length: ${framing}\r\n`;
  return `${own}${client.headerLines}${REQUEST_ID_HEADER}: ${requestId}\r\n${CF_HEADER}: ${cfJson}\r\n\r\n`;
}

/** JSON that fits in a header: ASCII only, everything else escaped. */
export function headerJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
