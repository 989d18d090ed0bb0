/**
 * Heads of HTTP/2 requests and responses, in terms of HTTP/1.1: that is how requests are vetted and go on to a
 * thread, and how responses come from it. The library has refused what is malformed already (RFC 9113 §8.1–8.3):
 * pseudo-headers that are missing or doubled, upper-case names, headers of a connection, a wrong Content-Length.
 */
import type { OutgoingHttpHeaders } from "node:http";
import { readHeaderLines } from "./header-lines.ts";
import { HeaderBlock, type HeadSource, MAX_HEAD, type RequestHead } from "./request-head.ts";
import type { Refusal } from "./vet.ts";

type Http2HeadResult = { readonly head: RequestHead } | { readonly refusal: Refusal };

/** What a request says of itself beside its headers. */
interface Pseudo {
  method: string;
  path: string;
  scheme: string | undefined;
  authority: string | undefined;
}

/** Reads the heads of one connection's requests. The last one's is kept, because the next is mostly the same. */
export class Http2HeadReader {
  #block: HeaderBlock | undefined;

  /**
   * @param raw names and values in turn, as they came
   * @param hasBody whether data may follow
   */
  read(raw: readonly string[], hasBody: boolean): Http2HeadResult {
    const { pseudo, headers, text } = takeApart(raw);
    if (text.length > MAX_HEAD) return refusal(431, `the head is over ${MAX_HEAD / 1024} KB`);
    // A request for another scheme that came over this connection is a mistake of whoever sent it (RFC 9110 §7.4).
    if (pseudo.scheme !== undefined && pseudo.scheme !== "https")
      return refusal(400, "the scheme of the request is not https");
    const source: HeadSource = {
      method: pseudo.method,
      httpVersionMajor: 1,
      httpVersionMinor: 1,
      headers: `${hasBody} ${pseudo.authority}\n${text}`,
    };
    if (!this.#block?.isOf(source)) {
      const host = hostOf(pseudo, headers);
      if (host === "two") return refusal(400, "the Host header is not the authority of the request");
      this.#block = new HeaderBlock(source, asHttp1(headers, host, hasBody), "HTTP/2");
    }
    const url = pseudo.path;
    return { head: { url, facts: this.#block.factsFor(url), block: this.#block } };
  }
}

function refusal(status: number, reason: string): { readonly refusal: Refusal } {
  return { refusal: { status, reason } };
}

function takeApart(raw: readonly string[]): { pseudo: Pseudo; headers: string[]; text: string } {
  const pseudo: Pseudo = { method: "", path: "", scheme: undefined, authority: undefined };
  const headers: string[] = [];
  let text = "";
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name, value] = [raw[i]!, raw[i + 1]!];
    if (name.charCodeAt(0) === 0x3a) pseudo[name.slice(1) as keyof Pseudo] = value;
    else {
      headers.push(name, value);
      text += `${name}: ${value}\n`;
    }
  }
  return { pseudo, headers, text };
}

/** The authority of a request, which may have a Host header as well, if that says the same (RFC 9113 §8.3.1). */
function hostOf({ authority }: Pseudo, headers: readonly string[]): string | "two" | undefined {
  const hosts = headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === "host");
  const all = new Set(authority ? [authority, ...hosts] : hosts);
  return all.size > 1 || hosts.length > 1 ? "two" : [...all][0];
}

/** Host first; cookies in one header, which HTTP/2 lets a client send in crumbs (RFC 9113 §8.2.3); the framing. */
function asHttp1(headers: readonly string[], host: string | undefined, hasBody: boolean): string[] {
  const lines = host === undefined ? [] : ["Host", host];
  let cookieAt = -1;
  let hasLength = false;
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i]!, headers[i + 1]!];
    if (name === "host") continue;
    if (name === "cookie" && cookieAt >= 0) {
      lines[cookieAt] += `; ${value}`;
      continue;
    }
    if (name === "cookie") cookieAt = lines.length + 1;
    hasLength ||= name === "content-length";
    lines.push(name, value);
  }
  if (hasBody && !hasLength) lines.push("transfer-encoding", "chunked");
  return lines;
}

/** Headers that belong to a connection of HTTP/1.1, and have no place in HTTP/2 (RFC 9113 §8.2.2). */
const OF_CONNECTION = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/**
 * A response's headers as the library takes them.
 * @param lines status line and headers, each with its line break, as HTTP/1.1 has them
 */
export function http2Headers(status: number, lines: string): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = Object.create(null);
  headers[":status"] = status;
  const raw = readHeaderLines(lines, lines.indexOf("\r\n") + 2);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name, value] = [raw[i]!.toLowerCase(), raw[i + 1]!];
    if (OF_CONNECTION.has(name)) continue;
    const earlier = headers[name];
    headers[name] = earlier === undefined ? value : [earlier as string | string[], value].flat();
  }
  return headers;
}

/** The same with one line for each name, but for cookies, of which commas may be part (RFC 9110 §5.3). */
export function joinedHeaders(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const joined: OutgoingHttpHeaders = Object.create(null);
  for (const [name, value] of Object.entries(headers))
    joined[name] = Array.isArray(value) && name !== "set-cookie" ? value.join(", ") : value;
  return joined;
}
