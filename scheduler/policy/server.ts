/**
 * The policy's view of one server process (one generation in a server slot): its thread slots, the pools
 * in it, and whether it takes requests.
 */
import type { Startable } from "./balancer.ts";
import { HotThreads, type ServerLoad } from "./hot-threads.ts";
import { Pool } from "./pool.ts";
import type { Departure, FunctionSpec, Identity, Thread, ThreadKind } from "./thread.ts";

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
export interface ServerSlot {
  readonly index: number;
  /** Threads with a request, in all its generations. */
  busyThreads: number;
}

/**
 * Why a thread is started: as a spare one, for a request that waits, or beside the others: it may take the slot above
 * the limit.
 */
export type StartReason = "spare" | "urgent" | "extra";

/** `warming` and `draining` servers take no requests. */
export type ServerStage = "warming" | "open" | "draining";

export class Server implements Startable {
  readonly key: number;
  readonly limits: ServerLimits;
  readonly slot: ServerSlot;
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
  /** Those of which it has given a response, or given back the request: it was alive then. */
  answers = 0;
  size = 0;
  /** Threads that retire without a request: their slots are about to be free. */
  freeing = 0;
  /** Threads on the way to requests that wait. They are made before spare ones. */
  urgent = 0;
  readonly #hot = new HotThreads();
  readonly #slots: (Thread | undefined)[];
  /** By function; more than one while a version replaces another. */
  readonly #pools = new Map<string, Pool[]>();
  #allPools: readonly Pool[] = [];
  readonly #idle = new Set<Thread>();
  readonly #starting = new Set<Thread>();

  constructor(key: number, limits: ServerLimits, slot: ServerSlot, nowMs = 0) {
    this.key = key;
    this.limits = limits;
    this.slot = slot;
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
    return this.#takesRequests && !this.isFull;
  }

  /** Whether as many threads are busy in the server slot as may be. */
  get isFull(): boolean {
    return this.slot.busyThreads >= this.limits.maxThreads;
  }

  /** Whether a request of the pool's function may start here now. */
  hasRoom(pool: Pool, busyOnly = false): boolean {
    return this.#takesRequests && (this.takesThreads && !busyOnly ? pool.hasRoom : pool.hasBusyRoom);
  }

  /** Whether a request had better wait for one of the pool's hot threads, although another is idle. */
  holds(pool: Pool, nowMs: number): boolean {
    return this.#hot.holds(pool, nowMs, this.#done);
  }

  /** Whether requests may wait for hot threads here. */
  get isSaturated(): boolean {
    return this.#hot.isSaturated;
  }

  /** Takes note of how much the process had to do lately. */
  adapt(load: ServerLoad | "idle"): void {
    this.#hot.adapt(load, this.limits.maxThreads);
  }

  /** Takes a thread of the pool, which `hasRoom`, for a request. */
  take(pool: Pool, nowMs: number, busyOnly = false): Thread {
    const thread = pool.take(nowMs, this.#done, busyOnly || !this.takesThreads)!;
    this.busy++;
    this.requests++;
    if (thread.inFlight === 1) {
      this.#idle.delete(thread);
      this.busyThreads++;
      this.slot.busyThreads++;
    }
    return thread;
  }

  /** A thread of the pool, which is held, that takes a request ahead of its turn. */
  nextAhead(pool: Pool, nowMs: number): Thread | undefined {
    return this.#hot.nextAhead(pool, nowMs, this.#done);
  }

  sendAhead(thread: Thread): void {
    thread.ahead++;
    thread.requests++;
    this.requests++;
  }

  /** Gives a request's place in its thread back, to what was sent ahead if there is any. */
  put(thread: Thread, nowMs: number, how: Departure = "answered"): void {
    this.#done++;
    if (how !== "unanswered") this.answers++;
    if (thread.ahead > 0) return this.poolOf(thread).handOver(thread, nowMs, this.#done, how);
    this.poolOf(thread).put(thread, nowMs, how === "answered");
    this.busy--;
    if (thread.inFlight > 0) return;
    this.busyThreads--;
    this.slot.busyThreads--;
    this.#rest(thread);
  }

  #rest(thread: Thread): void {
    if (thread.state === "idle" && thread.kind === "loaded") this.#idle.add(thread);
  }

  /** How many threads are on the way to serve. */
  get starting(): number {
    return this.#starting.size;
  }

  /** Those, the latest last. */
  get startingThreads(): Iterable<Thread> {
    return this.#starting;
  }

  /** Idle threads that can end alone, the one used least recently first. */
  get idleThreads(): Iterable<Thread> {
    return this.#idle;
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
    return this.#allPools;
  }

  get threads(): readonly (Thread | undefined)[] {
    return this.#slots;
  }

  /** The threads that it was born with; they keep their slots for as long as it lives. */
  get residents(): Thread[] {
    return this.#slots.filter((thread): thread is Thread => thread?.kind === "resident");
  }

  pool(spec: Identity): Pool | undefined {
    const pools = this.#pools.get(spec.pool);
    if (pools !== undefined) for (const pool of pools) if (pool.spec.revision === spec.revision) return pool;
    return undefined;
  }

  /** Whether there is a pool of any version of the function. */
  hosts(pool: string): boolean {
    return this.#pools.has(pool);
  }

  /** Threads of any version of the function with a request; not those that retire. */
  busyThreadsOf(pool: string): number {
    let busy = 0;
    for (const each of this.#pools.get(pool) ?? []) busy += each.busy;
    return busy;
  }

  poolOf(thread: Thread): Pool {
    return this.pool(thread)!;
  }

  /**
   * Puts a new, starting thread into the lowest free slot.
   */
  start(spec: FunctionSpec, why: StartReason): Thread | undefined {
    const slot = this.#slots.indexOf(undefined);
    if (slot < 0 || (why !== "extra" && !this.hasFreeSlot)) return undefined;
    return this.#add(spec, slot, "loaded", why === "urgent");
  }

  /** A thread that the process was started with, ready to serve. */
  adopt(spec: FunctionSpec, slot: number, nowMs: number): void {
    this.ready(this.#add(spec, slot, "resident"), nowMs);
  }

  /** The thread's isolate has been made. */
  ready(thread: Thread, nowMs: number): void {
    this.#started(thread);
    this.poolOf(thread).ready(thread, nowMs);
    this.#rest(thread);
  }

  #started(thread: Thread): void {
    this.#starting.delete(thread);
    if (thread.isUrgent) this.urgent--;
  }

  /** Takes the thread out of service; requests in it go on. */
  retire(thread: Thread): void {
    if (thread.state === "starting") this.#started(thread);
    this.#idle.delete(thread);
    this.poolOf(thread).retire(thread);
  }

  #add(spec: FunctionSpec, slot: number, kind: ThreadKind, isUrgent = false): Thread {
    const thread = (this.pool(spec) ?? this.#addPool(spec)).add(this.key, slot, kind, isUrgent);
    this.size++;
    if (isUrgent) this.urgent++;
    this.#starting.add(thread);
    this.#slots[slot] = thread;
    return thread;
  }

  #addPool(spec: FunctionSpec): Pool {
    const pool = new Pool(spec);
    this.#allPools = [...this.#allPools, pool];
    this.#pools.set(spec.pool, [...(this.#pools.get(spec.pool) ?? []), pool]);
    return pool;
  }

  /** Frees the slot of a thread that has retired and ended. */
  remove(thread: Thread): void {
    this.#slots[thread.slot] = undefined;
    this.size--;
    const pool = this.poolOf(thread);
    pool.remove();
    if (!pool.isGone) return;
    this.#allPools = this.#allPools.filter((other) => other !== pool);
    const others = this.#pools.get(thread.pool)!.filter((other) => other !== pool);
    if (others.length > 0) this.#pools.set(thread.pool, others);
    else this.#pools.delete(thread.pool);
  }
}
