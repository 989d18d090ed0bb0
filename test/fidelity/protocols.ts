/** What is observed of plain workerd, as it is to be seen by a client that speaks HTTPS or HTTP/2 with dexter. */
import type { Case } from "./case.ts";
import type { Protocol } from "./driver.ts";

/** Plain workerd's URLs, as far as they are those of the functions. */
const OWN_URL = /http:\/\/(?=[a-z]+\.localhost)/gi;

/** Whether a case can be told in this version of HTTP at all. */
export function speaks(protocol: Protocol, { http1Only }: Case): boolean {
  return protocol !== "http2" || http1Only === undefined;
}

/** The differences are those of `PROTOCOL_DIFFERENCES`. */
export function translate<T>(protocol: Protocol, plain: T): T {
  return (protocol === "http1" ? plain : translateAny(protocol, plain)) as T;
}

function translateAny(protocol: Protocol, plain: unknown): unknown {
  if (typeof plain === "string") return plain.replaceAll(OWN_URL, "https://");
  if (Array.isArray(plain)) return plain.map((item) => translateAny(protocol, item));
  if (typeof plain !== "object" || plain === null) return plain;
  const seen = Object.fromEntries(
    Object.entries(plain).map(([key, value]) => [key, translateAny(protocol, value)]),
  );
  const { body } = plain as { body?: unknown };
  if (Array.isArray(seen.headers)) seen.headers = translateHeaders(protocol, seen.headers, body, seen.body);
  if (protocol === "http2" && "statusText" in seen) seen.statusText = "";
  if (protocol === "http2" && "version" in seen && seen.status !== 0) seen.version = "HTTP/2";
  return seen;
}

function translateHeaders(
  protocol: Protocol,
  headers: unknown[],
  before: unknown,
  after: unknown,
): unknown[] {
  const growth = typeof before === "string" && typeof after === "string" ? after.length - before.length : 0;
  // The headers that a function has echoed are pairs.
  if (!headers.every((line) => typeof line === "string")) return headers;
  const lines = headers.map((line) =>
    line.replace(/^(content-length: )(\d+)$/, (_, name, length) => `${name}${Number(length) + growth}`),
  );
  return protocol === "http2" ? lines.filter((line) => !line.startsWith("transfer-encoding:")) : lines;
}
