/** What requests get that wait where every slot is taken: as many slots as they need, from whom it costs least. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { settingsOf } from "../../simulate/options.ts";
import { policies } from "../../simulate/policies/index.ts";
import { scenarios, synthesize } from "../../simulate/scenarios.ts";
import { simulate } from "../../simulate/simulation.ts";
import { FleetWorld, spec } from "../support/fleet-world.ts";

/** A function without spare threads, and so many start threads. */
const bare = (name: string, startThreads = 0) => spec(name, { startThreads, minSpareThreads: 0 });

const names = (threads: Iterable<{ pool: string }>) => [...threads].map(({ pool }) => pool);

describe("in a full node", () => {
  it("as many threads make room as functions wait", () => {
    const world = FleetWorld.of(2, [bare("a", 4), bare("b"), bare("c"), bare("d")]);
    const calls = ["b", "c", "d"].map((name) => world.arrive(name));
    assert.deepEqual(names(world.ending), ["a", "a", "a"]);
    world.settle();
    for (const { fate } of calls) assert.equal(fate, "granted");
  });

  it("no more threads make room than are needed, however many events pass", () => {
    const world = FleetWorld.of(2, [bare("a", 4), bare("b"), bare("c")]);
    const calls = [...world.arrivals(2, "b"), world.arrive("c")];
    for (const call of world.arrivals(2, "a")) world.finish(call);
    world.tick(10);
    assert.equal(world.ending.size, 2);
    world.settle();
    for (const { fate } of calls) assert.equal(fate, "granted");
    assert.equal(world.threads(0, "a").length + world.threads(1, "a").length, 5);
  });

  it("functions that have threads do not take one another's all at once", () => {
    const own = ["b", "c", "d"].map((name) => bare(name, 1));
    const world = FleetWorld.of(1, [bare("a", 3), ...own], { maxThreads: 6 });
    for (const { pool } of own) world.arrivals(2, pool);
    assert.equal(world.waiting.size, 3);
    assert.deepEqual(names(world.ending), ["a"]);
    world.settle();
    assert.equal(world.waiting.size, 0);
  });

  it("a request whose client has gone needs no room", () => {
    const world = FleetWorld.of(1, [bare("a", 4), bare("b"), bare("c")]);
    const busy = world.arrivals(4, "a");
    world.cancel(world.arrive("b"));
    world.arrive("c");
    for (const call of busy) world.finish(call);
    assert.equal(world.ending.size, 1);
  });

  it("a spare thread whose load has hardly begun makes room before an idle one", () => {
    const world = FleetWorld.of(1, [spec("a", { minSpareThreads: 2 }), bare("b", 1), bare("c")]);
    world.arrive("a");
    assert.deepEqual(names(world.loading), ["a"]);
    const call = world.arrive("c");
    assert.equal(world.ending.size, 0, "an isolate that is there ends");
    world.unstarted([...world.loading][0]!);
    assert.deepEqual(names(world.loading), ["c"]);
    world.settle();
    assert.equal(call.fate, "granted");
    assert.deepEqual(names(world.threads(0)).sort(), ["a", "a", "b", "c"]);
  });

  it("no spare thread is started while requests wait for a slot", () => {
    const world = FleetWorld.of(1, [
      spec("a", { startThreads: 3, minSpareThreads: 3 }),
      bare("b", 1),
      bare("c"),
    ]);
    const busy = [...world.arrivals(3, "a"), world.arrive("b")];
    world.settle();
    world.arrive("c");
    world.finish(busy[3]!);
    assert.deepEqual(names(world.ending), ["b"]);
    world.settle();
    assert.deepEqual(names(world.threads(0)).sort(), ["a", "a", "a", "c"]);
  });

  it("a function keeps its threads while idle ones of others make room", () => {
    const world = FleetWorld.of(2, [bare("a", 2), bare("b", 2), bare("c")]);
    const running = world.arrivals(4, "a");
    world.arrivals(2, "a");
    world.arrive("c");
    assert.deepEqual(names(world.ending), ["b", "b"]);
    world.finish(running[0]!);
    assert.equal(world.runningOf("a").length, 4, "a thread is taken from the function that needs it most");
  });
});

describe("a thread for a waiting request", () => {
  it("is started where the fewest requests are, even if spare threads start there: those are made later", () => {
    const world = new FleetWorld();
    world.promote(spec("a"));
    world.promote(bare("c"));
    world.addServer(0);
    world.promote(bare("b", 3));
    world.addServer(1, { maxThreads: 8 });
    for (const key of [0, 1]) world.open(key);
    world.settle();
    world.finish(world.arrive("a"));
    assert.deepEqual(names(world.loading), ["a"], "a spare thread starts in the smaller server");
    world.arrive("c");
    assert.deepEqual(
      [...world.loading].map(({ pool, server }) => [pool, server]),
      [
        ["a", 0],
        ["c", 0],
      ],
    );
  });
});

describe("a node of many servers and functions", () => {
  it("refuses nothing for which it has time", () => {
    const arrivals = synthesize(scenarios[0]!, { servers: 32, functions: 5_000, requests: 8_000, seed: 1 });
    const { refused } = simulate(policies.dexter!, settingsOf(32, []), arrivals, 1);
    assert.deepEqual(refused, { full: 0, timeout: 0 });
  });
});
