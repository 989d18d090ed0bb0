/**
 * The policy's view of one server process (one generation in a server slot): its thread slots, the pools
 * in it, and whether it takes requests.
 */
import type { Candidate } from "./balancer.ts";
import { Pool } from "./pool.ts";
import type { FunctionSpec, Thread, ThreadKind } from "./thread.ts";

export interface ServerLimits {
  /** `max_threads_per_child`. */
  readonly maxThreads: number;
  /** `max_requests_per_child`; 0 = without end. */
  readonly maxRequests: number;
  /** It may take more, until its successor is there. */
  readonly lenient?: boolean;
}

/** The next generation is started when this share of `max_requests_per_child` is used, to be ready in time. */
const RECYCLE_AHEAD = 0.8;

/** A server slot. Its generations share what may be in progress there while one replaces another. */
export interface Place {
  readonly index: number;
  /** Threads with a request, in all its generations. */
  busyThreads: number;
}

/** Threads that a saturated server keeps hot; with `MOST_AHEAD` requests on the way to each it is never without. */
const FEWEST_HOT = 2;
const SATURATED = 0.6;
const SPARE_TIME = 0.4;

/** A request is quick that takes at most so many times the CPU time of all that share the CPU with it. */
const QUICK_TIMES = 6;
/** Bounds of what is quick, in ms: clocks and event loops are no finer; a person would notice. */
const QUICK_FROM_MS = 2;
const QUICK_TO_MS = 50;

/** How busy a server's process was since the last look. */
export interface ServerLoad {
  /** Share of the time in which its main thread ran or was waiting to run. */
  readonly share: number;
  /** That time for each request, in ms. */
  readonly perRequestMs: number;
}

/** `warming` and `draining` servers take no requests. */
export type ServerStage = "warming" | "open" | "draining";

export class Server implements Candidate {
  readonly key: number;
  readonly limits: ServerLimits;
  readonly place: Place;
  readonly sinceMs: number;
  stage: ServerStage = "warming";
  responsive = true;
  /** Requests in progress. */
  busy = 0;
  /** Threads with a request. */
  busyThreads = 0;
  /** Requests taken since it started. */
  requests = 0;
  /** Requests that are over. */
  #done = 0;
  size = 0;
  /** Threads that end now: their slots are about to be free. */
  freeing = 0;
  #hotThreads = Number.POSITIVE_INFINITY;
  #quickMs = QUICK_FROM_MS;
  readonly #slots: (Thread | undefined)[];
  /** By function; more than one while a version replaces another. */
  readonly #pools = new Map<string, Pool[]>();
  #allPools: readonly Pool[] | undefined;

  constructor(key: number, limits: ServerLimits, place: Place, nowMs = 0) {
    this.key = key;
    this.limits = limits;
    this.place = place;
    this.sinceMs = nowMs;
    // One slot more than may serve: a new version proves itself there when the server is full.
    this.#slots = new Array(limits.maxThreads + 1).fill(undefined);
  }

  /** Whether it has taken all the requests that it may. */
  get isSpent(): boolean {
    const { maxRequests, lenient } = this.limits;
    return maxRequests > 0 && !lenient && this.requests >= maxRequests;
  }

  get #takesRequests(): boolean {
    return this.stage === "open" && !this.isSpent;
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

  /**
   * Whether a request had better wait for one of the pool's hot threads, although another is idle. In a server that is
   * saturated by requests of which some compute for long, it had better wait for any server to be done with one: what
   * is in a server waits for all that is there.
   */
  holds(pool: Pool, nowMs: number): boolean {
    const fewest = this.#hotThreads <= FEWEST_HOT && !pool.isSteady(this.#quickMs);
    return pool.isHot(fewest ? 1 : this.#hotThreads, this.#quickMs, nowMs, this.#done);
  }

  /**
   * Takes note of how much the process has to do, and sets how many threads of a function may be hot: as few
   * as keep it occupied. While its CPU has time to spare, requests that wait gain nothing by it; nor does what comes
   * after a rest.
   */
  adapt(load: ServerLoad | "idle"): void {
    if (load === "idle") {
      this.#hotThreads = Number.POSITIVE_INFINITY;
      return;
    }
    const { share, perRequestMs } = load;
    const together = perRequestMs * FEWEST_HOT;
    this.#quickMs = Math.min(Math.max(together * QUICK_TIMES, QUICK_FROM_MS), QUICK_TO_MS);
    if (share >= SATURATED) {
      this.#hotThreads = Math.max(
        FEWEST_HOT,
        Math.floor(Math.min(this.#hotThreads, this.limits.maxThreads) / 2),
      );
    } else if (share < SPARE_TIME) {
      const more = this.#hotThreads * 2;
      this.#hotThreads = more < this.limits.maxThreads ? more : Number.POSITIVE_INFINITY;
    }
  }

  /** Takes a thread of the pool, which `hasRoom`, for a request. */
  take(pool: Pool, nowMs: number, repeatable = false): Thread {
    const thread = pool.take(nowMs, this.#done, !this.takesThreads)!;
    thread.repeatable = repeatable;
    this.busy++;
    this.requests++;
    if (thread.inFlight === 1) {
      this.busyThreads++;
      this.place.busyThreads++;
    }
    return thread;
  }

  /** A thread of the pool, which is held, that takes a request ahead of its turn. */
  nextAhead(pool: Pool, nowMs: number): Thread | undefined {
    return pool.nextAhead(this.#hotThreads, this.#quickMs, nowMs, this.#done);
  }

  sendAhead(thread: Thread): void {
    thread.ahead++;
    thread.requests++;
    this.requests++;
  }

  /** Gives a request's place in its thread back, to what was sent ahead if there is any. */
  put(thread: Thread, nowMs: number, answered = true): void {
    this.#done++;
    if (thread.ahead > 0) return this.poolOf(thread).handOver(thread, nowMs, this.#done, answered);
    this.poolOf(thread).put(thread, nowMs, answered);
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

  /** As it is now: pools that come and go later do not change the list. */
  get pools(): readonly Pool[] {
    this.#allPools ??= [...this.#pools.values()].flat();
    return this.#allPools;
  }

  /** Threads on the way to serve. */
  get starting(): number {
    let starting = 0;
    for (const pool of this.pools) starting += pool.starting;
    return starting;
  }

  get threads(): readonly (Thread | undefined)[] {
    return this.#slots;
  }

  /** The threads that it was born with; they keep their slots for as long as it lives. */
  get residents(): Thread[] {
    return this.#slots.filter((thread): thread is Thread => thread?.kind === "resident");
  }

  pool(spec: { name: string; version: string }): Pool | undefined {
    return this.#find(spec.name, spec.version);
  }

  /** Whether there is a pool of any version of the function. */
  hosts(functionName: string): boolean {
    return this.#pools.has(functionName);
  }

  poolOf(thread: Thread): Pool {
    return this.#find(thread.functionName, thread.version)!;
  }

  #find(name: string, version: string): Pool | undefined {
    const pools = this.#pools.get(name);
    if (pools !== undefined) for (const pool of pools) if (pool.spec.version === version) return pool;
    return undefined;
  }

  /** Puts a new, starting thread into the lowest free slot. `extra` allows the slot above the limit. */
  start(spec: FunctionSpec, extra = false): Thread | undefined {
    const slot = this.#slots.indexOf(undefined);
    if (slot < 0 || (!extra && !this.hasFreeSlot)) return undefined;
    return this.#add(spec, slot, "loaded");
  }

  /** A thread that the process was started with, ready to serve. */
  adopt(spec: FunctionSpec, slot: number, nowMs: number): void {
    const thread = this.#add(spec, slot, "resident");
    this.poolOf(thread).ready(thread, nowMs);
  }

  #add(spec: FunctionSpec, slot: number, kind: ThreadKind): Thread {
    const thread = (this.pool(spec) ?? this.#addPool(spec)).add(this.key, slot, kind);
    this.size++;
    this.#slots[slot] = thread;
    return thread;
  }

  #addPool(spec: FunctionSpec): Pool {
    const pool = new Pool(spec);
    this.#allPools = undefined;
    this.#pools.set(spec.name, [...(this.#pools.get(spec.name) ?? []), pool]);
    return pool;
  }

  /** Frees the slot of a thread that has ended. */
  remove(thread: Thread): void {
    this.#slots[thread.slot] = undefined;
    this.size--;
    const pool = this.poolOf(thread);
    if (pool.size > 0 || this.#slots.some((other) => other && this.poolOf(other) === pool)) return;
    this.#allPools = undefined;
    const others = this.#pools.get(thread.functionName)!.filter((other) => other !== pool);
    if (others.length > 0) this.#pools.set(thread.functionName, others);
    else this.#pools.delete(thread.functionName);
  }
}
