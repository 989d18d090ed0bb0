/** The law of the pool, measured from inside the functions: one clock, every isolate with a name of its own. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { mostAtOnce, PROBE, type Probed, startNode, until } from "../../support/node.ts";

const LIMITS = { num_servers: 2, max_threads_per_child: 4, start_threads: 2, min_spare_threads: 2 };

const node = (test: TestContext, directives: Record<string, unknown> = {}) =>
  startNode(test, { functions: { probe: PROBE }, directives: { ...LIMITS, ...directives } });

describe("the law of the pool", { concurrency: false }, () => {
  it("40 requests at once: all answered, 8 in progress at most, never two in one isolate", async (test) => {
    const { json } = await node(test);
    const runs: Probed[] = await Promise.all(Array.from({ length: 40 }, () => json("/probe?ms=300")));
    assert.equal(runs.length, 40);
    assert.equal(mostAtOnce(runs), 8, "all the threads there may be are used, and no more");
    assert.equal(Math.max(...runs.map(({ together }) => together)), 1);
    assert(new Set(runs.map(({ id }) => id)).size <= 8);
  });

  it("with concurrency 3, three requests may share an isolate, and never more", async (test) => {
    const { json } = await node(test, { concurrency: 3 });
    const runs: Probed[] = await Promise.all(Array.from({ length: 60 }, () => json("/probe?ms=300")));
    assert.equal(Math.max(...runs.map(({ together }) => together)), 3);
    for (const id of new Set(runs.map((run) => run.id)))
      assert(mostAtOnce(runs.filter((run) => run.id === id)) <= 3);
    assert(mostAtOnce(runs) <= 24);
    assert(mostAtOnce(runs) > 8, "the places are used");
  });

  it("with one server of one thread, requests run one after the other", async (test) => {
    const { json } = await node(test, {
      num_servers: 1,
      max_threads_per_child: 1,
      start_threads: 1,
      min_spare_threads: 1,
    });
    const runs: Probed[] = await Promise.all(Array.from({ length: 10 }, () => json("/probe?ms=20")));
    assert.equal(mostAtOnce(runs), 1);
    assert.equal(new Set(runs.map(({ id }) => id)).size, 1);
  });

  it("holds while every server is replaced", async (test) => {
    const { json, dexter, readyPids } = await node(test);
    const runs: Promise<Probed>[] = Array.from({ length: 40 }, () => json("/probe?ms=300"));
    dexter.stop("SIGHUP");
    await until("the next generation is ready", () => readyPids().length >= 4);
    assert.equal(mostAtOnce(await Promise.all(runs)), 8);
  });
});
