import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connections, PROBE, type Probed, startNode, until } from "../support/node.ts";

describe("recycling", () => {
  it("replaces servers after max_requests_per_child without losing a request", async (test) => {
    const node = await startNode(test, {
      functions: { probe: PROBE },
      directives: {
        num_servers: 2,
        max_requests_per_child: 50,
        start_threads: 2,
        min_spare_threads: 2,
        max_spare_threads: 4,
        max_threads_per_child: 8,
      },
    });
    /** Process id → the most requests it was ever seen to have taken. */
    const taken = new Map<number, number>();
    let over = false;
    const watch = (async () => {
      while (!over) {
        for (const { pid, requests } of (await node.status()).servers) taken.set(pid, requests);
        await sleep(5);
      }
    })();
    const agent = connections(test, 16);
    const runs: Probed[] = await Promise.all(
      Array.from({ length: 2_000 }, () => node.json("/probe", { agent })),
    );
    over = true;
    await watch;
    assert.equal(runs.length, 2_000);
    assert.equal(Math.max(...taken.values()), 50);
    const served = [...taken.values()].filter((requests) => requests > 0);
    assert(served.length >= 30, `${served.length} processes were seen to serve`);
    const perIsolate = new Map<string, number>();
    for (const { id } of runs) perIsolate.set(id, (perIsolate.get(id) ?? 0) + 1);
    assert(Math.max(...perIsolate.values()) <= 50);
    await until("only the last generations are left", async () => (await node.status()).servers.length === 2);
  });

  it("0 means never", async (test) => {
    const node = await startNode(test, {
      functions: { probe: PROBE },
      directives: { num_servers: 1, max_requests_per_child: 0, start_threads: 1, min_spare_threads: 1 },
    });
    const agent = connections(test, 8);
    await Promise.all(Array.from({ length: 500 }, () => node.json("/probe", { agent })));
    const { servers } = await node.status();
    assert.deepEqual(
      servers.map(({ generation, requests }) => ({ generation, requests })),
      [{ generation: 1, requests: 500 }],
    );
  });
});
