/**
 * A world for the fleet to run in, without processes: loads and ends happen when the test says so, time is a
 * number. It keeps its own books from what the fleet asks of it, so that the fleet's can be checked
 * against them.
 */
import assert from "node:assert/strict";
import { type Effects, Fleet } from "../../scheduler/policy/fleet.ts";
import type { Ticket } from "../../scheduler/policy/queue.ts";
import type { Server, ServerLimits } from "../../scheduler/policy/server.ts";
import type { FunctionSpec, Thread } from "../../scheduler/policy/thread.ts";
import type { ThreadSettings } from "../../scheduler/types.ts";

export type Fate = "waiting" | "granted" | "full" | "timeout" | "load-failed" | "cancelled" | "dropped";

/** One request, from its arrival to its end. */
export interface Call {
  readonly functionName: string;
  fate: Fate;
  readonly client?: string;
  thread?: Thread;
  ticket?: Ticket<Call>;
}

export const SETTINGS: ThreadSettings = {
  startThreads: 1,
  minSpareThreads: 1,
  maxSpareThreads: 2,
  concurrency: 1,
  idleTimeoutMs: 60_000,
};

/** The fleet goes by pool and revision; what people say of a thread is of no use to it. */
export function spec(name: string, over: Partial<ThreadSettings> = {}, revision = "1"): FunctionSpec {
  const threads = { ...SETTINGS, ...over };
  return { functionName: `the function of ${name}`, pool: name, version: "some version", revision, threads };
}

export class FleetWorld {
  nowMs = 0;
  readonly fleet: Fleet<Call>;
  /** Threads whose isolate is being made. */
  readonly loading = new Set<Thread>();
  /** Threads whose isolate is being ended. */
  readonly ending = new Set<Thread>();
  /** Requests in a thread. */
  readonly running = new Set<Call>();
  readonly waiting = new Set<Call>();
  /** Whoever is told of a server that is due may change the fleet at once, as the supervisor does. */
  onDue: (server: Server) => void = () => this.fleet.resume(this.nowMs);
  /** Every time that a server was full, or asked for attention. */
  readonly full: number[] = [];
  readonly due: number[] = [];
  /** After how many ms it wanted to look again at what waits. */
  readonly wakes: number[] = [];
  /** When the fleet is to be woken. */
  wakeDue: number | undefined;
  /** What lives in each server, by its own count. */
  readonly living = new Map<number, Set<Thread>>();
  readonly #ended = new Set<Thread>();

  constructor(limits: { queue?: number; queueTimeoutMs?: number; clientShare?: number } = {}) {
    const effects: Effects<Call> = {
      load: (thread) => {
        const threads = this.living.get(thread.server)!;
        for (const other of threads) assert.notEqual(other.slot, thread.slot, "a slot is used twice");
        threads.add(thread);
        this.loading.add(thread);
      },
      retire: (thread) => {
        assert(!this.#ended.has(thread), "a thread ends twice");
        assert.equal(thread.inFlight, 0, "a thread ends with a request in it");
        assert(!this.loading.has(thread), "a thread ends while it starts");
        this.#ended.add(thread);
        this.ending.add(thread);
      },
      grant: (ticket, thread) => this.#run(this.#settle(ticket, "granted"), thread),
      refuse: (ticket, why) => void this.#settle(ticket, why),
      full: (server) => void this.full.push(server.key),
      due: (server) => {
        this.due.push(server.key);
        this.onDue(server);
      },
      wakeIn: (ms) => {
        this.wakes.push(ms);
        this.wakeDue ??= this.nowMs + ms;
      },
    };
    this.fleet = new Fleet(effects, {
      queue: limits.queue ?? 100,
      queueTimeoutMs: () => limits.queueTimeoutMs ?? 10_000,
      clientShare: () => limits.clientShare ?? 1,
    });
  }

  #settle(ticket: Ticket<Call>, fate: Fate): Call {
    const call = ticket.request;
    assert.equal(call.fate, "waiting", `a request that is ${call.fate} becomes ${fate}`);
    call.fate = fate;
    this.waiting.delete(call);
    return call;
  }

  #run(call: Call, thread: Thread): void {
    const server = this.fleet.server(thread.server)!;
    assert.equal(server.stage, "open", `a request goes to a server that is ${server.stage}`);
    assert(
      !this.loading.has(thread) && !this.#ended.has(thread),
      "a request goes to a thread that is not there",
    );
    assert.equal(thread.pool, call.functionName);
    call.fate = "granted";
    call.thread = thread;
    this.running.add(call);
  }

  // --- what happens ---

  arrive(functionName: string, how: { repeatable?: boolean; client?: string } = {}): Call {
    const { repeatable = false } = how;
    const client = how.client === undefined ? {} : { client: how.client };
    const call: Call = { functionName, fate: "waiting", ...client };
    const thread = this.fleet.acquire(functionName, this.nowMs, how.client);
    if (thread) {
      this.#run(call, thread);
      return call;
    }
    call.ticket = { pool: functionName, sinceMs: this.nowMs, request: call, repeatable, ...client };
    this.waiting.add(call);
    this.fleet.wait(call.ticket);
    return call;
  }

  arrivals(count: number, functionName: string, how: { repeatable?: boolean } = {}): Call[] {
    return Array.from({ length: count }, () => this.arrive(functionName, how));
  }

  finish(call: Call): void {
    assert(this.running.delete(call), "only a running request can finish");
    this.fleet.release(call.thread!, this.nowMs, "answered", call.client);
  }

  cancel(call: Call): void {
    this.fleet.cancel(call.ticket!);
    this.#settle(call.ticket!, "cancelled");
  }

  loaded(thread: Thread): void {
    this.loading.delete(thread);
    this.fleet.loaded(thread, this.nowMs);
  }

  /** A load that the fleet has given up before it began. */
  unstarted(thread: Thread): void {
    assert.equal(thread.state, "retiring");
    this.loading.delete(thread);
    this.living.get(thread.server)?.delete(thread);
    this.fleet.ended(thread, this.nowMs);
  }

  loadFailed(thread: Thread): void {
    this.loading.delete(thread);
    this.living.get(thread.server)?.delete(thread);
    this.fleet.loadFailed(thread, "it throws", this.nowMs);
  }

  ended(thread: Thread): void {
    this.ending.delete(thread);
    this.living.get(thread.server)?.delete(thread);
    this.fleet.ended(thread, this.nowMs);
  }

  /** A server that is ready; `open` lets requests in. */
  addServer(key: number, limits: Partial<ServerLimits> = {}, index = key): Server {
    this.living.set(key, new Set());
    return this.fleet.addServer(key, { maxThreads: 4, maxRequests: 0, ...limits }, index);
  }

  open(key: number): void {
    this.fleet.open(key, this.nowMs);
  }

  /** The process dies: the fleet hears of it first, then each request in it fails. */
  kill(key: number): void {
    this.living.delete(key);
    for (const set of [this.loading, this.ending])
      for (const thread of set) if (thread.server === key) set.delete(thread);
    this.fleet.removeServer(key, this.nowMs);
    for (const call of this.running) if (call.thread!.server === key) this.finish(call);
  }

  drop(functionName: string): void {
    for (const ticket of this.fleet.drop(functionName)) this.#settle(ticket, "dropped");
  }

  promote(of: FunctionSpec): void {
    this.fleet.promote(of, this.nowMs);
    this.fleet.activate(of.pool, this.nowMs);
  }

  tick(ms = 1_000): void {
    this.nowMs += ms;
    this.fleet.tick(this.nowMs);
  }

  /** Lets time go on to the moment that the fleet asked to be woken at. */
  wake(): void {
    if (this.wakeDue === undefined) return;
    this.nowMs = Math.max(this.nowMs, this.wakeDue);
    this.wakeDue = undefined;
    this.fleet.resume(this.nowMs);
  }

  /** Lets every load succeed and every end come, until nothing is under way. */
  settle(): void {
    for (let round = 0; this.loading.size + this.ending.size > 0; round++) {
      assert(round < 1_000, "threads are started and ended without end");
      for (const thread of [...this.loading]) this.loaded(thread);
      for (const thread of [...this.ending]) this.ended(thread);
    }
  }

  /** A node with open servers `0 …` and these functions, each with its start threads. */
  static of(
    servers: number,
    functions: readonly FunctionSpec[],
    limits: Partial<ServerLimits> & { queue?: number; queueTimeoutMs?: number; clientShare?: number } = {},
  ): FleetWorld {
    const world = new FleetWorld(limits);
    for (const fn of functions) world.promote(fn);
    for (let key = 0; key < servers; key++) world.addServer(key, limits);
    for (let key = 0; key < servers; key++) world.open(key);
    world.settle();
    return world;
  }

  // --- what is ---

  threads(key: number, name?: string): Thread[] {
    const all = this.fleet.server(key)?.threads ?? [];
    return all
      .filter((thread): thread is Thread => thread !== undefined)
      .filter((t) => !name || t.pool === name);
  }

  idle(key: number, name?: string): number {
    return this.threads(key, name).filter((thread) => thread.state === "idle").length;
  }

  runningOf(name: string): Call[] {
    return [...this.running].filter((call) => call.functionName === name);
  }
}
