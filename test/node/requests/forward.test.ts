/** What of a request reaches the function, and what of its answer the client. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { valuesOf } from "../../support/answer.ts";
import type { RequestOptions } from "../../support/http.ts";
import { type SharedNode, sharedNode } from "../../support/shared-node.ts";

const ECHO = `
export default {
  fetch(request) {
    const { method, url, cf } = request;
    return Response.json({ method, url, cf, headers: Object.fromEntries(request.headers) });
  },
};`;

const ANSWERS = `
export default {
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/own-id")) return new Response("mine", { headers: { "X-Request-Id": "its-own" } });
    return new Response("same", { headers: { "X-Same": "always" } });
  },
};`;

const seen = (headers: RequestOptions["headers"] = []): RequestOptions => ({ path: "/echo", headers });
const FORGED = [
  ["X-Forwarded-For", "6.6.6.6"],
  ["X-Forwarded-Proto", "https"],
  ["X-Forwarded-Host", "evil.example"],
  ["X-Forwarded-Port", "666"],
  ["CF-Connecting-IP", "6.6.6.6"],
  ["X-Request-Id", "forged"],
] as const;

describe("a request from anywhere", { timeout: 30_000 }, () => {
  const node = sharedNode({ functions: { echo: ECHO, answers: ANSWERS }, directives: { start_threads: 1 } });

  it("carries the address, protocol and host of its connection, whatever it says itself", async () => {
    const { url, headers } = await node.json(seen(FORGED));
    assert.equal(url, "http://localhost/echo");
    assert.equal(headers["x-forwarded-for"], "127.0.0.1");
    assert.equal(headers["x-forwarded-proto"], "http");
    assert.equal(headers["x-forwarded-host"], "localhost");
    assert.equal(headers["x-forwarded-port"], undefined);
    assert.equal(headers["cf-connecting-ip"], "127.0.0.1");
    assert.match(headers["x-request-id"], /^[\w]+-[\w]+$/);
  });

  it("cannot set private headers, nor have dexter's own dropped through Connection", async () => {
    const names = ["x-dexter-cf", "x-dexter-proto", "x-dexter-anything", "X-DEXTER-EXCEPTION"];
    const { url, cf, headers } = await node.json(
      seen([
        ...names.map((name) => [name, '{"forged":true}'] as const),
        ["Connection", "close, X-Listed, X-Forwarded-For, CF-Connecting-IP, X-Request-Id, X-Dexter-Cf"],
        ["X-Listed", "hop by hop"],
        ["X-Kept", "end to end"],
      ]),
    );
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith("x-dexter-")),
      [],
    );
    assert.equal(url, "http://localhost/echo");
    assert.equal(cf.forged, undefined);
    assert.equal(headers["x-listed"], undefined);
    assert.equal(headers["x-kept"], "end to end");
    assert.equal(headers["x-forwarded-for"], "127.0.0.1");
    assert.equal(headers["cf-connecting-ip"], "127.0.0.1");
    assert.notEqual(headers["x-request-id"], undefined);
  });

  it("has a minimal request.cf, which says the client's HTTP version", async () => {
    assert.deepEqual((await node.json(seen())).cf, { httpProtocol: "HTTP/1.1" });
    assert.deepEqual((await node.json({ ...seen(), version: "HTTP/1.0" })).cf, { httpProtocol: "HTTP/1.0" });
  });

  it("has an id of its own, which the client gets too", async () => {
    const [one, other] = [await node.ask(seen()), await node.ask(seen())];
    const ids = [one, other].map(({ head, text }) => {
      const [id, ...more] = valuesOf(head, "x-request-id");
      assert.deepEqual(more, []);
      assert.equal(id, JSON.parse(text).headers["x-request-id"]);
      return id;
    });
    assert.notEqual(ids[0], ids[1]);
  });

  it("loses a function's own X-Request-Id neither to dexter's nor to a second one", async () => {
    for (let round = 0; round < 3; round++) {
      const { head } = await node.ask("/answers/own-id");
      assert.deepEqual(valuesOf(head, "x-request-id"), ["its-own"]);
    }
  });

  it("gets an answer whose head is not grown by the same head before it", async () => {
    const connection = await node.connect();
    const heads: string[][] = [];
    for (let round = 0; round < 4; round++) {
      const { head } = await node.ask("/answers", connection);
      assert.deepEqual(valuesOf(head, "x-same"), ["always"]);
      heads.push(head.headers.map(([name]) => name));
    }
    assert.deepEqual(heads.slice(1), [heads[0], heads[0], heads[0]]);
  });
});

describe("a request from a trusted proxy", { timeout: 30_000 }, () => {
  const node: SharedNode = sharedNode({
    functions: { echo: ECHO },
    directives: { start_threads: 1, trusted_proxies: ["127.0.0.1", "10.0.0.0/8"] },
  });

  it("carries what the proxy says of its client", async () => {
    const { url, headers } = await node.json(
      seen([
        ["X-Forwarded-For", "6.6.6.6, 1.2.3.4, 10.1.1.1"],
        ["X-Forwarded-Proto", "https"],
        ["X-Forwarded-Host", "shop.example"],
        ["X-Request-Id", "proxy-7"],
        ["CF-Connecting-IP", "6.6.6.6"],
      ]),
    );
    assert.equal(url, "https://localhost/echo");
    assert.equal(headers["x-forwarded-for"], "6.6.6.6, 1.2.3.4, 10.1.1.1, 127.0.0.1");
    assert.equal(headers["x-forwarded-proto"], "https");
    assert.equal(headers["x-forwarded-host"], "shop.example");
    assert.equal(headers["cf-connecting-ip"], "1.2.3.4");
    assert.equal(headers["x-request-id"], "proxy-7");
  });

  it("is as from anywhere when the proxy says nothing", async () => {
    const { url, headers } = await node.json(seen([["X-Dexter-Proto", "https"]]));
    assert.equal(url, "http://localhost/echo");
    assert.equal(headers["x-forwarded-for"], "127.0.0.1");
    assert.equal(headers["cf-connecting-ip"], "127.0.0.1");
    assert.equal(headers["x-dexter-proto"], undefined);
  });
});
