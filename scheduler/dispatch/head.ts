/**
 * Renders the head of a request as it goes to a thread's socket: the client's headers that go on
 * (`http/forwarded.ts`), then dexter's own. The string is to be written as latin1: that is how the bytes were read.
 */
import assert from "node:assert/strict";
import { AHEAD_KEY, CF_HEADER, REQUEST_ID_HEADER } from "../../runtime/protocol.ts";
import type { Client } from "../http/client-address.ts";
import type { ClientRequest } from "../http/client-request.ts";
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

/** What is asked for in a request's name, and by whom. */
interface Asked extends Pick<HeadParts, "client" | "traceparent"> {
  readonly request: ClientRequest;
  readonly id: string;
}

/** The head of a client's request as its thread gets it. @param ahead it is sent ahead of its turn */
export function headFor({ request, client, id, traceparent }: Asked, ahead: boolean): string {
  const { facts, block } = request.head;
  return renderRequestHead({
    method: request.method,
    facts,
    forwarded: block.forwarded(client.trusted),
    client,
    requestId: id,
    traceparent,
    cfJson: (ahead ? AHEAD_CF_JSON : CF_JSON)[block.protocol],
  });
}

/** @returns request line and headers with the empty line that ends them */
export function renderRequestHead(parts: HeadParts): string {
  const { method, facts, forwarded } = parts;
  return `${method} ${facts.path} HTTP/1.1\r\nHost: ${facts.host}\r\n${forwarded}${ownHeaders(parts)}`;
}

const PRINTABLE = /^[ -~]+$/;
/** The JSON is one of a few strings: good ones are remembered instead of tested again. */
const goodCfJson = new Set<string>();

function ownHeaders({ facts, client, requestId, traceparent, cfJson }: HeadParts): string {
  // A line break in these would be a bug that hands out a request.
  assert(PRINTABLE.test(requestId) && (goodCfJson.has(cfJson) || PRINTABLE.test(cfJson)));
  goodCfJson.add(cfJson);
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

const byProtocol = (more: object) =>
  ({
    "HTTP/1.0": headerJson({ httpProtocol: "HTTP/1.0", ...more }),
    "HTTP/1.1": headerJson({ httpProtocol: "HTTP/1.1", ...more }),
    "HTTP/2": headerJson({ httpProtocol: "HTTP/2", ...more }),
  }) as const satisfies Record<HttpProtocol, string>;

/** Minimal `request.cf`: what holds without a network of data centres. */
export const CF_JSON = byProtocol({});
const AHEAD_CF_JSON = byProtocol({ [AHEAD_KEY]: 1 });
