/** What holds in the fleet after any sequence of events, against the books of test/support/fleet-world.ts. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Server } from "../../scheduler/policy/server.ts";
import { kept } from "../../scheduler/policy/shares.ts";
import type { Thread } from "../../scheduler/policy/thread.ts";
import { type Call, FleetWorld, spec } from "../support/fleet-world.ts";
import { assertProperty } from "../support/properties.ts";

const NAMES = ["a", "b", "c"] as const;
const QUEUE = 6;
const QUEUE_TIMEOUT_MS = 4_000;

const pick = fc.nat(1_000);
const name = fc.constantFrom(...NAMES);
const client = fc.constantFrom("x", "y", "z");
const happening = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ event: fc.constant("arrive" as const), name, client, repeatable: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ event: fc.constant("crowd" as const), name, client }) },
  { weight: 10, arbitrary: fc.record({ event: fc.constant("finish" as const), pick }) },
  { weight: 10, arbitrary: fc.record({ event: fc.constant("loaded" as const), pick }) },
  { weight: 6, arbitrary: fc.record({ event: fc.constant("ended" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ event: fc.constant("loadFailed" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ event: fc.constant("cancel" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ event: fc.constant("unstarted" as const), pick }) },
  {
    weight: 4,
    arbitrary: fc.record({ event: fc.constant("tick" as const), ms: fc.constantFrom(10, 1_000, 7_000) }),
  },
  { weight: 2, arbitrary: fc.record({ event: fc.constant("replace" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ event: fc.constant("open" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ event: fc.constant("kill" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ event: fc.constant("stage" as const), name }) },
  { weight: 1, arbitrary: fc.record({ event: fc.constant("promote" as const), name }) },
  { weight: 1, arbitrary: fc.record({ event: fc.constant("unstage" as const), name }) },
  { weight: 1, arbitrary: fc.record({ event: fc.constant("drop" as const), name }) },
  {
    weight: 3,
    arbitrary: fc.record({
      event: fc.constant("adapt" as const),
      pick,
      share: fc.constantFrom(0.1, 0.5, 0.9),
      perRequestMs: fc.constantFrom(0.05, 1, 20),
    }),
  },
  { weight: 2, arbitrary: fc.record({ event: fc.constant("wake" as const) }) },
  { weight: 1, arbitrary: fc.record({ event: fc.constant("probed" as const), pick, answers: fc.boolean() }) },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

const node = fc
  .record({
    servers: fc.integer({ min: 1, max: 3 }),
    maxThreads: fc.constantFrom(1, 2, 3, 4, 5, 9),
    maxRequests: fc.constantFrom(0, 0, 5, 20),
    concurrency: fc.constantFrom(1, 1, 3),
    startThreads: fc.nat(3),
    minSpareThreads: fc.nat(3),
    extraSpareThreads: fc.nat(2),
    idleTimeoutMs: fc.constantFrom(6_000, 60_000),
  })
  .map((given) => {
    const { extraSpareThreads, maxThreads, ...rest } = given;
    const startThreads = Math.min(given.startThreads, maxThreads);
    const minSpareThreads = Math.min(given.minSpareThreads, maxThreads);
    const maxSpareThreads = Math.max(1, minSpareThreads + extraSpareThreads);
    return { ...rest, maxThreads, startThreads, minSpareThreads, maxSpareThreads };
  });
type NodeUnderTest = typeof node extends fc.Arbitrary<infer T> ? T : never;

/** A fleet, its world, and which server slots and versions there are. */
class Model {
  readonly world: FleetWorld;
  readonly node: NodeUnderTest;
  readonly calls: Call[] = [];
  readonly live = new Map<string, number>();
  readonly staged = new Map<string, number>();
  readonly failedAtMs = new Map<string, number>();
  #nextKey: number;
  #nextVersion = 2;

  constructor(node: NodeUnderTest) {
    this.node = node;
    this.world = FleetWorld.of(
      node.servers,
      NAMES.map((of) => this.spec(of, 1)),
      { ...node, queue: QUEUE, queueTimeoutMs: QUEUE_TIMEOUT_MS, clientShare: 0.25 },
    );
    for (const of of NAMES) this.live.set(of, 1);
    this.#nextKey = node.servers;
  }

  spec(of: string, version: number) {
    return spec(of, this.node, String(version));
  }

  servers(stage: Server["stage"]): Server[] {
    return [...this.world.fleet.servers].filter((server) => server.stage === stage);
  }

  /** Does what happens next; something that cannot happen now is skipped. */
  happen(next: Happening): void {
    const { world } = this;
    const one = <T>(of: Iterable<T>, at: number): T | undefined => {
      const all = [...of];
      return all[at % Math.max(1, all.length)];
    };
    const use = <T>(value: T | undefined, then: (value: T) => void) =>
      void (value === undefined || then(value));
    switch (next.event) {
      case "arrive":
        if (this.live.has(next.name)) this.calls.push(world.arrive(next.name, next));
        return;
      case "crowd":
        for (let i = 0; i < 9 && this.live.has(next.name); i++)
          this.calls.push(world.arrive(next.name, next));
        return;
      case "finish":
        return use(one(world.running, next.pick), (call) => world.finish(call));
      case "loaded":
        return use(one(world.loading, next.pick), (thread) => world.loaded(thread));
      case "loadFailed":
        return use(one(world.loading, next.pick), (thread) => {
          this.failedAtMs.set(thread.pool, world.nowMs);
          world.loadFailed(thread);
        });
      case "ended":
        return use(one(world.ending, next.pick), (thread) => world.ended(thread));
      case "unstarted":
        return use(
          one(
            [...world.loading].filter(({ state }) => state === "retiring"),
            next.pick,
          ),
          (thread) => world.unstarted(thread),
        );
      case "cancel":
        return use(one(world.waiting, next.pick), (call) => world.cancel(call));
      case "tick":
        return world.tick(next.ms);
      case "replace":
        return this.replace(next.pick % this.node.servers);
      case "open":
        return use(one(this.servers("warming"), next.pick), (server) => this.open(server));
      case "kill":
        return use(one(world.fleet.servers, next.pick), (server) => world.kill(server.key));
      case "stage":
        this.staged.set(next.name, this.#nextVersion++);
        world.fleet.stage(this.spec(next.name, this.staged.get(next.name)!));
        return;
      case "unstage":
        return use(this.staged.get(next.name), (version) => {
          this.staged.delete(next.name);
          world.fleet.unstage(this.spec(next.name, version));
        });
      case "promote":
        return use(this.staged.get(next.name), (version) => {
          this.staged.delete(next.name);
          this.live.set(next.name, version);
          world.fleet.spread(this.spec(next.name, version));
          world.promote(this.spec(next.name, version));
        });
      case "drop":
        this.staged.delete(next.name);
        if (this.live.delete(next.name)) world.drop(next.name);
        return;
      case "adapt":
        return use(one(world.fleet.servers, next.pick), (server) =>
          world.fleet.adapt(server.key, next, world.nowMs),
        );
      case "wake":
        return world.wake();
      case "probed":
        return use(one(world.fleet.servers, next.pick), (server) =>
          world.fleet.probed(server.key, next.answers, world.nowMs),
        );
    }
  }

  /** Starts the next generation in a slot, unless one is coming already. */
  replace(index: number): void {
    if (this.servers("warming").some((server) => server.slot.index === index)) return;
    const { maxThreads, maxRequests } = this.node;
    this.world.addServer(this.#nextKey++, { maxThreads, maxRequests }, index);
  }

  /** As the supervisor does it: the generation before drains first. */
  open(server: Server): void {
    for (const other of this.servers("open"))
      if (other.slot === server.slot) this.world.fleet.drain(other.key, this.world.nowMs);
    this.world.open(server.key);
  }

  /** Every slot gets a server that has not used up its requests; everything under way ends well. */
  rest(): void {
    for (let round = 0; round < 10; round++) {
      for (let index = 0; index < this.node.servers; index++) {
        const open = this.servers("open").find((server) => server.slot.index === index);
        if (open && (this.node.maxRequests === 0 || open.requests < this.node.maxRequests)) continue;
        this.replace(index);
        this.open(this.servers("warming").find((server) => server.slot.index === index)!);
      }
      for (const server of this.world.fleet.servers)
        this.world.fleet.probed(server.key, true, this.world.nowMs);
      this.world.settle();
      this.world.wake();
      for (const call of [...this.world.running]) this.world.finish(call);
      this.world.settle();
    }
    for (const server of this.servers("draining")) this.world.kill(server.key);
    for (const server of this.servers("warming")) this.world.fleet.removeServer(server.key, this.world.nowMs);
    for (let second = 0, quiet = false; second < 4 || !quiet; second++) {
      assert(second < 20, "threads come and go at rest");
      this.world.tick();
      quiet = this.world.loading.size + this.world.ending.size === 0;
      this.world.settle();
      for (const call of [...this.world.running]) this.world.finish(call);
    }
  }
}

const current = (model: Model, thread: Thread) =>
  thread.revision === String(model.live.get(thread.pool) ?? "none");

function checkThreads({ world, node: { concurrency, maxThreads, maxRequests } }: Model): void {
  const inThread = new Map<Thread, number>();
  for (const { thread } of world.running) inThread.set(thread!, (inThread.get(thread!) ?? 0) + 1);
  const busyAt = new Map<number, number>();
  for (const server of world.fleet.servers) {
    const threads = world.threads(server.key);
    assert.deepEqual(new Set(threads), world.living.get(server.key), "the threads of a server");
    assert(threads.length <= maxThreads + 1, "too many threads in a server");
    assert.equal(server.size, threads.length);
    for (const thread of threads) {
      const requests = inThread.get(thread) ?? 0;
      const { ahead } = thread;
      assert(ahead === 0 || (concurrency === 1 && thread.inFlight === 1), `${ahead} requests sent ahead`);
      assert(requests - ahead <= concurrency, `${requests} requests in a thread, ${ahead} of them ahead`);
      assert.equal(thread.inFlight, requests - ahead);
      if (thread.state === "idle" || thread.state === "starting") assert.equal(requests, 0);
      if (thread.state === "busy") assert(requests > 0);
    }
    const busy = threads.filter((thread) => inThread.has(thread)).length;
    assert.equal(server.busyThreads, busy);
    const ahead = threads.reduce((sum, thread) => sum + thread.ahead, 0);
    const running = [...world.running].filter((call) => call.thread!.server === server.key).length;
    assert.equal(server.busy, running - ahead);
    assert(maxRequests === 0 || server.requests <= maxRequests, "a server takes more than its requests");
    busyAt.set(server.slot.index, (busyAt.get(server.slot.index) ?? 0) + busy);
    for (const pool of server.pools) {
      const own = threads.filter((t) => t.pool === pool.spec.pool && t.revision === pool.spec.revision);
      const count = (state: Thread["state"]) => own.filter((thread) => thread.state === state).length;
      assert.deepEqual(
        [pool.idle, pool.busy, pool.starting],
        [count("idle"), count("busy"), count("starting")],
      );
    }
  }
  for (const busy of busyAt.values())
    assert(busy <= maxThreads, `${busy} threads are busy in one server slot`);
}

function checkWaiting(model: Model): void {
  const { world, node } = model;
  const { fleet, waiting } = world;
  assert.equal(fleet.queue.size, waiting.size);
  assert(waiting.size <= QUEUE);
  for (const call of waiting) assert(world.nowMs - call.ticket!.sinceMs < QUEUE_TIMEOUT_MS + 7_000);
  const open = model.servers("open");
  for (const server of open.filter(({ responsive }) => responsive)) {
    if (node.maxRequests > 0 && server.requests >= node.maxRequests) continue;
    const room = server.slot.busyThreads < node.maxThreads;
    if (room && server.size < node.maxThreads)
      for (const name of new Set([...waiting].map((call) => call.functionName))) checkComing(model, name);
    for (const thread of world.threads(server.key)) {
      const free =
        (thread.state === "idle" && room) || (thread.state === "busy" && thread.inFlight < node.concurrency);
      if (!free || !current(model, thread) || isScarce(world)) continue;
      // Requests may be held back for threads that are hot, but not for ever.
      if (server.holds(server.poolOf(thread), world.nowMs))
        assert(fleet.queue.waiting(thread.pool) === 0 || world.wakeDue, "nothing will wake what is held");
      else assert.equal(fleet.queue.waiting(thread.pool), 0, `${thread.pool} waits beside a free thread`);
    }
  }
}

/** Whether so few threads are free that requests may have to leave them to others: see shares.ts. */
function isScarce({ fleet }: FleetWorld): boolean {
  const open = [...fleet.servers].filter(({ stage }) => stage === "open");
  const slots = open.reduce((sum, { limits }) => sum + limits.maxThreads, 0);
  const free = open.reduce(
    (sum, { limits, slot }) => sum + Math.max(0, limits.maxThreads - slot.busyThreads),
    0,
  );
  return kept(slots) > 0 && free <= kept(slots);
}

/** Whether requests wait for hot threads of the function rather than for another one. */
const isHeld = ({ fleet, nowMs }: FleetWorld, name: string) =>
  [...fleet.servers].some((server) =>
    [...server.pools].some(
      (pool) => pool.spec.pool === name && server.takesThreads && server.holds(pool, nowMs),
    ),
  );

/** While a slot is free, a thread is on its way to the function's waiting requests; unless its load just failed. */
function checkComing({ world, failedAtMs }: Model, name: string): void {
  if (world.nowMs - (failedAtMs.get(name) ?? -Infinity) < 1_000 || isHeld(world, name)) return;
  if (isScarce(world)) return;
  const coming = [...world.loading].some((thread) => thread.pool === name && thread.state === "starting");
  assert(coming, `${name} waits beside a free slot, and no thread is coming`);
}

/** After rest: nobody waits, and spare threads are within their bounds, as far as there is room. */
function checkRest(model: Model): void {
  const { world, node } = model;
  assert.equal(world.waiting.size, 0, "requests wait for ever");
  for (const call of model.calls) assert.notEqual(call.fate, "waiting");
  for (const server of model.servers("open")) {
    const threads = world.threads(server.key).filter((thread) => current(model, thread));
    assert(threads.length <= node.maxThreads, "more threads than max_threads_per_child at rest");
    for (const of of NAMES) {
      const idle = threads.filter((thread) => thread.pool === of).length;
      assert(idle <= node.maxSpareThreads, `${idle} idle threads of ${of}`);
      const active = threads.some((thread) => thread.pool === of);
      if (active && world.threads(server.key).length < node.maxThreads)
        assert(idle >= node.minSpareThreads, `${idle} idle threads of ${of}, with room for more`);
    }
  }
}

describe("after any sequence of events", () => {
  const history = fc.array(happening, { maxLength: 150, size: "max" });

  it("no law of the pool is broken, and every request is granted, refused or cancelled once", () => {
    assertProperty(
      fc.property(node, history, (given, events) => {
        const model = new Model(given);
        for (const next of events) {
          model.happen(next);
          checkThreads(model);
          checkWaiting(model);
        }
        model.rest();
        checkThreads(model);
        checkWaiting(model);
        checkRest(model);
      }),
      1_000,
    );
  });
});
