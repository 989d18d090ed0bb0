/**
 * Renders the head of a request as it goes to a thread's socket: the client's headers that go on
 * (`http/forwarded.ts`), then dexter's own. The string is to be written as latin1: that is how the bytes were read.
 */
import assert from "node:assert/strict";
import { CF_HEADER, REQUEST_ID_HEADER } from "../../runtime/protocol.ts";
import type { Client } from "../http/client-address.ts";
import type { HttpProtocol } from "../http/request-head.ts";
import type { RequestFacts } from "../http/vet.ts";

interface HeadParts {
  readonly method: string;
  /** What `vet.ts` found; its target and host replace those of the request. */
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

/** @returns request line and headers with the empty line that ends them */
export function renderRequestHead(parts: HeadParts): string {
  const { method, facts, forwarded } = parts;
  return `${method} ${facts.path} HTTP/1.1\r\nHost: ${facts.host}\r\n${forwarded}${ownHeaders(parts)}`;
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

/** Minimal `request.cf`: what holds without a network of data centres. */
export const CF_JSON = {
  "HTTP/1.0": headerJson({ httpProtocol: "HTTP/1.0" }),
  "HTTP/1.1": headerJson({ httpProtocol: "HTTP/1.1" }),
  "HTTP/2": headerJson({ httpProtocol: "HTTP/2" }),
} as const satisfies Record<HttpProtocol, string>;
