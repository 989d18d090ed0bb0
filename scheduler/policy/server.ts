/**
 * The policy's view of one server process (one generation in a server slot): its thread slots, the pools
 * in it, and whether it takes requests.
 */
import type { Candidate } from "./balancer.ts";
import { Pool } from "./pool.ts";
import type { FunctionSpec, Thread } from "./thread.ts";

export interface ServerLimits {
  /** `max_threads_per_child`. */
  readonly maxThreads: number;
  /** `max_requests_per_child`; 0 = without end. */
  readonly maxRequests: number;
}

/** The next generation is started when this share of `max_requests_per_child` is used, to be ready in time. */
const RECYCLE_AHEAD = 0.8;

/** A server slot. Its generations share what may be in progress there while one replaces another. */
export interface Place {
  readonly index: number;
  /** Threads with a request, in all its generations. */
  busyThreads: number;
}

/** `warming` and `draining` servers take no requests. */
export type ServerStage = "warming" | "open" | "draining";

export class Server implements Candidate {
  readonly key: number;
  readonly limits: ServerLimits;
  readonly place: Place;
  stage: ServerStage = "warming";
  responsive = true;
  /** Requests in progress. */
  busy = 0;
  /** Threads with a request. */
  busyThreads = 0;
  /** Requests taken since it started. */
  requests = 0;
  size = 0;
  /** Threads that end now: their slots are about to be free. */
  freeing = 0;
  readonly #slots: (Thread | undefined)[];
  readonly #pools = new Map<string, Pool>();

  constructor(key: number, limits: ServerLimits, place: Place) {
    this.key = key;
    this.limits = limits;
    this.place = place;
    // One slot more than may serve: a new version proves itself there when the server is full.
    this.#slots = new Array(limits.maxThreads + 1).fill(undefined);
  }

  get #takesRequests(): boolean {
    const { maxRequests } = this.limits;
    return this.stage === "open" && (maxRequests === 0 || this.requests < maxRequests);
  }

  /**
   * Whether one more thread may become busy here. Earlier generations count: servers × threads is the
   * most that may be busy at once, also while one generation replaces another.
   */
  get takesThreads(): boolean {
    return this.#takesRequests && this.place.busyThreads < this.limits.maxThreads;
  }

  /** Whether a request of the pool's function may start here now. */
  hasRoom(pool: Pool): boolean {
    return this.#takesRequests && (this.takesThreads ? pool.hasRoom : pool.hasBusyRoom);
  }

  /** Takes a thread of the pool, which `hasRoom`, for a request. */
  take(pool: Pool): Thread {
    const thread = pool.take(!this.takesThreads)!;
    this.busy++;
    this.requests++;
    if (thread.inFlight === 1) {
      this.busyThreads++;
      this.place.busyThreads++;
    }
    return thread;
  }

  /** Gives a request's place in its thread back. */
  put(thread: Thread, nowMs: number): void {
    this.poolOf(thread).put(thread, nowMs);
    this.busy--;
    if (thread.inFlight > 0) return;
    this.busyThreads--;
    this.place.busyThreads--;
  }

  /** The count of requests at which this server wants a successor. */
  get recycleAt(): number {
    const { maxRequests } = this.limits;
    return maxRequests === 0 ? Number.POSITIVE_INFINITY : Math.ceil(maxRequests * RECYCLE_AHEAD);
  }

  get hasFreeSlot(): boolean {
    return this.size < this.limits.maxThreads;
  }

  get pools(): Iterable<Pool> {
    return this.#pools.values();
  }

  /** Threads on the way to serve. */
  get starting(): number {
    let starting = 0;
    for (const pool of this.#pools.values()) starting += pool.starting;
    return starting;
  }

  get threads(): readonly (Thread | undefined)[] {
    return this.#slots;
  }

  pool(spec: { name: string; version: string }): Pool | undefined {
    return this.#pools.get(`${spec.name}@${spec.version}`);
  }

  poolOf(thread: Thread): Pool {
    return this.#pools.get(`${thread.functionName}@${thread.version}`)!;
  }

  /** Puts a new, starting thread into the lowest free slot. `extra` allows the slot above the limit. */
  start(spec: FunctionSpec, extra = false): Thread | undefined {
    const slot = this.#slots.indexOf(undefined);
    if (slot < 0 || (!extra && !this.hasFreeSlot)) return undefined;
    const key = `${spec.name}@${spec.version}`;
    const pool = this.#pools.get(key) ?? new Pool(spec);
    this.#pools.set(key, pool);
    this.size++;
    const thread = pool.add(this.key, slot);
    this.#slots[slot] = thread;
    return thread;
  }

  /** Frees the slot of a thread that has ended. */
  remove(thread: Thread): void {
    this.#slots[thread.slot] = undefined;
    this.size--;
    const pool = this.poolOf(thread);
    if (pool.size === 0 && !this.#slots.some((other) => other && this.poolOf(other) === pool)) {
      this.#pools.delete(`${thread.functionName}@${thread.version}`);
    }
  }
}
