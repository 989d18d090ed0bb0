/** Spare threads: started ahead of need, retired after it, lent to whoever needs the slot. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServerStatus } from "../../../scheduler/status/status.ts";
import {
  idleIn,
  PROBE,
  type Probed,
  startNode,
  type TestNode,
  threadsOf,
  until,
} from "../../support/node.ts";

/** Names a thread for as long as it lives. */
const places = (servers: readonly ServerStatus[]) =>
  servers.flatMap((server) =>
    server.threads.map((thread) => ({ ...thread, key: `${server.pid}/${thread.slot}` })),
  );

/** The functions that have threads, once nothing starts or ends. */
const holders = async (node: TestNode) => {
  const { servers } = await node.status();
  const threads = servers.flatMap((server) => server.threads);
  return threads.some(({ state }) => state !== "idle")
    ? "changing"
    : threads
        .map((t) => t.function)
        .sort()
        .join(" ");
};

describe("spare threads", () => {
  it("are between min_spare_threads and max_spare_threads in every server after any load", async (test) => {
    const node = await startNode(test, {
      functions: { probe: PROBE },
      directives: { num_servers: 2, start_threads: 2, min_spare_threads: 2, max_spare_threads: 4 },
    });
    const withinBounds = () =>
      until(
        "2 to 4 idle threads in each server, and none in another state",
        async () => {
          const { servers } = await node.status();
          return servers.every((server) => {
            const idle = idleIn(server);
            return idle >= 2 && idle <= 4 && idle === server.threads.length;
          });
        },
        4_000,
      );
    for (const [requests, ms] of [
      [1, 0],
      [30, 100],
      [200, 2],
    ]) {
      await Promise.all(Array.from({ length: requests! }, () => node.json(`/probe?ms=${ms}`)));
      await withinBounds();
    }
  });

  it("take a step up to num_servers × min_spare_threads: no request waits for a thread to start", async (test) => {
    const node = await startNode(test, {
      functions: { probe: PROBE },
      directives: { num_servers: 2, start_threads: 1, min_spare_threads: 5, max_spare_threads: 10 },
    });
    await until("5 idle threads in each server", async () =>
      (await node.status()).servers.every((server) => idleIn(server) === 5),
    );
    const before = new Set(places((await node.status()).servers).map(({ key }) => key));
    const runs: Probed[] = await Promise.all(Array.from({ length: 10 }, () => node.json("/probe?ms=1000")));
    const after = places((await node.status()).servers);
    const served = after.filter(({ requests }) => requests > 0);
    assert.equal(new Set(runs.map(({ id }) => id)).size, 10);
    assert.deepEqual(
      new Set(served.map(({ key }) => key)),
      before,
      "exactly the threads that were ready served",
    );
    assert(after.length > before.size, "and others were started meanwhile");
  });
});

describe("an inactive function", () => {
  it("keeps no thread, and its next request starts one", async (test) => {
    const node = await startNode(test, {
      functions: { quiet: PROBE },
      directives: { num_servers: 1, start_threads: 2, min_spare_threads: 1, idle_timeout: "500ms" },
    });
    await node.json("/quiet");
    await until("no thread is left", async () => (await holders(node)) === "");
    assert.equal((await node.get("/quiet")).status, 200);
    assert(threadsOf((await node.status()).servers[0]!, "quiet").length > 0);
  });
});

describe("a full server", () => {
  it("gives the thread of the function that was asked least recently to another", async (test) => {
    const node = await startNode(test, {
      functions: { a: PROBE, b: PROBE, c: PROBE },
      directives: { num_servers: 1, max_threads_per_child: 2, start_threads: 1, min_spare_threads: 0 },
    });
    await node.json("/a");
    await node.json("/b");
    await node.json("/a");
    await node.json("/c");
    await until("a and c have a thread, b has none", async () => (await holders(node)) === "a c");
  });

  it("says once, with advice, that max_threads_per_child is reached", async (test) => {
    const node = await startNode(test, {
      functions: { probe: PROBE },
      directives: { num_servers: 2, max_threads_per_child: 2, start_threads: 1, min_spare_threads: 1 },
    });
    const advice = () => node.log().filter(({ msg }) => msg.includes("max_threads_per_child"));
    assert.equal(advice().length, 0);
    for (let wave = 0; wave < 3; wave++)
      await Promise.all(Array.from({ length: 10 }, () => node.json("/probe?ms=20")));
    assert.equal(advice().length, 1);
    assert.match(advice()[0]!.msg, /max_threads_per_child \(2\).*raise it/);
  });
});
