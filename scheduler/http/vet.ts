/**
 * The first look at a request whose head has been read: one pass over its headers that refuses what must not
 * reach a function, and collects what routing and forwarding need. What a header says on its own is told
 * apart from the target, because the headers of a connection's requests are mostly the same.
 */
import { LOOP_HEADER, loopHops } from "../../runtime/protocol.ts";
import { isTraceparent } from "./trace-context.ts";

export interface Refusal {
  /** 400, 405, 408, 417, 431 or 501; the connection must be closed after it (RFC 9112 §9.6). */
  readonly status: number;
  /** A sentence for the client. */
  readonly reason: string;
}

/** How long a request's body is: bytes, or as chunks, or there is none. */
export type RequestFraming = number | "chunked" | "none";

/** What is looked at. */
export interface RequestSource {
  readonly method: string;
  readonly rawHeaders: readonly string[];
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
}

export interface RequestFacts {
  refusal: Refusal | undefined;
  /** Host and port that the request is for: of an absolute target, else the Host header, else the default. */
  host: string;
  /** The target in origin form (`/path?query`), or `*`. */
  path: string;
  /** OPTIONS may be asked of the server as a whole. */
  isOptions: boolean;
  framing: RequestFraming;
  /** A WebSocket handshake. Any other `Upgrade` is ignored (RFC 9110 §7.8). */
  upgrade: boolean;
  expectContinue: boolean;
  /** Whether the client wants the connection kept for further requests (RFC 9112 §9.3). */
  keepAlive: boolean;
  /** Names in lower case that Connection lists, without the usual ones; undefined = none. */
  connectionNames: readonly string[] | undefined;
  /** As the client sent them; only to be believed of a trusted proxy. Several are joined by commas. */
  forwardedFor: string | undefined;
  forwardedProto: string | undefined;
  forwardedHost: string | undefined;
  /** The client's X-Request-Id if it is a plain token; same caveat. */
  requestId: string | undefined;
  /** The client's traceparent if it is valid, empty if it is not, undefined if there is none. */
  traceparent: string | undefined;
  /** How often the request has come back to a dexter, because a function sent it out: see runtime/fetch.ts. */
  hops: number;
}

/** For the `Allow` header that a 405 must carry (RFC 9110 §15.5.6). */
export const ALLOWED_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/** workerd answers 501 to any method that it does not know. */
const METHODS = new Set(
  `GET HEAD POST PUT PATCH DELETE OPTIONS ACL CHECKOUT COPY LOCK MERGE MKACTIVITY MKCOL MOVE NOTIFY PROPFIND
   PROPPATCH PURGE QUERY REPORT SEARCH SUBSCRIBE UNLOCK UNSUBSCRIBE`.split(/\s+/),
);

/** A request has a dozen or two; what has so many means to exhaust somebody. */
export const MAX_HEADERS = 1000;

/** What an HTTP/1.0 request without Host is for (RFC 9112 §3.3). */
const DEFAULT_HOST = "localhost";

/**
 * What version, method and headers say. The same for every request in which these are the same.
 * @returns the facts; the request must not be forwarded when `refusal` is set
 */
export function inspectHeaders(req: RequestSource): Readonly<RequestFacts> {
  const facts: RequestFacts = {
    refusal: undefined,
    host: "",
    path: "",
    isOptions: req.method === "OPTIONS",
    framing: "none",
    upgrade: false,
    expectContinue: false,
    keepAlive: req.httpVersionMinor === 1,
    connectionNames: undefined,
    forwardedFor: undefined,
    forwardedProto: undefined,
    forwardedHost: undefined,
    requestId: undefined,
    traceparent: undefined,
    hops: 0,
  };
  facts.refusal = refuseLine(req) ?? readHeaders(req, facts) ?? refuseUpgrade(facts);
  if (facts.host === "") facts.host = DEFAULT_HOST;
  return facts;
}

/** Adds what the target says. */
export function inspectTarget(known: Readonly<RequestFacts>, url: string): RequestFacts {
  const facts: RequestFacts = { ...known, path: url };
  facts.refusal ??= readTarget(facts);
  return facts;
}

function refuse(status: number, reason: string): Refusal {
  return { status, reason };
}

function refuseLine({ method, httpVersionMajor, httpVersionMinor }: RequestSource): Refusal | undefined {
  // RFC 9112 §2.3. 505 would do as well as 400.
  if (httpVersionMajor !== 1 || httpVersionMinor > 1)
    return refuse(400, "only HTTP/1.1 and HTTP/1.0 are spoken");
  // RFC 9110 §9.3.8: TRACE would echo headers that were added on the way.
  if (method === "TRACE") return refuse(405, "TRACE is not allowed");
  if (!METHODS.has(method)) return refuse(501, `${method} is not implemented`);
  return undefined;
}

/**
 * The one pass. What can be a reason to refuse the request is read here, the rest in `readOrigin`. Names are told apart
 * by length first, so most are never lower-cased.
 */
function readHeaders(req: RequestSource, facts: RequestFacts): Refusal | undefined {
  const raw = req.rawHeaders;
  if (raw.length > MAX_HEADERS * 2) return refuse(431, `more than ${MAX_HEADERS} headers`);
  let hosts = 0;
  let connection = "";
  let upgrade = "";
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    switch (name.length) {
      case 4:
        if (!is(name, "host")) break;
        // RFC 9112 §3.2: more than one Host is 400.
        if (++hosts > 1) return refuse(400, "more than one Host header");
        facts.host = value;
        break;
      case 6:
        if (!is(name, "expect") || req.httpVersionMinor === 0) break;
        // RFC 9110 §10.1.1: 417 for any expectation but this; HTTP/1.0 ones are ignored.
        if (value.toLowerCase() !== "100-continue") return refuse(417, `cannot meet "Expect: ${value}"`);
        facts.expectContinue = true;
        break;
      case 7:
        if (is(name, "upgrade")) upgrade = join(upgrade, value);
        break;
      case 10:
        if (is(name, "connection")) connection = join(connection, value);
        break;
      case 14: {
        const refusal = is(name, "content-length") ? readLength(facts, value) : undefined;
        if (refusal) return refusal;
        break;
      }
      case 17: {
        const refusal = is(name, "transfer-encoding") ? readEncoding(req, facts, value) : undefined;
        if (refusal) return refusal;
        break;
      }
    }
    readOrigin(facts, name, value);
  }
  // RFC 9112 §3.2: HTTP/1.1 needs a Host, and what is not a host is 400.
  if (hosts === 0 && req.httpVersionMinor === 1) return refuse(400, "the Host header is missing");
  if (hosts === 1 && !isHost(facts.host)) return refuse(400, "the Host header is not a host");
  if (connection !== "") readConnection(req, facts, connection, upgrade);
  return undefined;
}

/** Where a request comes from, as those say who sent it on. What is wrong here is left out, and no reason to refuse. */
function readOrigin(facts: RequestFacts, name: string, value: string): void {
  switch (name.length) {
    case 8:
      if (is(name, LOOP_HEADER)) facts.hops += loopHops(value);
      break;
    case 11:
      // Of two of them nobody can say which is meant.
      if (is(name, "traceparent"))
        facts.traceparent = facts.traceparent === undefined && isTraceparent(value) ? value : "";
      break;
    case 12:
      if (is(name, "x-request-id")) facts.requestId = REQUEST_ID.test(value) ? value : undefined;
      break;
    case 15:
      if (is(name, "x-forwarded-for")) facts.forwardedFor = join(facts.forwardedFor, value);
      break;
    case 16:
      if (is(name, "x-forwarded-host")) facts.forwardedHost = join(facts.forwardedHost, value);
      break;
    case 17:
      if (is(name, "x-forwarded-proto")) facts.forwardedProto = join(facts.forwardedProto, value);
      break;
  }
}

const REQUEST_ID = /^[\w.:+/=-]{1,128}$/;

/** Whether a header name is this one (given in lower case, of the same length). */
function is(name: string, lower: string): boolean {
  // The first letter tells most apart ("Cookie", "Accept" and "expect" are equally long).
  if ((name.charCodeAt(0) | 0x20) !== lower.charCodeAt(0)) return false;
  return name === lower || name.toLowerCase() === lower;
}

function join(list: string | undefined, value: string): string {
  return list ? `${list}, ${value}` : value;
}

/** RFC 9112 §6.3: with two lengths, or one that is not a number, nobody can tell where the body ends. */
function readLength(facts: RequestFacts, value: string): Refusal | undefined {
  if (facts.framing === "chunked") return refuse(400, "both Transfer-Encoding and Content-Length");
  if (facts.framing !== "none") return refuse(400, "more than one Content-Length header");
  const length = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(length)) return refuse(400, "the Content-Length header is not a length");
  facts.framing = length;
  return undefined;
}

function readEncoding(req: RequestSource, facts: RequestFacts, value: string): Refusal | undefined {
  // RFC 9112 §6.1: HTTP/1.0 has no Transfer-Encoding, so the framing is faulty.
  if (req.httpVersionMinor === 0) return refuse(400, "Transfer-Encoding in an HTTP/1.0 request");
  // RFC 9112 §6.3, 3: "ought to be handled as an error".
  if (typeof facts.framing === "number") return refuse(400, "both Transfer-Encoding and Content-Length");
  if (facts.framing === "chunked") return refuse(400, "more than one Transfer-Encoding header");
  // RFC 9112 §6.1: 501 for a transfer coding that is not understood.
  if (value.toLowerCase() !== "chunked") return refuse(501, "the only transfer coding is chunked");
  facts.framing = "chunked";
  return undefined;
}

/** Options that need no copy of their header to be dropped: those are hop-by-hop anyway. */
const USUAL_OPTIONS = new Set(["", "keep-alive", "close", "upgrade", "te", "transfer-encoding"]);

function readConnection(req: RequestSource, facts: RequestFacts, connection: string, upgrade: string): void {
  const names = tokens(connection);
  facts.keepAlive = !names.includes("close") && (req.httpVersionMinor === 1 || names.includes("keep-alive"));
  // RFC 9110 §7.8: an Upgrade counts only when Connection lists it, and not in HTTP/1.0.
  facts.upgrade =
    names.includes("upgrade") &&
    tokens(upgrade).includes("websocket") &&
    req.method === "GET" &&
    req.httpVersionMinor === 1;
  const unusual = names.filter((name) => !USUAL_OPTIONS.has(name));
  if (unusual.length > 0) facts.connectionNames = unusual;
  if (names.includes("traceparent")) facts.traceparent = undefined;
}

function tokens(list: string): string[] {
  return list.split(",").map((token) => token.trim().toLowerCase());
}

/** What a request target may not hold: fragment (RFC 9112 §3.2), spaces, controls, bytes outside ASCII. */
const BAD_TARGET = /[^!-"$-~]/;
const ABSOLUTE = /^https?:\/\/([^/?]*)(.*)$/i;

function readTarget(facts: RequestFacts): Refusal | undefined {
  const url = facts.path;
  if (BAD_TARGET.test(url)) return refuse(400, "the request target holds a character that must be encoded");
  if (url.charCodeAt(0) === 0x2f) return undefined;
  // RFC 9112 §3.2.4
  if (url === "*") return facts.isOptions ? undefined : refuse(400, "only OPTIONS takes the target *");
  // RFC 9112 §3.2.2: the authority of an absolute target replaces the Host header. No user name (RFC 9110
  // §4.2.4), which `isHost` sees to.
  const [, authority = "", rest = ""] = ABSOLUTE.exec(url) ?? [];
  if (!isHost(authority)) return refuse(400, "the request target is neither a path nor an http URL");
  facts.host = authority;
  facts.path = rest === "" && facts.isOptions ? "*" : rest.startsWith("/") ? rest : `/${rest}`;
  return undefined;
}

function refuseUpgrade({ upgrade, framing }: RequestFacts): Refusal | undefined {
  // What follows the head of a handshake is frames; a body would be taken for some.
  if (!upgrade || framing === "none" || framing === 0) return undefined;
  return refuse(400, "a WebSocket handshake has no body");
}

/** Percent-encoding is legal in a host (RFC 3986 §3.2.2), but parsers disagree on what it then means. */
const HOST = /^(?:[\w.~!$&'()*+,;=-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i;
const HOST_CACHE_SIZE = 1024;
const knownHosts = new Set<string>();

/** Whether a value is `host[:port]` that the runtime can make a URL of. Good ones are remembered, up to a bound. */
export function isHost(value: string): boolean {
  if (knownHosts.has(value)) return true;
  if (value.length > 261 || !HOST.test(value) || !URL.canParse(`http://${value}/`)) return false;
  if (knownHosts.size >= HOST_CACHE_SIZE) knownHosts.clear();
  knownHosts.add(value);
  return true;
}
