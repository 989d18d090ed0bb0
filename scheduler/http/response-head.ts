/**
 * Reads the head of a response, strictly: one pass over its characters, no header folded, no bare line
 * break, one framing (RFC 9112 §4–6). What is hop-by-hop is taken out here, so that what is left can be
 * given to the client as it is.
 */
import { DexterError } from "../errors.ts";

/** How the body ends: there is none, after so many bytes, by its chunks, with the connection, or tunnelled. */
export type BodyKind = "none" | "length" | "chunked" | "close" | "upgrade";

export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  /** Names and values in turn, in order and case. */
  readonly rawHeaders: readonly string[];
  readonly bodyKind: BodyKind;
  /** Bytes to come when `bodyKind` is `length`, else 0. */
  readonly contentLength: number;
  /** Whether the connection outlives the response. */
  readonly persistent: boolean;
}

export function badResponse(reason: string): DexterError {
  return new DexterError("BAD_RESPONSE", { reason });
}

const TOKEN = 1;
const VALUE = 2;
/** What each byte may be part of (RFC 9110 §5.6.2 and §5.5). */
const CHARS = new Uint8Array(256);
for (let code = 0; code < 256; code++) {
  const char = String.fromCharCode(code);
  if (/[!#$%&'*+.^_`|~\dA-Za-z-]/.test(char)) CHARS[code]! |= TOKEN;
  if (/[\t -~\x80-\xff]/.test(char)) CHARS[code]! |= VALUE;
}

const CR = 13;
const LF = 10;
const COLON = 58;

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
  let rawHeaders: readonly string[] =
    lineEnd < 0 ? [] : readHeaders(text, lineEnd + 2, status === 101, framing);
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
  return {
    status,
    statusText: statusLine.slice(13),
    rawHeaders,
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

function readHeaders(text: string, start: number, keepAll: boolean, framing: Framing): string[] {
  const headers: string[] = [];
  const length = text.length;
  let at = start;
  while (at < length) {
    const nameStart = at;
    while (at < length && CHARS[text.charCodeAt(at)]! & TOKEN) at++;
    if (at === nameStart || text.charCodeAt(at) !== COLON) throw badResponse("bad header name");
    const name = text.slice(nameStart, at++);
    while (text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9) at++;
    const valueStart = at;
    let valueEnd = at;
    for (; at < length; at++) {
      const code = text.charCodeAt(at);
      if (!(CHARS[code]! & VALUE)) break;
      if (code !== 32 && code !== 9) valueEnd = at + 1;
    }
    if (at < length) {
      if (text.charCodeAt(at) !== CR || text.charCodeAt(at + 1) !== LF) throw badResponse("bad header value");
      at += 2;
    }
    const value = text.slice(valueStart, valueEnd);
    if (endToEnd(name, value, framing) || keepAll) headers.push(name, value);
  }
  return headers;
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

/** Checks one trailer line; its content is not passed on. */
export function isHeaderLine(line: string): boolean {
  const colon = line.indexOf(":");
  if (colon < 1) return false;
  for (let i = 0; i < line.length; i++) {
    if (!(CHARS[line.charCodeAt(i)]! & (i < colon ? TOKEN : VALUE))) return false;
  }
  return true;
}
