/**
 * Reads the head of a response, strictly: one pass over its characters, no header folded, no bare line
 * break, one framing (RFC 9112 §4–6). What is hop-by-hop is taken out here, so that what is left can be
 * given to the client as it is.
 */
import { REQUEST_ID_HEADER, RETURNED_HEADER } from "../../runtime/protocol.ts";
import { DexterError } from "../errors.ts";
import { readHeaderLines, renderHeaderLines } from "../http/header-lines.ts";

/** How the body ends: there is none, after so many bytes, by its chunks, with the connection, or tunnelled. */
type BodyKind = "none" | "length" | "chunked" | "close" | "upgrade";

export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  /** Names and values in turn, in order and case. */
  readonly rawHeaders: readonly string[];
  /** Status line and `rawHeaders` as they go to a client, each with its line break. */
  readonly lines: string;
  /** Which of the headers that dexter adds are there already. */
  readonly hasDate: boolean;
  readonly hasRequestId: boolean;
  readonly bodyKind: BodyKind;
  /** Bytes to come when `bodyKind` is `length`, else 0. */
  readonly contentLength: number;
  /** Whether the connection outlives the response. */
  readonly persistent: boolean;
}

/** Whether the request was sent ahead, and comes back untouched. Only the prelude's own word counts. */
export function isReturned({ status, rawHeaders }: ResponseHead): boolean {
  return status === 503 && rawHeaders.some((name, i) => i % 2 === 0 && name === RETURNED_HEADER);
}

export function badResponse(reason: string): DexterError {
  return new DexterError("BAD_RESPONSE", { reason });
}

/** What the header loop gathers. */
interface Framing {
  contentLength: number | undefined;
  chunked: boolean;
  connection: string | undefined;
}

/**
 * @param text the head without the empty line that ends it, decoded as latin1
 * @param requestMethod decides with the status whether there is a body
 * @throws DexterError BAD_RESPONSE
 */
export function parseResponseHead(text: string, requestMethod: string): ResponseHead {
  const lineEnd = text.indexOf("\r\n");
  const statusLine = lineEnd < 0 ? text : text.slice(0, lineEnd);
  const status = readStatus(statusLine);
  const framing: Framing = { contentLength: undefined, chunked: false, connection: undefined };
  let rawHeaders = lineEnd < 0 ? [] : readHeaders(text, lineEnd + 2, status === 101, framing);
  const { contentLength, chunked, connection } = framing;
  if (chunked && contentLength !== undefined) throw badResponse("both Transfer-Encoding and Content-Length");
  const minor = statusLine.charCodeAt(7) & 1;
  if (chunked && minor === 0) throw badResponse("Transfer-Encoding in an HTTP/1.0 response");

  let persistent = minor === 1;
  if (connection !== undefined && status !== 101) {
    const names = connection.toLowerCase().split(/[\t ]*,[\t ]*/);
    persistent &&= !names.includes("close");
    rawHeaders = rawHeaders.filter((_, i) => !names.includes(rawHeaders[i & ~1]!.toLowerCase()));
  }
  const bodyKind = kindOf(status, requestMethod, framing);
  const statusText = statusLine.slice(13);
  const has = (wanted: string) => rawHeaders.some((name, i) => i % 2 === 0 && name.toLowerCase() === wanted);
  return {
    status,
    statusText,
    rawHeaders,
    lines: `HTTP/1.1 ${status} ${statusText}\r\n${renderHeaderLines(rawHeaders)}`,
    hasDate: has("date"),
    hasRequestId: has(REQUEST_ID_HEADER),
    bodyKind,
    contentLength: bodyKind === "length" ? (contentLength ?? 0) : 0,
    persistent: persistent && bodyKind !== "close" && bodyKind !== "upgrade",
  };
}

const STATUS_LINE = /^HTTP\/1\.[01] ([1-9]\d\d) [\t -~\x80-\xff]*$/;

/** RFC 9112 §4: the space after the status is there even when the reason is empty. */
function readStatus(line: string): number {
  if (!STATUS_LINE.test(line)) throw badResponse("bad status line");
  return Number(line.slice(9, 12));
}

function readHeaders(text: string, start: number, keepAll: boolean, framing: Framing): readonly string[] {
  const all = readHeaderLines(text, start);
  if (typeof all === "string") throw badResponse(all);
  const kept: string[] = [];
  for (let i = 0; i < all.length; i += 2) {
    const [name, value] = [all[i]!, all[i + 1]!];
    if (endToEnd(name, value, framing) || keepAll) kept.push(name, value);
  }
  return kept;
}

/** Notes what decides the framing. @returns false for a header that ends at this hop (RFC 9110 §7.6.1) */
function endToEnd(name: string, value: string, framing: Framing): boolean {
  switch (name.length) {
    case 2:
      return name.toLowerCase() !== "te";
    case 7: {
      const lower = name.toLowerCase();
      return lower !== "trailer" && lower !== "upgrade";
    }
    case 10: {
      const lower = name.toLowerCase();
      if (lower !== "connection") return lower !== "keep-alive";
      framing.connection = framing.connection === undefined ? value : `${framing.connection}, ${value}`;
      return false;
    }
    case 14:
      if (name !== "Content-Length" && name.toLowerCase() !== "content-length") return true;
      if (framing.contentLength !== undefined) throw badResponse("more than one Content-Length");
      framing.contentLength = readLength(value);
      return true;
    case 16:
      return name.toLowerCase() !== "proxy-connection";
    case 17:
      if (name.toLowerCase() !== "transfer-encoding") return true;
      if (framing.chunked) throw badResponse("more than one Transfer-Encoding");
      if (value.toLowerCase() !== "chunked") throw badResponse("the transfer coding is not chunked");
      framing.chunked = true;
      return false;
    default:
      return true;
  }
}

function readLength(value: string): number {
  const length = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(length)) throw badResponse("bad Content-Length");
  return length;
}

/** RFC 9112 §6.3 */
function kindOf(status: number, requestMethod: string, { chunked, contentLength }: Framing): BodyKind {
  if (status === 101) return "upgrade";
  if (status < 200 || status === 204 || status === 304 || requestMethod === "HEAD") return "none";
  if (chunked) return "chunked";
  if (contentLength === undefined) return "close";
  return contentLength === 0 ? "none" : "length";
}
