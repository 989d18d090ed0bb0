/** The scheduling policy, event by event; test/policy/fleet-properties.test.ts shows what holds after any of them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SPARE_EVICTS_AFTER_MS, SURPLUS_AGE_MS } from "../../scheduler/policy/spares.ts";
import { FleetWorld, spec } from "../support/fleet-world.ts";

describe("a request", () => {
  it("goes to the server with the fewest requests in progress", () => {
    const world = FleetWorld.of(2, [spec("a", { startThreads: 2 })]);
    const [first, second, third] = world.arrivals(3, "a");
    assert.deepEqual(
      [first, second, third].map((call) => call!.thread!.server),
      [0, 1, 0],
    );
    world.finish(first!);
    world.finish(third!);
    assert.equal(world.arrive("a").thread!.server, 0);
  });

  it("takes the thread that was used last, so that the others can retire", () => {
    const world = FleetWorld.of(1, [spec("a", { startThreads: 3 })]);
    const [call] = world.arrivals(1, "a");
    const { thread } = call!;
    world.finish(call!);
    assert.equal(world.arrive("a").thread, thread);
  });

  it("leaves a thread that has never served alone while one that has is idle", () => {
    const world = FleetWorld.of(1, [spec("a")]);
    const first = world.arrive("a");
    world.settle();
    world.finish(first);
    assert.equal(world.idle(0), 2);
    assert.equal(world.arrive("a").thread, first.thread);
    world.settle();
    const second = world.arrive("a");
    world.settle();
    assert.equal(second.thread!.slot, 1);
  });

  it("fills a thread up to its concurrency before it takes another", () => {
    const world = FleetWorld.of(1, [spec("a", { startThreads: 2, concurrency: 3 })]);
    const threads = world.arrivals(5, "a").map((call) => call.thread!);
    assert.deepEqual(new Set(threads.slice(0, 3)).size, 1);
    assert.deepEqual(new Set(threads.slice(3)).size, 1);
    assert.notEqual(threads[0], threads[4]);
  });

  it("uses every place that concurrency gives when every thread is busy", () => {
    const world = FleetWorld.of(1, [spec("a", { startThreads: 2, maxSpareThreads: 2, concurrency: 3 })], {
      maxThreads: 2,
    });
    const calls = world.arrivals(7, "a");
    assert.equal(calls.filter((call) => call.fate === "granted").length, 6);
    world.finish(calls[5]!);
    assert.equal(calls[6]!.fate, "granted");
  });

  it("waits for the first thread to become idle when no slot is free", () => {
    const world = FleetWorld.of(1, [spec("a", { startThreads: 4 })]);
    const calls = world.arrivals(5, "a");
    assert.equal(calls[4]!.fate, "waiting");
    world.finish(calls[2]!);
    assert.equal(calls[4]!.thread, calls[2]!.thread);
  });

  it("starts a thread when none is idle and a slot is free", () => {
    const world = FleetWorld.of(2, [spec("a", { startThreads: 0, minSpareThreads: 0 })]);
    const call = world.arrive("a");
    assert.equal(world.loading.size, 1);
    world.settle();
    assert.equal(call.fate, "granted");
  });

  it("spreads the threads that waiting requests need over the servers", () => {
    const world = FleetWorld.of(2, [spec("a", { startThreads: 0, minSpareThreads: 0 })]);
    world.arrivals(6, "a");
    assert.deepEqual([world.threads(0).length, world.threads(1).length], [3, 3]);
  });

  it("does not wait for a thread of a server that has used up its requests", () => {
    const world = FleetWorld.of(2, [spec("a", { startThreads: 1, minSpareThreads: 0 })], { maxRequests: 1 });
    const [one, other] = world.arrivals(2, "a");
    world.finish(one!);
    world.finish(other!);
    const call = world.arrive("a");
    assert.equal(world.loading.size, 0, "a thread starts where it cannot serve");
    world.addServer(7, { maxRequests: 1 }, 0);
    world.open(7);
    world.settle();
    assert.equal(call.thread?.server, 7);
  });

  it("is not sent to a server that does not answer its probes, and waits if none does", () => {
    const world = FleetWorld.of(2, [spec("a", { startThreads: 2 })]);
    world.fleet.probed(0, false, 0);
    assert.deepEqual(
      world.arrivals(2, "a").map((call) => call.thread!.server),
      [1, 1],
    );
    world.fleet.probed(1, false, 0);
    const waits = world.arrive("a");
    assert.equal(waits.fate, "waiting");
    world.fleet.probed(0, true, 0);
    assert.equal(waits.thread!.server, 0);
  });

  it("is refused when its time in the queue is up, and when the queue is full", () => {
    const world = FleetWorld.of(1, [spec("a")], { maxThreads: 1, queue: 2, queueTimeoutMs: 5_000 });
    const calls = world.arrivals(4, "a");
    assert.deepEqual(
      calls.map((call) => call.fate),
      ["granted", "waiting", "waiting", "full"],
    );
    world.tick(5_000);
    assert.deepEqual(
      calls.slice(1, 3).map((call) => call.fate),
      ["timeout", "timeout"],
    );
  });

  it("that waits is served by another server when the one that starts its thread dies", () => {
    const world = FleetWorld.of(2, [spec("a", { startThreads: 0, minSpareThreads: 0 })]);
    const call = world.arrive("a");
    world.kill([...world.loading][0]!.server);
    world.settle();
    assert.equal(call.fate, "granted");
  });

  it("that waits takes the slot of another function as soon as that one's thread is idle", () => {
    const cold = { startThreads: 0, minSpareThreads: 0 };
    const world = FleetWorld.of(1, [spec("a", cold), spec("b", cold)], { maxThreads: 1 });
    const first = world.arrive("a");
    world.cancel(first);
    const call = world.arrive("b");
    world.settle();
    assert.equal(call.fate, "granted");
  });

  it("that waits is refused when its function cannot be loaded", () => {
    const world = FleetWorld.of(1, [spec("a", { startThreads: 0, minSpareThreads: 0 })]);
    const call = world.arrive("a");
    world.loadFailed([...world.loading][0]!);
    assert.equal(call.fate, "load-failed");
  });

  it("that waits for a slot gets the one that a failed load frees", () => {
    const world = FleetWorld.of(
      1,
      [
        spec("a", { startThreads: 0, minSpareThreads: 0 }),
        spec("b", { startThreads: 0, minSpareThreads: 0 }),
      ],
      { maxThreads: 1 },
    );
    world.arrive("a");
    const call = world.arrive("b");
    world.loadFailed([...world.loading][0]!);
    world.settle();
    assert.equal(call.fate, "granted");
  });
});

describe("spare threads", () => {
  it("are started when a request leaves fewer than min_spare_threads idle", () => {
    const world = FleetWorld.of(1, [spec("a", { startThreads: 2, minSpareThreads: 2 })]);
    world.arrive("a");
    assert.equal(world.loading.size, 1);
  });

  it("are there again after a server opens with fewer start threads", () => {
    const world = FleetWorld.of(1, [spec("a", { startThreads: 1, minSpareThreads: 3, maxSpareThreads: 4 })]);
    assert.equal(world.idle(0), 3);
  });

  it("above max_spare_threads retire once they were not used for a while, the coldest first", () => {
    const world = FleetWorld.of(1, [spec("a", { startThreads: 4, minSpareThreads: 1, maxSpareThreads: 2 })]);
    const calls = world.arrivals(4, "a");
    for (const call of calls) world.finish(call);
    assert.equal(world.idle(0), 4);
    world.tick(SURPLUS_AGE_MS);
    assert.deepEqual([...world.ending], [calls[0]!.thread, calls[1]!.thread]);
    assert.equal(world.idle(0), 2);
  });

  it("are not loaded any more for requests that others have served", () => {
    const world = FleetWorld.of(1, [spec("a", { maxSpareThreads: 2 })], { maxThreads: 10 });
    const calls = world.arrivals(8, "a");
    assert.equal(world.loading.size, 7);
    const [first] = world.loading;
    while (world.running.size > 0) world.finish([...world.running][0]!);
    assert(calls.every(({ fate }) => fate === "granted"));
    const wanted = [...world.loading].filter(({ state }) => state === "starting");
    assert.deepEqual(wanted, [first], "the one that may have begun");
    for (const thread of world.loading) if (thread.state === "retiring") world.unstarted(thread);
    world.settle();
    assert.equal(world.idle(0), 2);
    assert.equal(world.threads(0).length, 2);
  });

  it("take the slots of a function that has been quiet, but not of one in use", () => {
    const world = FleetWorld.of(1, [
      spec("a", { startThreads: 2 }),
      spec("b", { startThreads: 2, minSpareThreads: 2 }),
    ]);
    world.arrive("b");
    assert.equal(world.ending.size, 0);
    world.nowMs += SPARE_EVICTS_AFTER_MS + 1;
    world.arrive("b");
    assert.deepEqual(
      [...world.ending].map((thread) => thread.pool),
      ["a", "a"],
    );
  });

  it("report the server that is full", () => {
    const world = FleetWorld.of(1, [spec("a", { startThreads: 4 })]);
    world.arrivals(4, "a");
    assert.equal(world.full[0], 0);
  });

  it("are not started in a row for a function whose loads fail", () => {
    const world = FleetWorld.of(1, [spec("a")]);
    const call = world.arrive("a");
    const waiting = world.arrivals(2, "a");
    for (let failed = 0; world.loading.size > 0; failed++) {
      assert(failed < 10, "loads are tried again and again");
      world.loadFailed([...world.loading][0]!);
    }
    assert.deepEqual(
      waiting.map(({ fate }) => fate),
      ["waiting", "waiting"],
    );
    world.tick(1_000);
    assert(world.loading.size > 0, "it is tried again after a second");
    world.finish(call);
    assert.equal(waiting[0]!.fate, "granted");
  });
});

describe("an inactive function", () => {
  const quick = spec("a", { idleTimeoutMs: 5_000, startThreads: 2, minSpareThreads: 2 });

  it("keeps no threads, and its next request starts one", () => {
    const world = FleetWorld.of(1, [quick]);
    world.tick(5_000);
    world.settle();
    assert.equal(world.threads(0).length, 0);
    const call = world.arrive("a");
    world.settle();
    assert.equal(call.fate, "granted");
  });

  it("is none while a request is in it, however long", () => {
    const world = FleetWorld.of(1, [quick]);
    const call = world.arrive("a");
    for (let second = 0; second < 20; second++) world.tick();
    world.settle();
    assert.equal(world.idle(0), 2);
    world.finish(call);
    world.tick(4_000);
    assert.equal(world.idle(0), 2);
    world.tick(2_000);
    assert.equal(world.idle(0), 0);
  });

  it("loses threads that became ready after it fell inactive", () => {
    const world = FleetWorld.of(1, [quick]);
    world.addServer(1);
    world.tick(5_000);
    world.settle();
    world.open(1);
    world.tick();
    assert.deepEqual([world.idle(0), world.idle(1)], [0, 0]);
  });
});

describe("a full server", () => {
  it("gives the least recently used idle thread of another function to a waiting request", () => {
    const world = FleetWorld.of(
      1,
      [spec("a", { minSpareThreads: 0 }), spec("b", { minSpareThreads: 0 }), spec("c", { startThreads: 0 })],
      { maxThreads: 2 },
    );
    world.nowMs = 10;
    world.finish(world.arrive("a"));
    const call = world.arrive("c");
    assert.deepEqual(
      [...world.ending].map((thread) => thread.pool),
      ["b"],
    );
    world.settle();
    assert.equal(call.fate, "granted");
  });

  /** Saturates both; returns how many requests of each were served. */
  function contend(concurrency: number): { a: number; b: number } {
    const never = { minSpareThreads: 0, startThreads: 0, concurrency };
    const world = FleetWorld.of(2, [spec("a", never), spec("b", never)], { queue: 1_000 });
    world.arrivals(100, "a");
    world.settle();
    world.arrivals(100, "b");
    const served = { a: 0, b: 0 };
    for (let step = 0; step < 200; step++) {
      const [call] = world.running;
      served[call!.functionName as "a" | "b"]++;
      world.finish(call!);
      world.arrive(call!.functionName);
      world.settle();
      world.nowMs += 10;
    }
    return served;
  }

  for (const concurrency of [1, 3]) {
    it(`is shared by two functions that could each fill it (concurrency ${concurrency})`, () => {
      const { a, b } = contend(concurrency);
      assert(Math.min(a, b) > 60, `${a} and ${b} of 200`);
    });
  }

  it("lets a new version prove itself in one slot more, and is back at its limit after the switch", () => {
    const world = FleetWorld.of(1, [spec("a", { startThreads: 4, maxSpareThreads: 4 })]);
    const next = spec("b", { startThreads: 1 });
    assert(world.fleet.stage(next));
    world.settle();
    world.promote(next);
    world.settle();
    assert.equal(world.threads(0).length, 4);
    assert.equal(world.idle(0, "b"), 1);
  });
});

describe("a new version", () => {
  it("gets the next request, while the old one finishes its own", () => {
    const world = FleetWorld.of(1, [spec("a", { startThreads: 2 })]);
    const old = world.arrive("a");
    const next = spec("a", { startThreads: 2 }, "2");
    world.fleet.stage(next);
    world.settle();
    world.promote(next);
    assert.equal(world.arrive("a").thread!.revision, "2");
    assert.equal(old.thread!.state, "retiring");
    assert(!world.ending.has(old.thread!));
    world.finish(old);
    assert(world.ending.has(old.thread!));
  });

  it("that does not prove itself leaves the old one as it was", () => {
    const world = FleetWorld.of(1, [spec("a", { startThreads: 2 })]);
    const next = spec("a", {}, "2");
    const staged = world.fleet.stage(next);
    world.loadFailed(staged!);
    world.fleet.unstage(next);
    world.settle();
    assert.equal(world.idle(0), 2);
    assert.equal(world.arrive("a").thread!.revision, "1");
  });
});

describe("a generation", () => {
  it("takes no request before it is open and none after it drains", () => {
    const world = FleetWorld.of(1, [spec("a", { startThreads: 2 })]);
    world.addServer(1, {}, 0);
    world.settle();
    assert.equal(world.arrive("a").thread!.server, 0);
    world.fleet.drain(0, 0);
    world.open(1);
    assert.equal(world.arrive("a").thread!.server, 1);
  });

  it("shares what may be in progress with all the generations before it", () => {
    const world = FleetWorld.of(1, [spec("a", { startThreads: 4, maxSpareThreads: 4 })]);
    const first = world.arrivals(3, "a");
    world.addServer(1, {}, 0);
    world.settle();
    world.fleet.drain(0, 0);
    world.open(1);
    assert.equal(world.arrivals(3, "a").filter((call) => call.fate === "granted").length, 1);
    world.addServer(2, {}, 0);
    world.kill(1);
    world.settle();
    world.open(2);
    assert.equal([...world.running].length, 4, "the generation before the last still counts");
    world.finish(first[0]!);
    assert.equal([...world.running].length, 4);
  });

  it("asks for a successor in time, and takes no more than max_requests_per_child", () => {
    const world = FleetWorld.of(1, [spec("a")], { maxRequests: 10 });
    for (let i = 0; i < 10; i++) world.finish(world.arrive("a"));
    assert.deepEqual(world.due, [0]);
    assert.equal(world.arrive("a").fate, "waiting");
  });

  it("may be replaced while it is told that it is due, by one that takes what waits", () => {
    // 4 of 5: the third request of those below is the one that makes the server due.
    const world = FleetWorld.of(1, [spec("a", { startThreads: 1 })], { maxRequests: 5, maxThreads: 1 });
    for (let i = 0; i < 2; i++) world.finish(world.arrive("a"));
    const busy = world.arrive("a");
    const waits = world.arrive("a");
    assert.equal(waits.fate, "waiting");
    world.addServer(1, { maxThreads: 1 }, 1);
    for (const thread of [...world.loading]) world.loaded(thread);
    world.onDue = () => world.open(1);
    world.finish(busy);
    assert.deepEqual(world.due, [0]);
    assert.equal(waits.fate, "granted");
  });

  it("tells its owner when it has drained", () => {
    const world = FleetWorld.of(1, [spec("a")]);
    const call = world.arrive("a");
    world.fleet.drain(0, 0);
    assert.deepEqual(world.due, []);
    world.finish(call);
    assert.deepEqual(world.due, [0]);
  });
});
