/** Clients that read slowly hold back the function, and nobody else. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { sharedNode, TO_WITNESS } from "../../support/shared-node.ts";

const MEGABYTE = 1 << 20;

const SLOW = `${TO_WITNESS}
export default {
  fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname === "/slow/endless") {
      let produced = 0;
      return new Response(
        new ReadableStream({
          pull(controller) {
            controller.enqueue(new Uint8Array(65536));
            produced += 65536;
          },
          cancel() {
            ctx.waitUntil(note(request, "produced", String(produced)));
          },
        }),
      );
    }
    return new Response("0123456789abcdef".repeat(1 << 14));
  },
};`;

/** Resident memory of a process, in bytes; undefined where there is no /proc. */
function residentBytes(pid: number): number | undefined {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1024;
  } catch {
    return undefined;
  }
}

describe("a client that does not read", { timeout: 60_000 }, () => {
  const node = sharedNode({
    functions: { slow: SLOW },
    directives: { start_threads: 1, min_spare_threads: 0, max_spare_threads: 2, max_threads_per_child: 2 },
  });

  it("takes a bounded number of bytes from an endless response", async () => {
    const before = residentBytes(node.dexter.pid);
    const witness = node.witness();
    const connection = await node.connect();
    await connection.send({ path: "/slow/endless", headers: [["x-witness", witness.url]] });
    const read = await connection.body(await connection.head()).atLeast(MEGABYTE);
    // Other requests are the clock here: far more than enough for an unbounded buffer to fill up.
    for (let round = 0; round < 100; round++) await node.ask("/slow/body");
    const after = residentBytes(node.dexter.pid);
    connection.destroy();
    const produced = Number(await witness.noted("produced"));
    assert(produced < read + 32 * MEGABYTE, `${produced} bytes were taken`);
    // The rest is the heap of a young process under its first load.
    if (before && after)
      assert(after - before < 64 * MEGABYTE, `the scheduler grew by ${after - before} bytes`);
    await node.idle();
  });

  it("leaves a connection to its thread that serves the next request", async () => {
    // A quarter of a megabyte is more than a write buffer and less than the kernel's: the thread is held back
    // and done with its answer at the same time.
    for (let round = 0; round < 20; round++) {
      const slow = await node.connect();
      await slow.send({ path: "/slow/body" });
      const head = await slow.head();
      assert.equal((await node.ask("/slow/body")).text.length, 1 << 18);
      assert.equal((await slow.body(head).rest()).bytes.length, 1 << 18);
    }
  });
});
