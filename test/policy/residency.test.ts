/** Which functions earn resident threads, and how seldom servers are replaced for them. Policy only, no processes. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FunctionSpec } from "../../scheduler/policy/thread.ts";
import { type Call, FleetWorld, spec } from "../support/fleet-world.ts";

const LIMITS = { maxThreads: 16, maxRequests: 0 };
const of = (name: string, version = "1") => spec(name, { startThreads: 2, minSpareThreads: 0 }, version);

/** One server slot, replaced as the supervisor would, second by second. */
class Node {
  readonly world: FleetWorld;
  #key = 0;
  /** How often the server was replaced. */
  replacements = 0;
  mayReside: (spec: FunctionSpec) => boolean = () => true;

  constructor(...functions: readonly FunctionSpec[]) {
    this.world = FleetWorld.of(1, functions, LIMITS);
  }

  get names(): string[] {
    return this.world.threads(this.#key).map((thread) => `${thread.pool} ${thread.kind} ${thread.state}`);
  }

  get resident(): string[] {
    const threads = this.world.threads(this.#key).filter(({ kind }) => kind === "resident");
    return threads.map(({ pool, revision }) => `${pool} ${revision}`);
  }

  /** A request, done at once. */
  request(name: string): Call {
    const call = this.world.arrive(name);
    this.world.settle();
    this.world.finish(call);
    return call;
  }

  /** Seconds in which each function gets so many requests. */
  run(seconds: number, requests: Readonly<Record<string, number>> = {}): void {
    for (let second = 0; second < seconds; second++) {
      for (const [name, count] of Object.entries(requests))
        for (let i = 0; i < count; i++) this.request(name);
      this.world.tick();
      this.world.settle();
      const wanted = this.world.fleet.residency.wanted("hot", LIMITS, this.mayReside);
      if (this.world.fleet.residency.isOutdated(this.#key, wanted, this.world.nowMs)) this.#replace(wanted);
    }
  }

  #replace(wanted: readonly FunctionSpec[]): void {
    this.replacements++;
    const key = this.#key + 1;
    this.world.living.set(key, new Set());
    this.world.fleet.addServer(key, LIMITS, 0, wanted, this.world.nowMs);
    this.world.settle();
    this.world.open(key);
    this.world.fleet.drain(this.#key, this.world.nowMs);
    this.world.kill(this.#key);
    this.#key = key;
  }
}

describe("resident threads", () => {
  it("are the start threads of hot functions, ready at once", () => {
    const node = new Node(of("hot"), of("cool"));
    node.run(10, { hot: 500, cool: 5 });
    assert.deepEqual(
      node.names.filter((line) => line.includes("resident")),
      ["hot resident idle", "hot resident idle"],
    );
    assert.equal(node.request("hot").thread?.kind, "resident");
    assert.equal(node.replacements, 1);
  });

  it("are given to no function that may not reside", () => {
    const node = new Node(of("hot"));
    node.mayReside = () => false;
    node.run(60, { hot: 500 });
    assert.equal(node.replacements, 0);
  });

  it("take half of the slots at most, one of each function before any has two", () => {
    const node = new Node(...["a", "b", "c", "d", "e"].map((name) => of(name)));
    node.run(20, { a: 300, b: 300, c: 300, d: 300, e: 300 });
    assert.deepEqual(
      node.resident.map((line) => line[0]),
      ["a", "b", "c", "d", "e", "a", "b", "c"],
    );
  });

  it("leave slots to functions that come later", () => {
    const names = Array.from({ length: 20 }, (_, index) => `f${index}`);
    const node = new Node(...names.map((name) => of(name)), of("late"));
    node.run(20, Object.fromEntries(names.map((name) => [name, 200])));
    assert.equal(node.resident.length, 8);
    assert.equal(node.request("late").fate, "granted");
  });

  it("keep the slots of an old version until their generation ends", () => {
    const node = new Node(of("hot"));
    node.run(10, { hot: 500 });
    node.world.promote(of("hot", "2"));
    assert.deepEqual(
      node.names.filter((line) => line.includes("resident")),
      ["hot resident retiring", "hot resident retiring"],
    );
    assert.equal(node.request("hot").thread?.revision, "2");
    assert.equal(node.world.ending.size, 0);
  });
});

describe("a server is replaced for resident threads", () => {
  it("once for a deploy, some seconds later", () => {
    const node = new Node(of("hot"));
    node.run(20, { hot: 500 });
    node.world.promote(of("hot", "2"));
    node.run(4, { hot: 500 });
    assert.deepEqual(node.resident, ["hot 1", "hot 1"]);
    node.run(30, { hot: 500 });
    assert.deepEqual(node.resident, ["hot 2", "hot 2"]);
    assert.equal(node.replacements, 2);
  });

  it("not while there is a deploy every second, and once when that has ended", () => {
    const node = new Node(of("hot"));
    node.run(20, { hot: 500 });
    for (let version = 2; version <= 62; version++) {
      node.world.promote(of("hot", String(version)));
      node.run(1, { hot: 500 });
    }
    assert.equal(node.replacements, 1);
    node.run(10, { hot: 500 });
    assert.equal(node.replacements, 2);
    assert.deepEqual(node.resident, ["hot 62", "hot 62"]);
  });

  it("no more than once for each of two functions that are hot in turns", () => {
    const node = new Node(of("one"), of("other"));
    for (let turn = 0; turn < 3; turn++) {
      node.run(150, { one: 100, other: 1 });
      node.run(150, { one: 1, other: 100 });
    }
    assert.equal(node.replacements, 2);
    assert.deepEqual(new Set(node.resident), new Set(["one 1", "other 1"]));
  });

  it("rarely for functions that are more than there is room for", () => {
    const names = Array.from({ length: 12 }, (_, index) => `f${index}`);
    const node = new Node(...names.map((name) => of(name)));
    // Which is the hottest changes every second.
    for (let second = 0; second < 120; second++)
      node.run(
        1,
        Object.fromEntries(names.map((name, index) => [name, 70 + ((index * 7 + second * 13) % 40)])),
      );
    assert(node.replacements <= 3, `replaced ${node.replacements} times`);
  });

  it("a minute later at the earliest when they serve no more", () => {
    const brief = spec("brief", { startThreads: 2, minSpareThreads: 0, idleTimeoutMs: 5_000 });
    const node = new Node(brief);
    node.run(10, { brief: 500 });
    assert.equal(node.replacements, 1);
    node.run(40);
    assert.equal(node.replacements, 1);
    node.run(40);
    assert.equal(node.replacements, 2);
    assert.deepEqual(node.resident, []);
  });
});
