/** Who may hold how many threads: the arithmetic, and what comes of it in a fleet. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { clientShare, mayTake, socketShare } from "../../scheduler/policy/shares.ts";
import { type Call, FleetWorld, spec } from "../support/fleet-world.ts";
import { assertProperty } from "../support/properties.ts";

/** How many threads somebody gets who has none and asks for ever more. */
function mostOf(slots: number, free = slots): number {
  let held = 0;
  while (held < free && mayTake(held, free - held, slots)) held++;
  return held;
}

describe("the share of a function", () => {
  it("is all threads of a small node, and all but a sixteenth of a larger one", () => {
    assert.deepEqual(
      [1, 2, 15, 16, 32, 128].map((slots) => mostOf(slots)),
      [1, 2, 15, 15, 30, 120],
    );
  });

  it("leaves something to a second one, and to a third", () => {
    const first = mostOf(128);
    const second = mostOf(128, 128 - first);
    const third = mostOf(128, 128 - first - second);
    assert.deepEqual([first, second, third], [120, 7, 1]);
  });
});

describe("the share of a function's sockets", () => {
  const share = (slots: number, others = 0, isAlone = false) => socketShare({ slots, others, isAlone });

  it("is half of what sockets of others leave, and of the rest something is kept for requests", () => {
    assert.deepEqual([share(128), share(128, 60), share(128, 90), share(128, 119)], [60, 30, 15, 1]);
    assert.deepEqual([share(128, 120), share(128, 500)], [0, 0]);
  });

  it("is nearly everything for the only function of a node", () => {
    assert.deepEqual([share(128, 0, true), share(4, 0, true)], [120, 3]);
  });

  it("is one thread where there is one", () => {
    assert.deepEqual([share(1), share(1, 0, true), share(2), share(1, 1)], [1, 1, 1, 0]);
  });
});

describe("the share of a client", () => {
  it("is at least one thread", () => {
    assert.deepEqual([clientShare(128, 0.25), clientShare(3, 0.25), clientShare(0, 0.25)], [32, 1, 1]);
  });
});

/** Two servers with 16 threads each, of which two are kept. */
const LARGE = { maxThreads: 16, queue: 500 };
const quiet = { startThreads: 0, minSpareThreads: 0, maxSpareThreads: 1 };

function arrive(world: FleetWorld, count: number, name: string, client?: string): Call[] {
  const calls = Array.from({ length: count }, () =>
    world.arrive(name, client === undefined ? {} : { client }),
  );
  world.settle();
  return calls;
}

describe("a function whose requests never end", () => {
  it("leaves threads to others, at once", () => {
    const world = FleetWorld.of(2, [spec("endless", quiet), spec("a", quiet)], LARGE);
    arrive(world, 100, "endless");
    assert.equal(world.runningOf("endless").length, 30);
    const [call] = arrive(world, 1, "a");
    assert.equal(call!.fate, "granted");
  });

  it("leaves them to a third function, too, when a second one is like it", () => {
    const world = FleetWorld.of(2, [spec("endless", quiet), spec("streams", quiet), spec("a", quiet)], LARGE);
    arrive(world, 100, "endless");
    arrive(world, 100, "streams");
    assert.deepEqual([world.runningOf("endless").length, world.runningOf("streams").length], [30, 1]);
    for (let i = 0; i < 10; i++) {
      const [call] = arrive(world, 1, "a");
      assert.equal(call!.fate, "granted");
      world.finish(call!);
    }
  });

  it("gets more as soon as others need less", () => {
    const world = FleetWorld.of(2, [spec("endless", quiet), spec("a", quiet)], LARGE);
    const others = arrive(world, 10, "a");
    arrive(world, 100, "endless");
    const before = world.runningOf("endless").length;
    for (const call of others) world.finish(call);
    world.settle();
    assert.deepEqual([before, world.runningOf("endless").length], [20, 30]);
  });

  it("may have all threads when it is the only one", () => {
    const world = FleetWorld.of(2, [spec("endless", quiet)], LARGE);
    arrive(world, 100, "endless");
    assert.equal(world.runningOf("endless").length, 32);
  });

  it("still takes requests into threads that have room", () => {
    const world = FleetWorld.of(1, [spec("endless", { ...quiet, concurrency: 2 }), spec("a", quiet)], {
      ...LARGE,
      maxThreads: 16,
    });
    arrive(world, 100, "endless");
    assert.equal(world.runningOf("endless").length, 30);
    assert.equal(world.fleet.server(0)!.busyThreads, 15);
  });
});

describe("two functions that would each take all threads", () => {
  it("come to share them, although one was first", () => {
    const world = FleetWorld.of(2, [spec("first", quiet), spec("second", quiet)], { ...LARGE, queue: 1_000 });
    arrive(world, 200, "first");
    arrive(world, 200, "second");
    for (let round = 0; round < 100; round++) {
      const [oldest] = world.running;
      world.finish(oldest!);
      world.settle();
    }
    const [first, second] = [world.runningOf("first").length, world.runningOf("second").length];
    assert(Math.abs(first - second) <= 2 && first + second >= 28, `${first} and ${second}`);
  });
});

describe("a client", () => {
  const world = (slots = LARGE) => FleetWorld.of(2, [spec("a", quiet)], { ...slots, clientShare: 0.25 });

  it("with its share of the threads comes after others that wait", () => {
    const node = world({ maxThreads: 4, queue: 500 });
    const [first] = arrive(node, 20, "a", "greedy");
    assert.equal(node.running.size, 8);
    const [other] = arrive(node, 1, "a", "modest");
    assert.equal(other!.fate, "waiting");
    node.finish(first!);
    node.settle();
    assert.equal(other!.fate, "granted");
  });

  it("gets more than its share when nobody else waits, up to what is kept for others", () => {
    const node = world();
    arrive(node, 100, "a", "greedy");
    assert.equal(node.running.size, 30);
    const [other] = arrive(node, 1, "a", "modest");
    assert.equal(other!.fate, "granted");
    assert.equal(node.waiting.size, 70);
  });

  it("that waits does not keep another from a free thread", () => {
    const node = world();
    arrive(node, 100, "a", "greedy");
    const calls = ["one", "two"].flatMap((client) => arrive(node, 1, "a", client));
    assert.deepEqual(
      calls.map(({ fate }) => fate),
      ["granted", "granted"],
    );
  });

  it("is forgotten when its last request is over", () => {
    const node = world();
    for (const call of arrive(node, 5, "a", "somebody")) node.finish(call);
    for (let i = 0; i < 100; i++) for (const call of arrive(node, 1, "a", `client ${i}`)) node.finish(call);
    assert.equal(node.fleet.shares.clients, 0);
  });
});

describe("after any sequence of requests that never end", () => {
  /** One such function leaves a thread from 16 on, two do from 32 on. */
  it("of one or two functions, another function finds a thread for each of its requests", () => {
    const step = fc.record({
      name: fc.constantFrom("a", "b"),
      client: fc.constantFrom("x", "y", "z"),
      count: fc.integer({ min: 1, max: 40 }),
    });
    assertProperty(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 16, max: 40 }),
        fc.array(step, { maxLength: 12 }),
        (servers, maxThreads, steps) => {
          const names = ["a", "b", "good"].map((name) => spec(name, quiet));
          const node = FleetWorld.of(servers, names, { maxThreads, queue: 100, clientShare: 0.25 });
          const endless = servers * maxThreads < 32 ? ["a"] : ["a", "b"];
          for (const { name, client, count } of steps)
            if (endless.includes(name)) arrive(node, count, name, client);
          for (let i = 0; i < 3; i++) {
            const [call] = arrive(node, 1, "good", "somebody");
            assert.equal(call!.fate, "granted");
            node.finish(call!);
          }
          // Nothing that waits is forgotten: when all is over, all have been served.
          while (node.running.size > 0) {
            for (const call of [...node.running]) node.finish(call);
            node.settle();
          }
          assert.equal(node.waiting.size, 0);
        },
      ),
      200,
    );
  });
});
