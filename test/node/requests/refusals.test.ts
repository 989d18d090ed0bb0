/** Requests that no function may see, and such as are answered without one. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readAnswer, valuesOf } from "../../support/answer.ts";
import { sharedNode } from "../../support/shared-node.ts";

const SAYS = (name: string) => `
export default {
  async fetch(request) {
    return new Response(${JSON.stringify(name)} + " " + request.method + " " + new URL(request.url).pathname);
  },
};`;

describe("over a real connection", { timeout: 30_000 }, () => {
  const node = sharedNode({
    functions: { one: SAYS("one"), other: SAYS("other") },
    directives: { start_threads: 1, min_spare_threads: 1 },
  });

  /** Sends text as it is and reads one answer; the connection must be over after it. */
  async function refused(text: string) {
    const connection = await node.connect();
    await connection.write(text);
    const answer = await readAnswer(connection);
    assert.equal(await connection.ended(), true, "nobody knows where the next request would start");
    return answer;
  }

  const refusals: [title: string, request: string, status: number][] = [
    ["TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405],
    ["CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501],
    ["two Host headers", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
    ["a request line of HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400],
    [
      "Transfer-Encoding in HTTP/1.0",
      "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    [
      "both Content-Length and Transfer-Encoding",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["an expectation that nobody can meet", "POST / HTTP/1.1\r\nHost: a\r\nExpect: luck\r\n\r\n", 417],
    ["headers of more than 16 KB", `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${"v".repeat(20_000)}\r\n\r\n`, 431],
  ];
  for (const [title, request, status] of refusals) {
    it(`refuses ${title} with ${status}`, async () => {
      const { head } = await refused(request);
      assert.equal(head.status, status);
      assert.equal(valuesOf(head, "allow").length, status === 405 ? 1 : 0);
    });
  }

  it("refuses HTTP/0.9", async () => {
    const { status } = await refused("GET /one\r\n\r\n");
    assert.equal(status, 400);
  });

  it("answers what was pipelined before a refused request, and nothing after it", async () => {
    const connection = await node.connect();
    const get = (path: string, method = "GET") => `${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    await connection.write(get("/one") + get("/one", "TRACE") + get("/one"));
    assert.equal((await readAnswer(connection)).text, "one GET /one");
    assert.equal((await readAnswer(connection)).status, 405);
    assert.equal(await connection.ended(), true);
  });

  it("answers OPTIONS * itself, and goes on with the connection", async () => {
    const connection = await node.connect();
    const answer = await node.ask({ method: "OPTIONS", path: "*" }, connection);
    assert.equal(answer.status, 204);
    assert.match(valuesOf(answer.head, "allow").join(), /GET.*OPTIONS/);
    assert.equal((await node.ask("/one", connection)).text, "one GET /one");
  });

  it("ignores an upgrade to HTTP/2", async () => {
    const headers = [
      ["Connection", "Upgrade, HTTP2-Settings"],
      ["Upgrade", "h2c"],
      ["HTTP2-Settings", "AAMAAABk"],
    ] as const;
    assert.equal((await node.ask({ path: "/one", headers })).text, "one GET /one");
    const post = { method: "POST", path: "/one", headers, body: "hi" };
    const connection = await node.connect();
    assert.equal((await node.ask(post, connection)).text, "one POST /one");
    assert.equal((await node.ask("/one", connection)).text, "one GET /one");
  });

  for (const path of [
    "/one/../other/x",
    "/one/%2e%2E/other/x",
    "/one/./../other/./x",
    "/one\\..\\other/x",
    "/../other/x",
  ]) {
    it(`routes ${path} by what it resolves to`, async () => {
      assert.equal((await node.ask(path)).text, "other GET /other/x");
    });
  }

  it("answers 404 with a request id where no function does", async () => {
    const { status, head, text } = await node.ask("/nowhere");
    assert.equal(status, 404);
    assert.match(text, new RegExp(`request id: ${valuesOf(head, "x-request-id")[0]}\\b`));
  });
});
