/** A client that leaves takes its request with it: the function hears of it, and the thread is free. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RawConnection } from "../../support/http.ts";
import { until } from "../../support/node.ts";
import { sharedNode, TO_WITNESS } from "../../support/shared-node.ts";

const LIFE = `${TO_WITNESS}
export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname === "/life/quick") return new Response("quick");
    const aborted = new Promise((resolve) => {
      request.signal.addEventListener("abort", () => resolve(request.signal.reason.name));
    });
    ctx.waitUntil(aborted.then((reason) => note(request, "aborted", reason)));
    if (pathname === "/life/before") {
      await gate(request, "waiting");
      return new Response("held until the gate opened");
    }
    if (pathname === "/life/upload") {
      const read = async (reader) => {
        while (!(await reader.read()).done) await gate(request, "reading");
      };
      const cut = read(request.body.getReader()).catch(() => note(request, "cut", "the body was cut off"));
      // Without it the request would be over, and its reading with it, as soon as its client is gone.
      ctx.waitUntil(cut);
      await cut;
      return new Response("nobody reads this");
    }
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    // workerd learns from a failing write that nobody reads any more.
    const write = (bytes) => writer.write(bytes).then(() => write(new Uint8Array(65536)));
    write(new TextEncoder().encode("begun;")).catch(() => {});
    return new Response(readable);
  },
};`;

/** One server with one thread: what is not given back blocks everything. */
describe("with a single thread", { timeout: 30_000 }, () => {
  const node = sharedNode({
    functions: { life: LIFE },
    directives: { start_threads: 1, min_spare_threads: 0, max_spare_threads: 1, max_threads_per_child: 1 },
  });

  const leaves: Record<string, (connection: RawConnection) => void> = {
    "closes the connection": (connection) => void connection.socket.end(),
    "resets the connection": (connection) => void connection.socket.resetAndDestroy(),
  };

  const serves = async () => {
    await node.idle();
    assert.equal((await node.ask("/life/quick")).text, "quick");
  };

  for (const [how, leave] of Object.entries(leaves)) {
    it(`a client that ${how} before the response aborts request.signal and frees the thread`, async () => {
      const witness = node.witness();
      const connection = await node.connect();
      await connection.send({ path: "/life/before", headers: [["x-witness", witness.url]] });
      await witness.reached("waiting");
      assert.equal((await node.status()).totals.busy, 1);
      leave(connection);
      assert.equal(await witness.noted("aborted"), "AbortError");
      await serves();
    });

    it(`a client that ${how} during the response aborts request.signal and frees the thread`, async () => {
      const witness = node.witness();
      const connection = await node.connect();
      await connection.send({ path: "/life/during", headers: [["x-witness", witness.url]] });
      await connection.body(await connection.head()).until("begun;");
      leave(connection);
      assert.equal(await witness.noted("aborted"), "AbortError");
      await serves();
    });

    it(`a client that ${how} while it waits for a thread gives up its place in the queue`, async () => {
      const witness = node.witness();
      const first = await node.connect();
      await first.send({ path: "/life/before", headers: [["x-witness", witness.url]] });
      await witness.reached("waiting");
      const waiting = await node.connect();
      await waiting.send({ path: "/life/quick" });
      await until("it waits", async () => (await node.status()).totals.queued === 1);
      leave(waiting);
      await until("nobody waits", async () => (await node.status()).totals.queued === 0);
      assert.equal((await node.status()).totals.busy, 1, "the request before it goes on");
      const before = threadRequests(await node.status());
      witness.open("waiting");
      const head = await first.head();
      assert.equal((await first.body(head).rest()).bytes.toString(), "held until the gate opened");
      await node.idle();
      assert.equal(threadRequests(await node.status()), before, "nothing ran for the one that left");
    });

    it(`a client that ${how} in the middle of its upload cuts off the function's body`, async () => {
      const witness = node.witness();
      const connection = await node.connect();
      const headers = [
        ["x-witness", witness.url],
        ["Transfer-Encoding", "chunked"],
      ] as const;
      await connection.send({ method: "POST", path: "/life/upload", headers });
      // More than request_buffer: before, no thread is taken.
      await connection.writeChunk(Buffer.alloc(100_000));
      await witness.reached("reading");
      leave(connection);
      witness.open("reading");
      assert.equal(await witness.noted("cut"), "the body was cut off");
      await serves();
    });
  }

  const threadRequests = (status: Awaited<ReturnType<typeof node.status>>) =>
    status.servers.flatMap(({ threads }) => threads).reduce((sum, { requests }) => sum + requests, 0);
});
