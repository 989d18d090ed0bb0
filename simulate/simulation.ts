/**
 * Lets one policy serve all arrivals, in simulated time. It keeps its own books of what is in which thread, and stops
 * with an error where a policy breaks the law of the pool.
 */
import assert from "node:assert/strict";
import type { Effects } from "../scheduler/policy/fleet.ts";
import type { Ticket } from "../scheduler/policy/queue.ts";
import type { Thread } from "../scheduler/policy/thread.ts";
import type { Arrivals } from "./arrivals.ts";
import { Calendar } from "./calendar.ts";
import { type Figures, Level, memoryMb, spread } from "./figures.ts";
import type { MakePolicy, NodeSettings, Policy, Request } from "./policies/policy.ts";
import { Random } from "./random.ts";
import { SimulatedServer } from "./server.ts";

const TICK_MS = 1_000;
/** How often the supervisor reads the servers' load. */
const ADAPT_MS = 100;

/** What is known of a thread that exists. */
interface Isolate {
  readyMs: number;
  inFlight: number;
}

/** Runs all arrivals under the policy. The result depends on the arguments alone. */
export function simulate(make: MakePolicy, node: NodeSettings, arrivals: Arrivals, seed: number): Figures {
  return new Simulation(make, node, arrivals, seed).run();
}

class Simulation {
  readonly #node: NodeSettings;
  readonly #arrivals: Arrivals;
  readonly #calendar = new Calendar();
  readonly #servers: SimulatedServer[];
  readonly #policy: Policy;
  readonly #isolates = new Map<Thread, Isolate>();
  /** Threads that are loaded before time begins; afterwards undefined. */
  #early: Thread[] | undefined = [];
  #nowMs = 0;
  #wakes = false;

  readonly #waitMs: Float64Array;
  readonly #responseMs: Float64Array;
  readonly #threads = new Level();
  readonly #inProgress = new Level();
  readonly #refused = { full: 0, timeout: 0 };
  #served = 0;
  #coldStarts = 0;
  #loads = 0;

  constructor(make: MakePolicy, node: NodeSettings, arrivals: Arrivals, seed: number) {
    this.#node = node;
    this.#arrivals = arrivals;
    this.#waitMs = new Float64Array(arrivals.atMs.length);
    this.#responseMs = new Float64Array(arrivals.atMs.length).fill(Number.NaN);
    const random = new Random(seed, "isolates");
    const ports = {
      isAwaited: (thread: Thread) => this.#policy.queue.waiting(thread.pool) > 0,
      hasWaiting: () => this.#policy.queue.size > 0,
      made: (thread: Thread) => this.#made(thread),
      loaded: (thread: Thread) => this.#loaded(thread),
      ended: (thread: Thread) => this.#ended(thread),
      unstarted: (thread: Thread) => this.#policy.ended(thread, this.#nowMs),
    };
    this.#servers = Array.from(
      { length: node.servers },
      () => new SimulatedServer(this.#calendar, random, ports),
    );
    this.#policy = make(this.#effects(), node, arrivals.functions);
    this.#loadEarly();
  }

  /** What threads the node starts with is there when time begins. */
  #loadEarly(): void {
    for (const thread of this.#early!) {
      this.#made(thread);
      this.#loaded(thread);
    }
    this.#early = undefined;
    this.#loads = 0;
  }

  #effects(): Effects<Request> {
    return {
      load: (thread) => {
        if (this.#early) this.#early.push(thread);
        else this.#servers[thread.server]!.load(thread, this.#nowMs);
      },
      retire: (thread) => this.#servers[thread.server]!.end(thread, this.#nowMs),
      grant: (ticket, thread) => this.#start(ticket.request, thread),
      refuse: (_, why) => {
        assert(why !== "load-failed", "no load fails here");
        this.#refused[why]++;
      },
      full: () => {},
      due: () => {},
      wakeIn: (ms) => this.#wakeIn(ms),
    };
  }

  run(): Figures {
    const { atMs } = this.#arrivals;
    this.#every(TICK_MS, () => this.#policy.tick(this.#nowMs));
    if (this.#policy.adapt) this.#adaptAll();
    for (let next = 0; this.#isGoingOn; ) {
      if (next < atMs.length && atMs[next]! < this.#calendar.nextMs) {
        this.#nowMs = atMs[next]!;
        this.#arrive(next++);
      } else {
        this.#nowMs = this.#calendar.nextMs;
        this.#calendar.take()();
      }
    }
    return this.#figures();
  }

  get #isGoingOn(): boolean {
    return this.#served + this.#refused.full + this.#refused.timeout < this.#arrivals.atMs.length;
  }

  #every(ms: number, happen: () => void, atMs = ms): void {
    this.#calendar.at(atMs, () => {
      happen();
      this.#every(ms, happen, atMs + ms);
    });
  }

  #wakeIn(ms: number): void {
    if (this.#wakes) return;
    this.#wakes = true;
    this.#calendar.at(this.#nowMs + ms, () => {
      this.#wakes = false;
      this.#policy.resume(this.#nowMs);
    });
  }

  /** Tells the policy how busy each server was since the last time, as the supervisor does. */
  #adaptAll(): void {
    const before = this.#servers.map(() => ({ requests: 0, busyMs: 0 }));
    this.#every(ADAPT_MS, () => {
      for (const [key, { cpu, requests }] of this.#servers.entries()) {
        const last = before[key]!;
        const busyMs = cpu.busyMs(this.#nowMs) - last.busyMs;
        const taken = requests - last.requests;
        const load = { share: busyMs / ADAPT_MS, perRequestMs: busyMs / taken };
        this.#policy.adapt!(key, taken === 0 ? "idle" : load, this.#nowMs);
        before[key] = { requests, busyMs: cpu.busyMs(this.#nowMs) };
      }
    });
  }

  // --- requests ---

  #arrive(place: number): void {
    const functionName = this.#arrivals.functions[this.#arrivals.fn[place]!]!;
    const request: Request = { place };
    const thread = this.#policy.acquire(functionName, this.#nowMs);
    if (thread) return this.#start(request, thread);
    const ticket: Ticket<Request> = { pool: functionName, sinceMs: this.#nowMs, request };
    this.#policy.wait(ticket);
  }

  #start({ place }: Request, thread: Thread): void {
    const isolate = this.#isolates.get(thread);
    const server = this.#servers[thread.server]!;
    assert(isolate && isolate.readyMs <= this.#nowMs, "a request goes to a thread that is not ready");
    assert(++isolate.inFlight <= thread.concurrency, "too many requests in one thread");
    server.requests++;
    this.#inProgress.add(1, this.#nowMs);
    const arrivedMs = this.#arrivals.atMs[place]!;
    this.#waitMs[place] = this.#nowMs - arrivedMs;
    if (isolate.readyMs > arrivedMs) this.#coldStarts++;
    isolate.readyMs = Number.NEGATIVE_INFINITY; // from now on it is warm for everybody
    const cpuMs = this.#arrivals.cpuMs[place]!;
    const ioMs = this.#arrivals.ioMs[place]!;
    const finish = () => this.#finish(place, thread, isolate);
    if (ioMs === 0) return this.#calendar.at(server.cpu.run(this.#nowMs, cpuMs), finish);
    this.#calendar.at(server.cpu.run(this.#nowMs, cpuMs / 2) + ioMs, () =>
      this.#calendar.at(server.cpu.run(this.#nowMs, cpuMs / 2), finish),
    );
  }

  #finish(place: number, thread: Thread, isolate: Isolate): void {
    isolate.inFlight--;
    this.#served++;
    this.#inProgress.add(-1, this.#nowMs);
    this.#responseMs[place] = this.#nowMs - this.#arrivals.atMs[place]!;
    this.#policy.release(thread, this.#nowMs);
  }

  // --- threads ---

  #made(thread: Thread): void {
    this.#loads++;
    this.#isolates.set(thread, { readyMs: Number.POSITIVE_INFINITY, inFlight: 0 });
    this.#threads.add(1, this.#nowMs);
  }

  #loaded(thread: Thread): void {
    this.#isolates.get(thread)!.readyMs = this.#nowMs;
    this.#policy.loaded(thread, this.#nowMs);
  }

  #ended(thread: Thread): void {
    assert.equal(this.#isolates.get(thread)?.inFlight, 0, "a thread ends with a request in it");
    this.#isolates.delete(thread);
    this.#threads.add(-1, this.#nowMs);
    this.#policy.ended(thread, this.#nowMs);
  }

  // --- the result ---

  #figures(): Figures {
    const { servers, maxThreads, concurrency } = this.#node;
    const mostInProgress = this.#inProgress.peak;
    assert(
      mostInProgress <= servers * maxThreads * concurrency,
      "more requests in progress than the node's threads",
    );
    const lastedMs = this.#nowMs;
    const mean = this.#threads.mean(lastedMs);
    const { peak } = this.#threads;
    const isolatesMs = this.#servers.reduce((sum, server) => sum + server.isolatesMs, 0);
    const wasServed = (_: number, place: number) => !Number.isNaN(this.#responseMs[place]);
    return {
      requests: this.#arrivals.atMs.length,
      served: this.#served,
      refused: { ...this.#refused },
      coldStarts: this.#coldStarts,
      coldShare: this.#served > 0 ? this.#coldStarts / this.#served : 0,
      waitMs: spread(this.#waitMs.filter(wasServed)),
      responseMs: spread(this.#responseMs.filter(wasServed)),
      mostInProgress,
      threads: { mean, peak },
      memoryMb: { mean: memoryMb(servers, mean), peak: memoryMb(servers, peak) },
      loads: this.#loads,
      isolatesCpuShare: lastedMs > 0 ? isolatesMs / (lastedMs * servers) : 0,
      lastedMs,
    };
  }
}
