/** Responses as a handler makes them: status, headers, every kind of body. */
import assert from "node:assert/strict";
import {
  becomes,
  type Case,
  differing,
  type Expected,
  one,
  overHttp1,
  scenario,
  withoutLength,
} from "../case.ts";
import { CASE_DIFFERENCES } from "../differences.ts";
import { observed } from "../driver.ts";

const respond = (title: string, path: string, expected: Expected = {}): Case =>
  one("respond", title, `/${path}`, expected);
const head = (title: string, path: string, expected: Expected = {}): Case =>
  one("respond", title, { method: "HEAD", path: `/${path}` }, expected);
const headOfLength = (title: string, path: string, expected: Expected): Case =>
  differing(CASE_DIFFERENCES.headLength, head(title, path, expected), becomes(withoutLength));

const statuses: Case[] = [
  ...[201, 202, 206, 299, 400, 404, 405, 418, 429, 451, 500, 502, 503, 599].map((status) =>
    respond(`answers ${status}`, `status-${status}`, { status, body: `status ${status}` }),
  ),
  respond("keeps a status text of its own", "status-text"),
  respond("keeps a status text beyond ASCII", "status-text-latin"),
  respond("refuses statuses out of range alike", "status-bad", { body: "RangeError" }),
  respond("answers 204 without a body", "204", { status: 204, header: /x-kept: yes/ }),
  respond("answers 205 without a body", "205", { status: 205 }),
  respond("answers 304 without a body", "304", { status: 304, header: /etag: "abc"/ }),
  respond("answers 200 with a null body", "null-200"),
  respond("answers 404 with a null body", "null-404", { status: 404 }),
  ...[301, 302, 303, 307, 308].map((status) =>
    respond(`redirects with ${status}`, `redirect-${status}`, {
      status,
      header: /location: http:\/\/example\.com/,
    }),
  ),
  respond("keeps a relative Location", "redirect-relative", {
    status: 302,
    header: /location: \.\.\/x\?y#z/,
  }),
];

const headers: Case[] = [
  respond("sends several Set-Cookie headers apart", "cookies", {
    header: /a=1.*\n.*set-cookie: b=2.*\n.*set-cookie: c=/,
  }),
  respond("lists Set-Cookie values apart", "get-set-cookie", { body: "a=1" }),
  respond("sends an empty header", "header-empty", { header: /x-empty: $/m }),
  respond("sends latin-1 in a header", "header-latin", { header: /x-latin/ }),
  respond("sends UTF-8 in a header", "header-utf8", { header: /x-utf8/ }),
  respond("trims white space around a value alike", "header-spaces", { header: /x-spaces/ }),
  respond("sends a long header", "header-long", { header: /v{8000}/ }),
  respond("sends 150 headers", "headers-many", { header: /x-h149: value 149/ }),
  respond("joins or repeats appended headers alike", "headers-appended", { header: /x-list/ }),
  respond("sends headers in the same order", "headers-order", { header: /x-zebra/ }),
  overHttp1(
    "the library sends names that are numbers first",
    respond("sends odd header names", "headers-odd-names", { header: /odd/ }),
  ),
  respond("sends the Date that the handler set", "header-date", { keep: ["date"], header: /1994/ }),
  respond("sends the Server that the handler set", "header-server", { header: /server: mine/ }),
  respond("obeys the handler's Connection: close", "header-connection-close"),
  respond("treats hop-by-hop headers of a handler alike", "header-hop"),
  respond("takes the handler's Content-Length", "header-content-length", { header: /content-length: 7/ }),
  respond("takes the handler's Content-Length with a stream", "header-length-stream"),
  respond("takes the handler's Transfer-Encoding alike", "header-transfer-encoding"),
  respond("keeps an odd Content-Type", "header-content-type-odd", { header: /TEXT\/Plain/ }),
  respond("keeps cross-origin headers", "header-cors", { header: /access-control-allow-origin: \*/ }),
  respond("keeps Link headers", "early-hints-link", { header: /preload/ }),
  respond("keeps caching headers", "cached", { header: /immutable/ }),
  respond("sends the X-Request-Id that the handler set", "header-request-id", {
    keep: ["x-request-id"],
    header: /the-handlers-own/,
  }),
];

const bodies: Case[] = [
  respond("sends a string", "string", { body: "just a string", header: /text\/plain/ }),
  respond("sends a string beyond ASCII", "unicode", { body: Buffer.from("\u2713").toString("latin1") }),
  respond("sends an empty string", "empty"),
  respond("sends a response made of nothing", "no-argument"),
  respond("sends bytes", "bytes", { body: "\u00ff\r\n\r\n" }),
  respond("sends a view of bytes", "view", { body: "\u0008\u0007\u0006" }),
  respond("sends an ArrayBuffer", "buffer", { body: "array buffer" }),
  respond("sends a DataView", "dataview", { body: "2345" }),
  respond("sends a Blob with its type", "blob", { body: "a blob", header: /text\/x-blob/ }),
  respond("sends URLSearchParams", "params", { body: "a+b=c%26d" }),
  respond("sends a number as text", "number", { body: "42" }),
  respond("sends an object as text", "object", { body: "[object Object]" }),
  respond("sends Response.json", "json", { body: '"c":true' }),
  respond("sends Response.json with its own status", "json-init", { status: 201, header: /x-json/ }),
  respond("sends HTML", "html", { header: /text\/html; charset=utf-8/ }),
  respond("sends a megabyte", "megabyte", { body: "1048576 bytes" }),
  respond("sends a clone's original", "clone", { status: 203, body: "cloned+203" }),
  respond("sends a clone", "clone-returned", { body: "both read" }),
  respond("sends a response rebuilt from another", "reused", { status: 202, body: '{"one":1}' }),
  respond("sends what a thenable gives", "thenable", { body: "from a thenable" }),
  respond("sends a subclass of Response", "subclass", { body: "of a subclass" }),
  respond("keeps a redirect's headers immutable", "mutated", { body: "TypeError" }),
  one("respond", "fails alike on Response.error()", "/response-error", { view: "failure", status: 500 }),
  scenario(
    "respond",
    "sends FormData",
    async (session) => {
      const exchange = await session.exchange({ path: "/form-data" });
      const boundary = /boundary="?([^"\r\n]+)/
        .exec(JSON.stringify(exchange.head.headers))?.[1]
        ?.replace(/\W+$/, "");
      return JSON.parse(JSON.stringify(observed(exchange)).replaceAll(boundary ?? "none", "BOUNDARY"));
    },
    (observation) => assert.match(JSON.stringify(observation), /--BOUNDARY.*name.txt.*--BOUNDARY--/),
  ),
];

const encodings: Case[] = [
  respond("sends what the handler compressed", "gzip", { header: /content-encoding: gzip/ }),
  respond("compresses what the handler marks as gzip alike", "gzip-automatic", { header: /gzip/ }),
  respond("sends much that the handler compressed", "gzip-large-manual", { header: /gzip/ }),
  respond("sends brotli bytes as they are", "encoding-br-manual", { body: "hi", header: /br/ }),
  respond("sends an unknown encoding as it is", "encoding-unknown", { header: /x-unknown/ }),
  respond("sends an identity encoding as it is", "encoding-identity"),
  respond("sends deflate bytes as they are", "deflate", { header: /deflate/ }),
  one(
    "respond",
    "does not compress for Accept-Encoding",
    { path: "/megabyte", headers: [["Accept-Encoding", "gzip, br, zstd"]] },
    { body: "1048576 bytes" },
  ),
];

const heads: Case[] = [
  headOfLength("answers HEAD with the length of a string", "string", { header: /content-length: 13/ }),
  headOfLength("answers HEAD for 404", "status-404", { status: 404, header: /content-length: 10/ }),
  head("answers HEAD for 204", "204", { status: 204 }),
  head("answers HEAD for 304", "304", { status: 304 }),
  head("answers HEAD for a redirect", "redirect-302", { status: 302 }),
  head("answers HEAD for a null body", "null-200"),
  headOfLength("answers HEAD for JSON", "json", { header: /content-length/ }),
  head("answers HEAD for a compressed body", "gzip", { header: /content-encoding: gzip/ }),
  head("answers HEAD with the handler's Content-Length", "header-content-length", {
    header: /content-length: 7/,
  }),
  headOfLength("answers HEAD for a megabyte", "megabyte", { header: /content-length: 1048576/ }),
];

export const responseCases: readonly Case[] = [...statuses, ...headers, ...bodies, ...encodings, ...heads];
