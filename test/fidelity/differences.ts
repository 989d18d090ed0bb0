/**
 * Where dexter is allowed to differ from plain `workerd serve`, and why. Everything that is not listed
 * here is compared byte for byte; of what is listed by case, dexter's own behaviour is asserted instead.
 */

export interface Difference {
  readonly name: string;
  readonly reason: string;
  /** In resident threads it is as in plain workerd. */
  readonly only?: "loaded";
}

/** Response headers that are left out of the comparison, unless the handler itself set them. */
export const RESPONSE_HEADER_DIFFERENCES: readonly Difference[] = [
  { name: "date", reason: "dexter dates its responses as RFC 9110 asks of a server with a clock" },
  { name: "connection", reason: "persistence belongs to each hop; what it does is compared by reusing it" },
  { name: "keep-alive", reason: "the idle timeout of dexter's own listener" },
  { name: "x-request-id", reason: "dexter names every request so that a log line can be found" },
];

/** Request headers that a handler sees under dexter, or sees differently. */
export const REQUEST_HEADER_DIFFERENCES: readonly Difference[] = [
  { name: "x-forwarded-for", reason: "set from the connection" },
  { name: "x-forwarded-proto", reason: "set from the connection" },
  { name: "x-forwarded-host", reason: "set from the connection" },
  { name: "cf-connecting-ip", reason: "set from the connection" },
  { name: "x-request-id", reason: "dexter names every request" },
  { name: "traceparent", reason: "every request belongs to a trace; what is malformed is replaced" },
  { name: "tracestate", reason: "dropped without a valid traceparent, as W3C Trace Context asks" },
  { name: "connection", reason: "belongs to the hop between client and dexter, not to the function" },
  { name: "keep-alive", reason: "belongs to the hop between client and dexter, not to the function" },
  { name: "te", reason: "belongs to the hop (RFC 9110 section 7.6.1)" },
  { name: "trailer", reason: "belongs to the hop; trailers are not passed on" },
  { name: "upgrade", reason: "belongs to the hop; dexter speaks WebSocket and passes on nothing else" },
  { name: "http2-settings", reason: "belongs to the hop: Connection names it" },
];

/** Request headers that an origin gets of a function's fetch() under dexter only. */
export const OUTBOUND_HEADER_DIFFERENCES: readonly Difference[] = [
  { name: "cdn-loop", reason: "requests that go round in a circle are counted (RFC 8586)" },
];

/** What cases of the named view leave out. */
export const OTHER_DIFFERENCES: readonly Difference[] = [
  {
    name: "where Content-Length and Transfer-Encoding stand among the headers",
    reason: "each hop frames its messages itself; that they are there, and what they say, is compared",
  },
  {
    name: "body and headers of an exception's 500",
    reason: "dexter answers with its own page, which carries a request id",
  },
  {
    name: "request.cf",
    reason: "plain workerd gives the client's address only; dexter gives a minimal cf object",
  },
];

/** What HTTPS and HTTP/2 make different in all cases; cases about something that only HTTP/1 has are left out there. */
export const PROTOCOL_DIFFERENCES: readonly Difference[] = [
  { name: "request.url begins with https://", reason: "that is what the client asked for" },
  { name: "no status text in HTTP/2", reason: "RFC 9113 section 8.3.2 has none" },
  { name: "no Transfer-Encoding in HTTP/2", reason: "it frames bodies itself (RFC 9113 section 8.2.2)" },
];

/** Differences of single cases, which say what dexter does instead. */
export const CASE_DIFFERENCES = {
  headLength: {
    name: "HEAD has no automatic Content-Length",
    reason:
      "the length of a body is known only to the isolate that made it, and HEAD's is dropped on the hop through " +
      "the host worker; a Content-Length that the handler sets is kept, and RFC 9110 section 8.6 asks for none",
    only: "loaded",
  },
  halfClose: {
    name: "a client that closes its sending side after the request counts as gone",
    reason: "as in Node: almost every such client has left, and an abort must reach the function at once",
  },
  failedStream: {
    name: "a response that fails before its body is answered with 502, or cut after its beginning",
    reason: "a client that gets an answer with a request id knows more than one whose connection just closes",
  },
  exports: {
    name: "ctx.exports lists DexterThread",
    reason: "the entrypoint by which the host worker reaches an isolate must be one of its exports",
  },
  compatibilityFlags: {
    name: "nodejs_als is among the compatibility flags",
    reason: "AsyncLocalStorage is how a console line knows its request",
  },
  normalisedUrl: {
    name: "request.url is normalised: dot segments resolved, host in lower case",
    reason: "the request passes through the host worker's Request, as a URL that has been parsed",
    only: "loaded",
  },
  refusedTarget: {
    name: "# and bytes beyond ASCII in a request target are refused with 400",
    reason: "RFC 9112 section 3.2 does not allow them, and what one parser skips another may take for a path",
  },
} as const satisfies Readonly<Record<string, Difference>>;
