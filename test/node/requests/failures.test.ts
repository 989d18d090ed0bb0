/** What a client is told of a request that failed outside dev: the status and a request id, no more. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type RawAnswer, valuesOf } from "../../support/answer.ts";
import { sharedNode, TO_WITNESS } from "../../support/shared-node.ts";

const FAIL = `${TO_WITNESS}
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/fail/throw") throw new TypeError("a secret of the function");
    if (pathname === "/fail/mimic") return new Response("{}", { status: 500, headers: { "x-mine": "yes" } });
    if (pathname === "/fail/odd-stack") throw Object.assign(new Error("odd"), { stack: 42, name: {}, cause: "a string" });
    if (pathname === "/fail/circle") {
      const error = new Error("round");
      error.cause = error;
      throw error;
    }
    if (pathname.startsWith("/fail/forged/"))
      return new Response(decodeURIComponent(pathname.slice(13)), { status: 500, headers: { "x-dexter-exception": "1" } });
    if (pathname === "/fail/value")
      return new Response("its own", { status: 500, headers: { "x-mine": "x-dexter-exception" } });
    if (pathname === "/fail/echo") return new Response(request.body);
    if (pathname === "/fail/hold") await gate(request, "inside");
    if (pathname === "/fail/begin") {
      const { readable, writable } = new IdentityTransformStream();
      writable.getWriter().write(new TextEncoder().encode("begun;"));
      return new Response(readable);
    }
    return new Response("fine");
  },
};`;

describe("outside dev", { timeout: 30_000 }, () => {
  const node = sharedNode({
    functions: { fail: FAIL },
    directives: { start_threads: 2, min_spare_threads: 1 },
  });

  function requestIdOf({ head, text }: RawAnswer): string {
    const [id, ...more] = valuesOf(head, "x-request-id");
    assert.deepEqual(more, []);
    assert.match(text, new RegExp(`request id: ${id}\\b`));
    return id!;
  }

  it("an exception is answered with 500 and a request id, under which the log has the rest", async () => {
    const answer = await node.ask("/fail/throw");
    assert.equal(answer.status, 500);
    const id = requestIdOf(answer);
    assert.doesNotMatch(
      answer.text + JSON.stringify(answer.head),
      /secret|TypeError|\.js|at fetch|exception/,
    );
    const line = node.dexter
      .output()
      .split("\n")
      .find((text) => text.includes(id));
    assert.match(line ?? "", /TypeError: a secret of the function/);
  });

  for (const path of [
    "odd-stack",
    "circle",
    "forged/null",
    "forged/{}",
    "forged/nonsense",
    `forged/${encodeURIComponent('{"stack":"s","cause":"text","message":1}')}`,
  ]) {
    it(`an exception that is told oddly (${path}) is answered with 500, and harms nobody`, async () => {
      const answer = await node.ask(`/fail/${path}`);
      assert.equal(answer.status, 500);
      requestIdOf(answer);
      assert.equal((await node.ask("/fail")).text, "fine");
    });
  }

  it("HEAD of a function that throws is answered with 500", async () => {
    assert.equal((await node.ask({ method: "HEAD", path: "/fail/throw" })).status, 500);
  });

  it("a value of a header that looks like the name of dexter's own means nothing", async () => {
    const { status, text } = await node.ask("/fail/value");
    assert.deepEqual([status, text], [500, "its own"]);
  });

  it("a malformed chunk after the answer has begun ends the connection, and harms nobody", async () => {
    const connection = await node.connect();
    await connection.send({
      method: "POST",
      path: "/fail/echo",
      headers: [["Transfer-Encoding", "chunked"]],
    });
    await connection.writeChunk(`${"h".repeat(100_000)}!`);
    const body = connection.body(await connection.head());
    assert.equal((await body.until("!")).length, 100_001);
    await connection.write("ZZ\r\n");
    assert.equal((await body.rest()).cut, true);
    assert.equal((await node.ask("/fail")).text, "fine");
  });

  it("a 500 of the function's own is left as it is", async () => {
    const { status, text, head } = await node.ask("/fail/mimic");
    assert.deepEqual([status, text, valuesOf(head, "x-mine")], [500, "{}", ["yes"]]);
  });

  it("a POST whose server dies is answered with 502 and a request id", async () => {
    const witness = node.witness();
    const answer = node.ask({ method: "POST", path: "/fail/hold", headers: [["x-witness", witness.url]] });
    await witness.reached("inside");
    process.kill((await node.status()).servers[0]!.pid, "SIGKILL");
    const lost = await answer;
    assert.equal(lost.status, 502);
    requestIdOf(lost);
    assert.equal((await node.ask("/fail")).text, "fine", "the next one is served");
  });

  it("a response whose server dies is cut, so that nobody takes it for whole", async () => {
    const connection = await node.connect();
    await connection.send({ path: "/fail/begin" });
    const body = connection.body(await connection.head());
    await body.until("begun;");
    process.kill((await node.status()).servers.find(({ state }) => state === "running")!.pid, "SIGKILL");
    assert.equal((await body.rest()).cut, true);
    assert.equal((await node.ask("/fail")).text, "fine");
  });
});
