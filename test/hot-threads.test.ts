/** How many threads may be hot at once: as few as keep a saturated server occupied, and never at the cost of I/O. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HELD_MS } from "../scheduler/policy/pool.ts";
import { type Call, FleetWorld, spec } from "./support/fleet-world.ts";

const MANY = spec("f", { startThreads: 20, minSpareThreads: 0, maxSpareThreads: 20 });

const SATURATED = { share: 1, perRequestMs: 0.2 };
/** A saturated server with 20 idle threads of a function whose requests take `tookMs`. */
function saturated(tookMs: number): FleetWorld {
  const world = FleetWorld.of(1, [MANY], { maxThreads: 20 });
  for (let look = 0; look < 10; look++) world.fleet.adapt(0, SATURATED, world.nowMs);
  for (let round = 0; round < 4; round++) {
    const calls = world.arrivals(6, "f");
    world.nowMs += tookMs;
    for (const call of calls) world.finish(call);
  }
  return world;
}

const running = (calls: readonly Call[]) => calls.filter((call) => call.fate === "granted").length;

describe("a saturated server", () => {
  it("keeps few threads of a quick function hot, and starts none for what waits", () => {
    const world = saturated(0.2);
    const calls = world.arrivals(15, "f");
    assert.equal(running(calls), 6);
    assert.equal(world.waiting.size, 9);
    assert.equal(world.loading.size, 0);
  });

  it("gives a waiting request the first hot thread that is done", () => {
    const world = saturated(0.2);
    const calls = world.arrivals(7, "f");
    world.nowMs += 0.2;
    world.finish(calls[2]!);
    assert.equal(calls[6]!.fate, "granted");
    assert.equal(calls[6]!.thread, calls[2]!.thread);
  });

  it("does not count threads whose request has turned out slow", () => {
    const world = saturated(0.2);
    const calls = world.arrivals(15, "f");
    assert.deepEqual([...new Set(world.wakes)], [HELD_MS]);
    world.nowMs += HELD_MS;
    world.fleet.resume(world.nowMs);
    assert.equal(running(calls), 12);
  });

  it("still takes a function for a quick one when a crowd has made its requests slow", () => {
    const world = saturated(0.2);
    const crowd = world.arrivals(6, "f");
    world.nowMs += 40;
    for (const call of crowd) world.finish(call);
    assert.equal(running(world.arrivals(15, "f")), 6);
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
  assert.equal(running(calls), 6);
  world.fleet.adapt(0, { share: 0.3, perRequestMs: 0.2 }, world.nowMs);
  assert.equal(running(calls), 12);
  world.fleet.adapt(0, { share: 0.3, perRequestMs: 0.2 }, world.nowMs);
  assert.equal(running(calls), 15);
});

it("holds nothing back in a server that is not saturated", () => {
  const world = FleetWorld.of(1, [MANY], { maxThreads: 20 });
  world.fleet.adapt(0, { share: 0.5, perRequestMs: 0.2 }, world.nowMs);
  assert.equal(running(world.arrivals(15, "f")), 15);
});
