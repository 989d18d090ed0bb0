/** What a function may reach over the network, and what it gets from there. */
import assert from "node:assert/strict";
import { type Case, one, scenario } from "../case.ts";
import { observed } from "../driver.ts";
import { startWitness } from "../witness.ts";

export const outboundCases: readonly Case[] = [
  one("outbound", "fetches from an allowed origin", "/get", { body: '"method":"GET"' }),
  one("outbound", "posts to an origin", "/post", { body: "sent on" }),
  one(
    "outbound",
    "sends a request on with other headers",
    { method: "PUT", path: "/forwarded", headers: [["X-Client", "1"]], body: "forwarded" },
    { body: '"x-only":"this"' },
  ),
  one("outbound", "returns an origin's response", "/proxied", {
    status: 418,
    body: "teapot",
    header: /b=2; HttpOnly/,
  }),
  one("outbound", "returns an origin's response with a header more", "/copied", {
    status: 418,
    header: /x-added/,
  }),
  one("outbound", "decodes an origin's gzip", "/gzip", { body: "compressed at the origin" }),
  one("outbound", "returns an origin's gzip response", "/gzip-returned", { header: /gzip/ }),
  one("outbound", "follows a redirect", "/redirect", { body: '[200,true,"echo"]' }),
  one("outbound", "leaves a redirect alone when told to", "/redirect-manual", {
    status: 302,
    header: /location: echo/,
  }),
  one("outbound", "returns a large body of an origin", "/large", { body: "3145728 bytes" }),
  one(
    "outbound",
    "streams an upload on to an origin",
    { method: "POST", path: "/upload", body: "u".repeat(500_000) },
    { body: /^[0-9a-f]{64}$/ },
  ),
  one("outbound", "cuts the response that its origin cut", "/cut", { body: "a beginning", cut: true }),
  one("outbound", "returns an origin's 404", "/missing", { status: 404 }),
  one("outbound", "fetches twelve times at once", "/parallel", { body: '"11"' }),
  one("outbound", "gives up on a fetch when its signal says so", "/aborted", { body: "TimeoutError" }),
  one(
    "outbound",
    "sends the client's request on as it is",
    { method: "PUT", path: "/passed-on", headers: [["X-Client", "1"]], body: "passed on" },
    { body: '"mine":"1","framing":["9",null],"body":"passed on"' },
  ),
  one("outbound", "sends a body again where a redirect asks for it", "/redirect-post", {
    body: '"body":"again"',
  }),
  one("outbound", "changes no request that it is given", "/kept", { body: '["1",[["x-mine","1"]],false]' }),
  one("outbound", "has a fetch() of the same shape, which refuses the same alike", "/shape", {
    body: /"failures":\[true,"TypeError.*"thrown":"TypeError: Illegal invocation.*"name":"fetch","length":0/,
  }),
  one("outbound", "refuses other schemes alike", "/bad-scheme", { body: "TypeError" }),
  one("outbound", "opens a raw socket to an allowed origin", "/socket", { body: "HTTP/1.1 200 OK" }),
  scenario(
    "outbound",
    "does not reach an origin that is not allowed",
    async (session) => {
      // Listening on every address, so that a refused connection cannot pass for a refused origin.
      const elsewhere = await startWitness("0.0.0.0");
      try {
        const url = `http://127.0.0.2:${elsewhere.port}/s/origin/echo`;
        return observed(await session.exchange({ path: "/refused", headers: [["X-Elsewhere", url]] }));
      } finally {
        await elsewhere.close();
      }
    },
    ({ body }) => assert.match(String(body), /Error/),
  ),
];
