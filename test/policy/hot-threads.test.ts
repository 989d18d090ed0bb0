/** How many threads may be hot at once: as few as keep a saturated server occupied, and never at the cost of I/O. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HELD_MS } from "../../scheduler/policy/pool.ts";
import { type Call, FleetWorld, spec } from "../support/fleet-world.ts";

const MANY = spec("f", { startThreads: 20, minSpareThreads: 0, maxSpareThreads: 20 });

const SATURATED = { share: 1, perRequestMs: 0.2 };
/** A saturated server with 20 idle threads of a function whose requests take `tookMs`. */
function saturated(tookMs: number): FleetWorld {
  const world = FleetWorld.of(1, [MANY], { maxThreads: 20 });
  for (let look = 0; look < 10; look++) world.fleet.adapt(0, SATURATED, world.nowMs);
  for (let round = 0; round < 4; round++) {
    const calls = world.arrivals(3, "f");
    world.nowMs += tookMs;
    for (const call of calls) world.finish(call);
  }
  return world;
}

/** Two servers with an idle thread of each function, the second with a free slot. Requests of `b` are mostly slow. */
function withFreeSlot(): FleetWorld {
  const world = new FleetWorld();
  for (const name of ["b", "c"]) world.promote(spec(name, { minSpareThreads: 0 }));
  world.addServer(0, { maxThreads: 2 });
  world.addServer(1, { maxThreads: 3 });
  for (const key of [0, 1]) world.open(key);
  world.settle();
  for (const tookMs of [7_000, 0]) {
    const call = world.arrive("b");
    world.nowMs += tookMs;
    world.finish(call);
  }
  return world;
}

const running = (calls: readonly Call[]) => calls.filter((call) => call.fate === "granted").length;

describe("a saturated server", () => {
  it("keeps few threads of a quick function hot, and starts none for what waits", () => {
    const world = saturated(0.2);
    const calls = world.arrivals(15, "f");
    assert.equal(running(calls), 2);
    assert.equal(world.waiting.size, 13);
    assert.equal(world.loading.size, 0);
  });

  it("gives a waiting request the first hot thread that is done", () => {
    const world = saturated(0.2);
    const calls = world.arrivals(3, "f");
    world.nowMs += 0.2;
    world.finish(calls[1]!);
    assert.equal(calls[2]!.fate, "granted");
    assert.equal(calls[2]!.thread, calls[1]!.thread);
  });

  it("does not count threads whose request has turned out slow", () => {
    const world = saturated(0.2);
    const calls = world.arrivals(15, "f");
    assert.deepEqual([...new Set(world.wakes)], [HELD_MS]);
    world.nowMs += HELD_MS;
    world.fleet.resume(world.nowMs);
    assert.equal(running(calls), 4);
  });

  it("still takes a function for a quick one when a crowd has made its requests slow", () => {
    const world = saturated(0.2);
    const crowd = world.arrivals(3, "f");
    world.nowMs += 40;
    for (const call of crowd) world.finish(call);
    assert.equal(running(world.arrivals(15, "f")), 2);
  });

  it("no longer takes a function for a quick one that has been slow for a while", () => {
    const world = saturated(0.2);
    for (let round = 0; round < 3; round++) {
      const call = world.arrive("f");
      world.nowMs += 5_000;
      world.finish(call);
    }
    assert.equal(running(world.arrivals(15, "f")), 15);
  });

  it("lets a request go elsewhere that waits for its hot thread, when other requests take the last room there", () => {
    const world = withFreeSlot();
    for (const key of [0, 1]) world.fleet.adapt(key, { share: 0.9, perRequestMs: 0.05 }, world.nowMs);
    const first = world.arrive("c");
    assert.equal(world.arrive("b").thread!.server, 1);
    world.nowMs += HELD_MS;
    world.finish(first);
    const [hot, waits] = world.arrivals(2, "b");
    assert.equal(hot!.thread!.server, 0);
    assert.equal(world.loading.size, 0, "it waits for a hot thread");
    assert.equal(world.arrive("c").thread!.server, 0);
    world.settle();
    assert.equal(waits!.thread?.server, 1);
  });

  it("holds nothing back that another server, which has time to spare, could serve", () => {
    const world = withFreeSlot();
    world.fleet.adapt(0, { share: 0.9, perRequestMs: 0.05 }, world.nowMs);
    const calls = world.arrivals(3, "b");
    assert.deepEqual(
      calls.map((call) => call.thread?.server),
      [0, 1, undefined],
    );
    world.settle();
    assert.equal(calls[2]!.thread?.server, 1);
  });

  it("never holds a function back whose requests wait for I/O", () => {
    const world = saturated(50);
    assert.equal(running(world.arrivals(15, "f")), 15);
  });

  it("never holds a function back that asked for concurrency", () => {
    const world = FleetWorld.of(1, [spec("f", { startThreads: 2, concurrency: 10 })], { maxThreads: 20 });
    world.fleet.adapt(0, SATURATED, world.nowMs);
    assert.equal(running(world.arrivals(15, "f")), 15);
  });
});

it("lets more threads be hot once the server has time to spare", () => {
  const world = saturated(0.2);
  const calls = world.arrivals(15, "f");
  assert.equal(running(calls), 2);
  const spare = { share: 0.3, perRequestMs: 0.2 };
  for (const hot of [4, 8, 15]) {
    world.fleet.adapt(0, spare, world.nowMs);
    assert.equal(running(calls), hot);
  }
});

describe("a repeatable request that waits for a hot thread", () => {
  const repeatable = (world: FleetWorld, count: number) => world.arrivals(count, "f", { repeatable: true });
  const ahead = (world: FleetWorld) =>
    [...world.fleet.servers].flatMap(({ threads }) => threads.map((t) => t?.ahead ?? 0));
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

  it("is sent ahead to the one with the fewest before it, up to seven each", () => {
    const world = saturated(0.2);
    const calls = repeatable(world, 20);
    assert.equal(running(calls), 16);
    assert.deepEqual(
      ahead(world).filter((count) => count > 0),
      [7, 7],
    );
    assert.equal(world.waiting.size, 4);
    assert.equal([...world.fleet.servers][0]!.busyThreads, 2);
    assert.equal([...world.fleet.servers][0]!.busy, 2);
  });

  it("has the thread, without a pause, when the one before it is done, and makes room for another", () => {
    const world = saturated(0.2);
    const calls = repeatable(world, 17);
    world.nowMs += 0.2;
    world.finish(calls[0]!);
    const { thread } = calls[0]!;
    assert.equal(thread!.state, "busy");
    assert.equal(calls[16]!.fate, "granted");
    assert.equal(calls[16]!.thread, thread);
    assert.equal(thread!.ahead, 7);
  });

  it("leaves the thread idle after the last of them, and nothing is counted twice", () => {
    const world = saturated(0.2);
    const [server] = [...world.fleet.servers];
    const taken = server!.requests;
    const calls = repeatable(world, 15);
    for (const call of calls) world.finish(call);
    assert.equal(sum(ahead(world)), 0);
    assert.deepEqual([server!.busy, server!.busyThreads, server!.requests], [0, 0, taken + 15]);
  });

  it("is not sent to threads whose requests take long now and then", () => {
    const world = saturated(0.2);
    for (let round = 0; round < 2; round++) {
      const call = world.arrive("f");
      world.nowMs += 500;
      world.finish(call);
    }
    repeatable(world, 20);
    assert.equal(sum(ahead(world)), 0);
  });

  it("is not sent behind one that takes long", () => {
    const world = saturated(0.2);
    const slow = world.arrive("f", { repeatable: true });
    world.nowMs += HELD_MS;
    repeatable(world, 20);
    assert.equal(slow.thread!.ahead, 0);
    assert(sum(ahead(world)) > 0, "others take them");
  });

  it("waits behind one that may not be sent ahead", () => {
    const world = saturated(0.2);
    const calls = [...world.arrivals(3, "f"), ...repeatable(world, 1)];
    assert.equal(running(calls), 2);
  });

  it("is served by a thread that retires meanwhile, which ends after it", () => {
    const world = saturated(0.2);
    const calls = repeatable(world, 16);
    const threads = new Set(calls.map(({ thread }) => thread!));
    world.fleet.promote(
      spec("f", { startThreads: 20, minSpareThreads: 0, maxSpareThreads: 20 }, "2"),
      world.nowMs,
    );
    for (const thread of threads) assert.equal(thread.state, "retiring");
    for (const call of calls.slice(0, 15)) world.finish(call);
    assert.equal([...threads].filter((thread) => world.ending.has(thread)).length, 1);
    world.finish(calls[15]!);
    for (const thread of threads) assert(world.ending.has(thread));
  });
});

it("holds nothing back that comes after a rest", () => {
  const world = saturated(0.2);
  world.fleet.adapt(0, "idle", world.nowMs);
  assert.equal(running(world.arrivals(15, "f")), 15);
});

it("gives a saturated server one request at a time where some compute for long, and never sends ahead", () => {
  const world = saturated(0.2);
  for (let round = 0; round < 2; round++) {
    const call = world.arrive("f");
    world.nowMs += 500;
    world.finish(call);
  }
  const calls = world.arrivals(5, "f", { repeatable: true });
  assert.equal(running(calls), 1);
  world.finish(calls[0]!);
  assert.equal(calls[1]!.fate, "granted");
});

it("holds nothing back in a server that is not saturated", () => {
  const world = FleetWorld.of(1, [MANY], { maxThreads: 20 });
  world.fleet.adapt(0, { share: 0.5, perRequestMs: 0.2 }, world.nowMs);
  assert.equal(running(world.arrivals(15, "f")), 15);
});
