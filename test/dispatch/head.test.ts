import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { headerJson, renderRequestHead } from "../../scheduler/dispatch/head.ts";
import { createClientResolver } from "../../scheduler/http/client-address.ts";
import { renderForwarded } from "../../scheduler/http/forwarded.ts";
import type { RequestFraming } from "../../scheduler/http/vet.ts";
import { factsOf } from "../support/facts.ts";
import { assertProperty } from "../support/properties.ts";

const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

interface Sent {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: readonly string[];
  readonly peer?: string;
  readonly framing?: RequestFraming;
  readonly minor?: number;
}

/** Renders what a client at `peer` sends; the proxy 10.0.0.1 is trusted. */
function render({
  method = "GET",
  url = "/",
  headers = ["Host", "h"],
  peer = "1.2.3.4",
  framing,
  minor = 1,
}: Sent) {
  const facts = factsOf({ method, rawHeaders: headers, httpVersionMajor: 1, httpVersionMinor: minor }, url);
  const client = createClientResolver(["10.0.0.1"])(peer, facts);
  const forwarded = renderForwarded(headers, facts, client.trusted);
  if (framing !== undefined) facts.framing = framing;
  return parse(
    renderRequestHead({
      method,
      facts,
      forwarded,
      client,
      requestId: "id-1",
      traceparent: TRACE,
      cfJson: "{}",
    }),
  );
}

function parse(head: string) {
  assert.ok(head.endsWith("\r\n\r\n"));
  const [line = "", ...headers] = head.slice(0, -4).split("\r\n");
  return {
    line,
    pairs: headers.map((header): [string, string] => {
      const colon = header.indexOf(": ");
      return [header.slice(0, colon), header.slice(colon + 2)];
    }),
    get(name: string) {
      return this.pairs.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
    },
  };
}

describe("renderRequestHead", () => {
  it("keeps headers in order and case, and adds its own", () => {
    const headers = [
      "Host",
      "h:1",
      "ACCEPT",
      "*/*",
      "cookie",
      "a=1",
      "Cookie",
      "b=2",
      "X-Custom",
      "",
      "x-a",
      "\xe9",
    ];
    const head = render({ url: "/a?b", headers });
    assert.equal(head.line, "GET /a?b HTTP/1.1");
    assert.deepEqual(head.pairs, [
      ["Host", "h:1"],
      ["ACCEPT", "*/*"],
      ["cookie", "a=1"],
      ["Cookie", "b=2"],
      ["X-Custom", ""],
      ["x-a", "\xe9"],
      ["X-Forwarded-For", "1.2.3.4"],
      ["X-Forwarded-Proto", "http"],
      ["X-Forwarded-Host", "h:1"],
      ["CF-Connecting-IP", "1.2.3.4"],
      ["x-request-id", "id-1"],
      ["traceparent", TRACE],
      ["x-dexter-cf", "{}"],
    ]);
  });

  it("drops what ends at this hop, and what Connection lists", () => {
    const headers = ["Host", "h", "Connection", "close, X-Hop, Accept, host", "X-HOP", "1", "accept", "2"];
    for (const name of HOP_BY_HOP.slice(1))
      headers.push(name.toUpperCase(), name === "transfer-encoding" ? "chunked" : "x");
    headers.push("Expect", "100-continue", "X-Hop-Not", "3");
    const names = render({ method: "POST", headers, framing: "none" }).pairs.map(([name]) => name);
    assert.deepEqual(names.slice(0, 2), ["Host", "X-Hop-Not"]);
    assert.equal(names.length, 9);
  });

  it("drops what only dexter may say", () => {
    const forged = [
      "X-Dexter-Cf",
      "x-dexter-anything",
      "X-Forwarded-For",
      "x-forwarded-proto",
      "X-FORWARDED-HOST",
    ];
    forged.push("X-Forwarded-Port", "CF-Connecting-IP", "cf-connecting-ip", "X-Request-Id", "X-DEXTER-");
    const head = render({ headers: ["Host", "h", ...forged.flatMap((name) => [name, "forged"])] });
    assert.ok(!JSON.stringify(head.pairs).includes("forged"));
  });

  it("passes further X-Forwarded headers of a trusted proxy on, and nothing private", () => {
    const headers = [
      "Host",
      "h",
      "X-Forwarded-Port",
      "443",
      "X-Forwarded-For",
      "5.6.7.8",
      "X-Forwarded-Proto",
      "https",
    ];
    const head = render({
      peer: "10.0.0.1",
      headers: [...headers, "X-Forwarded-Host", "shop", "x-dexter-cf", "forged"],
    });
    assert.deepEqual(head.get("x-forwarded-port"), ["443"]);
    assert.deepEqual(head.get("x-forwarded-for"), ["5.6.7.8, 10.0.0.1"]);
    assert.deepEqual(head.get("x-forwarded-proto"), ["https"]);
    assert.deepEqual(head.get("x-forwarded-host"), ["shop"]);
    assert.deepEqual(head.get("cf-connecting-ip"), ["5.6.7.8"]);
    assert.deepEqual(head.get("x-dexter-cf"), ["{}"]);
  });

  it("frames the body as it came unless told otherwise", () => {
    const framing = (sent: Sent) => {
      const head = render({ method: "POST", ...sent });
      return [head.get("content-length"), head.get("transfer-encoding")];
    };
    const length = ["Host", "h", "content-length", "5"];
    assert.deepEqual(framing({ headers: length }), [["5"], []]);
    assert.deepEqual(framing({ headers: length, framing: "chunked" }), [[], ["chunked"]]);
    assert.deepEqual(framing({ headers: length, framing: "none" }), [[], []]);
    assert.deepEqual(framing({ headers: ["Host", "h", "Transfer-Encoding", "Chunked"] }), [[], ["chunked"]]);
    assert.deepEqual(framing({}), [[], []]);
    assert.deepEqual(framing({ framing: 0 }), [["0"], []]);
  });

  it("asks for the upgrade of a WebSocket handshake only", () => {
    const headers = [
      "Host",
      "h",
      "Connection",
      "keep-alive, Upgrade",
      "Upgrade",
      "WebSocket",
      "Sec-WebSocket-Key",
      "k",
    ];
    const head = render({ headers });
    assert.deepEqual(head.get("connection"), ["Upgrade"]);
    assert.deepEqual(head.get("upgrade"), ["websocket"]);
    assert.deepEqual(head.get("sec-websocket-key"), ["k"]);
    const h2c = render({
      headers: [
        "Host",
        "h",
        "Connection",
        "Upgrade, HTTP2-Settings",
        "Upgrade",
        "h2c",
        "HTTP2-Settings",
        "x",
      ],
    });
    assert.deepEqual([...h2c.get("connection"), ...h2c.get("upgrade"), ...h2c.get("http2-settings")], []);
  });

  it("sends an absolute target in origin form, with its authority as Host", () => {
    const head = render({ url: "http://other:81?q=1", headers: ["hOST", "h"] });
    assert.equal(head.line, "GET /?q=1 HTTP/1.1");
    assert.deepEqual(head.get("host"), ["other:81"]);
    assert.deepEqual(head.get("x-forwarded-host"), ["other:81"]);
  });

  it("gives an HTTP/1.0 request without Host one", () => {
    const head = render({ headers: [], minor: 0 });
    assert.equal(head.line, "GET / HTTP/1.1");
    assert.deepEqual(head.get("host"), ["localhost"]);
  });

  it("refuses to write a line break of its own making", () => {
    const method = "GET";
    const source = { method, rawHeaders: ["Host", "h"], httpVersionMajor: 1, httpVersionMinor: 1 };
    const facts = factsOf(source, "/");
    const client = createClientResolver([])("1.2.3.4", facts);
    const head = (requestId: string, cfJson: string) =>
      renderRequestHead({ method, facts, forwarded: "", client, traceparent: TRACE, requestId, cfJson });
    assert.doesNotThrow(() => head("a", "{}"));
    assert.throws(() => head("a\r\nb: c", "{}"));
    assert.throws(() => head("a", "{}\n"));
    assert.throws(() => head("a", '"\u20ac"'));
  });

  it("sends exactly the end-to-end headers, whatever a client may send", () => {
    const known = [
      ...HOP_BY_HOP,
      "X-Dexter-Cf",
      "x-request-id",
      "X-Forwarded-For",
      "Expect",
      "Accept",
      "x-y",
      "CF-Ray",
    ];
    const name = fc.oneof(fc.constantFrom(...known), fc.stringMatching(/^[!#$%&'*+.^_`|~\dA-Za-z-]{1,40}$/));
    const value = fc.stringMatching(/^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/);
    const headers = fc.array(fc.tuple(name, value), { maxLength: 12 });
    assertProperty(
      fc.property(headers, (given) => {
        const pairs = given.filter(
          ([key]) => !/^(?:host|content-length|transfer-encoding|expect)$/i.test(key),
        );
        const head = render({ headers: ["Host", "h", ...pairs.flat()] });
        const listed = pairs
          .filter(([key]) => key.toLowerCase() === "connection")
          .flatMap(([, text]) => text.split(",").map((token) => token.trim().toLowerCase()));
        const kept = pairs.filter(([key]) => {
          const lower = key.toLowerCase();
          if (HOP_BY_HOP.includes(lower) || listed.includes(lower)) return false;
          return !/^(?:x-dexter-.*|x-forwarded-.*|x-request-id|cf-connecting-ip)$/.test(lower);
        });
        const upgraded = head.get("upgrade").length > 0 ? 2 : 0;
        assert.deepEqual(head.pairs.slice(0, kept.length + 1), [["Host", "h"], ...kept]);
        assert.equal(head.pairs.length, kept.length + 1 + 7 + upgraded);
      }),
      500,
    );
  });
});

describe("headerJson", () => {
  it("is ASCII, and reads back as what it was", () => {
    assertProperty(
      fc.property(fc.string({ unit: "binary" }), (city) => {
        const json = headerJson({ city });
        assert.match(json, /^[ -~]+$/);
        assert.deepEqual(JSON.parse(json), { city });
      }),
    );
  });
});
