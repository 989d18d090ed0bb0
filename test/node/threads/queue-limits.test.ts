/** What happens to requests when every thread is busy. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PROBE, startNode, until } from "../../support/node.ts";

const ONE_THREAD = {
  num_servers: 1,
  max_threads_per_child: 1,
  start_threads: 1,
  min_spare_threads: 1,
  max_spare_threads: 1,
};
const TWO_THREADS = { ...ONE_THREAD, max_threads_per_child: 2, min_spare_threads: 0 };

describe("requests that find every thread busy", () => {
  it("beyond listen_backlog are refused with 503 and Retry-After, the others wait and are served", async (test) => {
    const node = await startNode(test, {
      functions: { probe: PROBE },
      directives: { ...ONE_THREAD, listen_backlog: 3 },
    });
    const first = node.get("/probe?ms=2000");
    await until("the thread is busy", async () => (await node.status()).totals.busy === 1);
    const others = Promise.all(Array.from({ length: 10 }, () => node.get("/probe?ms=1")));
    await until("the queue is full", async () => {
      const { totals } = await node.status();
      return totals.queued === 3 && totals.rejected === 7;
    });
    const answers = await others;
    const refused = answers.filter(({ status }) => status !== 200);
    assert.equal(refused.length, 7);
    for (const { status, headers } of refused) {
      assert.equal(status, 503);
      assert.match(String(headers["retry-after"]), /^[1-9]\d*$/);
    }
    assert.equal((await first).status, 200);
  });

  it("are refused with 503 and Retry-After when queue_timeout is over", async (test) => {
    const node = await startNode(test, {
      functions: { probe: PROBE },
      directives: { ...ONE_THREAD, queue_timeout: "500ms" },
    });
    const first = node.get("/probe?ms=3000");
    await until("the thread is busy", async () => (await node.status()).totals.busy === 1);
    const startedAtMs = performance.now();
    const { status, headers } = await node.get("/probe");
    const waitedMs = performance.now() - startedAtMs;
    assert.equal(status, 503);
    assert(headers["retry-after"]);
    assert(waitedMs >= 500 && waitedMs < 2_500, `${waitedMs} ms`);
    assert.equal((await first).status, 200);
  });

  it("no longer wait when their client has gone", async (test) => {
    const node = await startNode(test, { functions: { probe: PROBE }, directives: ONE_THREAD });
    const first = node.get("/probe?ms=1500");
    await until("the thread is busy", async () => (await node.status()).totals.busy === 1);
    const leaving = new AbortController();
    const waiting = node.get("/probe", { signal: leaving.signal }).catch(() => "gone");
    await until("it waits", async () => (await node.status()).totals.queued === 1);
    leaving.abort();
    assert.equal(await waiting, "gone");
    await until("it waits no more", async () => (await node.status()).totals.queued === 0);
    assert.equal((await first).status, 200);
  });
});

describe("two functions that could each take every thread", () => {
  for (const concurrency of [1, 2]) {
    it(`are served alike (concurrency ${concurrency})`, async (test) => {
      const node = await startNode(test, {
        functions: { greedy: PROBE, modest: PROBE },
        directives: { ...TWO_THREADS, max_threads_per_child: 4, start_threads: 0, concurrency },
      });
      // The greedy function has hundreds of requests in the queue before the modest one has its first.
      const order: string[] = [];
      const ask = (name: string) =>
        node.get(`/${name}?ms=30`).then(({ status }) => order.push(`${name} ${status}`));
      const all = Array.from({ length: 300 }, () => ask("greedy"));
      await until(
        "the greedy function's requests wait",
        async () => (await node.status()).totals.queued > 200,
      );
      const sinceThen = order.length;
      await Promise.all(Array.from({ length: 10 }, () => ask("modest")));
      const meanwhile = order.slice(sinceThen).filter((entry) => entry.startsWith("greedy")).length;
      assert(meanwhile < 120, `${meanwhile} requests went before the modest function's 10`);
      await Promise.all(all);
      assert(order.every((entry) => entry.endsWith(" 200")));
    });
  }
});
