/** Clients that send or read slowly, far more than there are threads: they hold none, and nobody waits for them. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { readAnswer } from "../../support/answer.ts";
import { cleanUp } from "../../support/folder.ts";
import { RawConnection } from "../../support/http.ts";
import { sharedNode } from "../../support/shared-node.ts";
import { until } from "../../support/until.ts";

const QUICK = `export default { fetch: () => new Response("quick") };`;
const BODY = `export default {
  async fetch(request) {
    const { byteLength } = await request.arrayBuffer();
    return new Response(String(byteLength));
  },
};`;
const LARGE = `
const bytes = new Uint8Array(1 << 20).fill(97);
export default {
  fetch(request) {
    const megabytes = Number(new URL(request.url).searchParams.get("mb"));
    let left = megabytes;
    return new Response(new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(bytes);
        else controller.close();
      },
    }));
  },
};`;

const SERVERS = 2;
const THREADS = 3;
/** Twice as many as all threads. */
const MANY = 2 * SERVERS * THREADS;
const MEGABYTE = 1 << 20;

const settings = {
  functions: { quick: QUICK, body: BODY, large: LARGE },
  directives: {
    num_servers: SERVERS,
    start_threads: 1,
    min_spare_threads: 0,
    max_spare_threads: THREADS,
    max_threads_per_child: THREADS,
    queue_timeout: "20s",
  },
};

describe("many slow clients", { timeout: 60_000 }, () => {
  // More than the system takes for a client that does not read.
  const node = sharedNode({
    ...settings,
    directives: { ...settings.directives, response_buffer: "16MiB", max_buffered_bytes: "256MiB" },
  });

  const connect = async (test: TestContext) => {
    const connection = await RawConnection.open(node.dexter.port);
    cleanUp(test, () => connection.destroy());
    return connection;
  };
  const many = (test: TestContext, begin: (connection: RawConnection) => Promise<unknown>) =>
    Promise.all(
      Array.from({ length: MANY }, async () => {
        const connection = await connect(test);
        await begin(connection);
        return connection;
      }),
    );
  /** All threads are there for others, and were not taken by anybody else. */
  const serveOthers = async (served: string) => {
    await node.idle();
    const before = (await node.status()).totals.requests;
    for (let count = 0; count < 20; count++) assert.equal((await node.ask("/quick")).text, "quick");
    const { totals } = await node.status();
    assert.deepEqual([totals.busy, totals.queued, totals.requests - before], [0, 0, 20], served);
  };

  it("of heads hold no thread", async (test) => {
    await many(test, (connection) => connection.write("POST /body HTTP/1.1\r\nHost: a\r\nX: "));
    await serveOthers("while heads are not whole");
  });

  for (const [framing, head, rest] of [
    ["a length", "Content-Length: 1000\r\n\r\nfirst", "x".repeat(995)],
    ["chunks", "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", `3e3\r\n${"x".repeat(995)}\r\n0\r\n\r\n`],
  ] as const)
    it(`of bodies with ${framing} hold no thread, and are answered when they have sent all`, async (test) => {
      const clients = await many(test, (connection) =>
        connection.write(`POST /body HTTP/1.1\r\nHost: a\r\n${head}`),
      );
      await serveOthers("while bodies are not whole");
      for (const client of clients) {
        await client.write(rest);
        assert.equal((await readAnswer(client)).text, "1000");
      }
    });

  it("of answers up to response_buffer hold no thread, and get all of them in the end", async (test) => {
    const clients = await many(test, (connection) => connection.send({ path: "/large?mb=8" }));
    for (const client of clients) client.socket.pause();
    await serveOthers("while nobody reads");
    for (const client of clients) {
      client.socket.resume();
      assert.equal((await readAnswer(client)).text.length, 8 * MEGABYTE);
    }
  });

  it("that ask to go on are told to, before a thread is taken", async (test) => {
    const clients = await many(test, (connection) =>
      connection.write("POST /body HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"),
    );
    for (const client of clients) assert.equal((await client.head()).status, 100);
    await serveOthers("while nobody goes on");
    for (const client of clients) {
      await client.write("body");
      assert.equal((await readAnswer(client)).text, "4");
    }
  });
});

describe("a client that is too slow", { timeout: 60_000 }, () => {
  const node = sharedNode({
    ...settings,
    directives: {
      ...settings.directives,
      body_timeout: "300ms",
      send_timeout: "300ms",
      max_body_bytes: "1MiB",
    },
  });
  const post = (framing: string) => `POST /body HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`;

  for (const [what, sent] of [
    ["without a byte of it", ""],
    ["in the middle", "a beginning"],
  ])
    it(`with a body that stops ${what} gets 408, and has held no thread`, async () => {
      const before = (await node.status()).totals.requests;
      const connection = await node.connect();
      await connection.write(`${post("Content-Length: 1000")}${sent}`);
      const { status, head } = await readAnswer(connection);
      assert.equal(status, 408);
      assert(head.headers.some(([name, value]) => name === "connection" && value === "close"));
      assert.equal(await connection.ended(), true);
      assert.equal((await node.status()).totals.requests, before);
    });

  it("with a long body that stops gets 408, and its thread is free", async () => {
    const connection = await node.connect();
    await connection.write(post("Content-Length: 500000"));
    await connection.write(Buffer.alloc(200_000));
    await until("a thread has it", async () => (await node.status()).totals.busy === 1);
    assert.equal((await readAnswer(connection)).status, 408);
    await node.idle();
  });

  it("to take its answer is cut off, and its thread is free", async () => {
    const connection = await node.connect();
    connection.socket.pause();
    await connection.send({ path: "/large?mb=64" });
    await until("it holds a thread", async () => (await node.status()).totals.busy === 1);
    await node.idle();
    connection.socket.resume();
    const head = await connection.head();
    assert.equal((await connection.body(head).rest()).cut, true);
    assert.match(node.dexter.output(), /a client took nothing of its answer for/);
  });

  for (const [what, framing] of [
    ["whose length says so", "Content-Length: 4294967299"],
    ["whose chunk says so", "Transfer-Encoding: chunked\r\n\r\nfffffffffffff"],
  ] as const)
    it(`with a body over max_body_bytes, ${what}, gets 413 before it has sent any`, async () => {
      const connection = await node.connect();
      await connection.write(post(framing).slice(0, framing.includes("chunked") ? -2 : undefined));
      const { status } = await readAnswer(connection);
      assert.equal(status, 413);
      assert.equal(await connection.ended(), true);
    });

  it("with a body that grows beyond max_body_bytes gets 413, and its thread is free", async () => {
    const connection = await node.connect();
    await connection.write(post("Transfer-Encoding: chunked"));
    for (let sent = 0; sent < 20; sent++) if (!(await connection.writeChunk(Buffer.alloc(60_000)))) break;
    assert.equal((await readAnswer(connection)).status, 413);
    await node.idle();
  });
});
