/**
 * A pool: the threads of one function version in one server. A thread's state is the set it is in:
 * what cannot take a request is not in `available`, so it cannot be chosen.
 *
 * `available` is a stack. The thread used last is taken first, so that hot isolates stay hot and the
 * cold ones at the bottom can retire. With `concurrency` above 1 a thread stays on the stack until it
 * is full: all isolates of a server share one CPU, so packing requests into few of them costs nothing.
 */
import type { Departure } from "./thread.ts";
import { type FunctionSpec, Thread, type ThreadKind } from "./thread.ts";

/** What the quickest request of a function took is remembered for one to two times as long. */
const MEMORY_MS = 5_000;

/**
 * For so long a request of a quick function is expected to be done at once: longer than a server stands still
 * for a collection or for isolates that are made, or else each such pause would call for more of them.
 */
export const HELD_MS = 100;

/** How many requests may be sent ahead to a thread: enough for a server to find work whenever it looks. */
const MOST_AHEAD = 7;

/** What the latest request counts for in what requests usually take. */
const LATEST = 1 / 64;

/** A request that so many others, for each hot thread, have overtaken waits for something else than the CPU. */
const OVERTAKEN = 6;

/** Whether the request in a thread should be done at once. */
function isQuick({ startedMs, doneBefore }: Thread, limit: number, nowMs: number, done: number): boolean {
  return nowMs - startedMs < HELD_MS && done - doneBefore < OVERTAKEN * limit;
}

export class Pool {
  readonly spec: FunctionSpec;
  readonly #available: Thread[] = [];
  /** Available resident threads: taken before others, because they cost their server less. */
  readonly #resident: Thread[] = [];
  readonly #serving = new Set<Thread>();
  /** When one of its threads last took a request. */
  lastTakenMs = Number.NEGATIVE_INFINITY;
  /** The quickest request of this stretch of time and of the one before; a crowd only makes them look slower. */
  #quickestMs = Number.POSITIVE_INFINITY;
  #quickestBeforeMs = Number.POSITIVE_INFINITY;
  #stretchFromMs = 0;
  /** What requests took of late, the latest counting most. */
  #usualMs = 0;
  #idle = 0;
  #busy = 0;
  #retiring = 0;
  readonly #starting = new Set<Thread>();

  constructor(spec: FunctionSpec) {
    this.spec = spec;
  }

  /** Threads without a request. */
  get idle(): number {
    return this.#idle;
  }

  /** Threads with at least one request. */
  get busy(): number {
    return this.#busy;
  }

  get starting(): number {
    return this.#starting.size;
  }

  get size(): number {
    return this.#idle + this.#busy + this.#starting.size;
  }

  /** Whether no thread is left, not even one that retires. */
  get isGone(): boolean {
    return this.size + this.#retiring === 0;
  }

  get hasRoom(): boolean {
    return this.#available.length + this.#resident.length > 0;
  }

  /** Whether a thread that is busy already has room for one more request. */
  get hasBusyRoom(): boolean {
    const busy = (thread: Thread) => thread.inFlight > 0;
    return this.#resident.some(busy) || this.#available.some(busy);
  }

  /** How many threads must be started to have `min_spare_threads` idle. */
  get deficit(): number {
    return Math.max(0, this.spec.threads.minSpareThreads - this.#idle - this.#starting.size);
  }

  /** How many idle threads there are above `max_spare_threads`. */
  get surplus(): number {
    return Math.max(0, this.#idle - this.spec.threads.maxSpareThreads);
  }

  add(server: number, slot: number, kind: ThreadKind, isUrgent = false): Thread {
    const thread = new Thread(server, slot, this.spec, kind, isUrgent);
    this.#starting.add(thread);
    return thread;
  }

  ready(thread: Thread, nowMs: number): void {
    thread.become("idle");
    thread.lastUsedMs = nowMs;
    this.#starting.delete(thread);
    this.#idle++;
    // To the bottom: those that have served are warmer than one that never has.
    this.#stack(thread).unshift(thread);
  }

  #stack({ kind }: Thread): Thread[] {
    return kind === "resident" ? this.#resident : this.#available;
  }

  /**
   * Takes the most recently used thread with room for a request; of the busy ones only, if so asked.
   * @param doneBefore requests that the server has done so far
   */
  take(nowMs: number, doneBefore = 0, busyOnly = false): Thread | undefined {
    const place = (threads: Thread[]) =>
      busyOnly ? threads.findLastIndex((thread) => thread.inFlight > 0) : threads.length - 1;
    const thread = this.#resident[place(this.#resident)] ?? this.#available[place(this.#available)];
    if (thread === undefined) return undefined;
    if (thread.inFlight++ === 0) {
      thread.become("busy");
      this.#idle--;
      this.#busy++;
      this.#serving.add(thread);
    }
    this.lastTakenMs = nowMs;
    thread.startedMs = nowMs;
    thread.doneBefore = doneBefore;
    thread.requests++;
    if (thread.inFlight === thread.concurrency) this.#remove(thread);
    return thread;
  }

  /**
   * Gives a request's place back. A retiring thread is only counted down.
   * @param answered whether it is known by now how long such a request takes
   */
  put(thread: Thread, nowMs: number, answered = true): void {
    thread.lastUsedMs = nowMs;
    if (answered) this.#learn(nowMs - thread.startedMs, nowMs);
    if (thread.state === "retiring") {
      thread.inFlight--;
      return;
    }
    if (thread.inFlight === thread.concurrency) this.#stack(thread).push(thread);
    if (--thread.inFlight === 0) {
      thread.become("idle");
      this.#idle++;
      this.#busy--;
      this.#serving.delete(thread);
    }
  }

  /**
   * Whether `limit` threads are with requests that should be done at once, so that another request is served
   * sooner by waiting for one of them than by one more isolate: all isolates of a server share one CPU, and
   * each hot one more costs cache. Threads whose request has taken long, or was overtaken, wait for something
   * else, and do not count; nor is a function held whose requests are never quick.
   * @param quickMs requests that all take longer wait for I/O, or compute so long that the cost of their
   *   isolates does not count
   * @param done requests that the server has done so far
   */
  isHot(limit: number, quickMs: number, nowMs: number, done: number): boolean {
    if (this.#busy < limit || this.spec.threads.concurrency > 1) return false;
    if (Math.min(this.#quickestMs, this.#quickestBeforeMs) >= quickMs) return false;
    let quick = 0;
    for (const thread of this.#serving) if (isQuick(thread, limit, nowMs, done)) quick++;
    return quick >= limit;
  }

  /** Whether requests usually take no longer than a quick one. */
  isSteady(quickMs: number): boolean {
    return this.#usualMs < quickMs;
  }

  /**
   * The thread with the fewest requests sent ahead that takes another, while the pool is held. Not where
   * requests are not steady: then a thread may be long in coming to what was sent ahead.
   */
  nextAhead(limit: number, quickMs: number, nowMs: number, done: number): Thread | undefined {
    if (!this.isSteady(quickMs)) return undefined;
    let best: Thread | undefined;
    for (const thread of this.#serving) {
      const takes = isQuick(thread, limit, nowMs, done);
      if (takes && thread.ahead < (best?.ahead ?? MOST_AHEAD)) best = thread;
    }
    return best;
  }

  /** The request in the thread is done, and the next of those that were sent ahead has begun; or one of these is back. */
  handOver(thread: Thread, nowMs: number, doneBefore: number, how: Departure): void {
    thread.ahead--;
    if (how === "returned") return;
    if (how === "answered") this.#learn(nowMs - thread.startedMs, nowMs);
    thread.lastUsedMs = nowMs;
    this.lastTakenMs = nowMs;
    thread.startedMs = nowMs;
    thread.doneBefore = doneBefore;
  }

  #learn(tookMs: number, nowMs: number): void {
    this.#usualMs += (tookMs - this.#usualMs) * LATEST;
    if (nowMs - this.#stretchFromMs >= MEMORY_MS) {
      this.#quickestBeforeMs = this.#quickestMs;
      this.#quickestMs = Number.POSITIVE_INFINITY;
      this.#stretchFromMs = nowMs;
    }
    if (tookMs < this.#quickestMs) this.#quickestMs = tookMs;
  }

  /** Threads that start and would make more than `max_spare_threads` idle; the latest, which have not begun yet, first. */
  get superfluous(): Thread[] {
    const count = this.#idle + this.#starting.size - this.spec.threads.maxSpareThreads;
    return count > 0 ? [...this.#starting].reverse().slice(0, count) : [];
  }

  #remove(thread: Thread): void {
    const stack = this.#stack(thread);
    const place = stack.lastIndexOf(thread);
    if (place >= 0) stack.splice(place, 1);
  }

  /** Of the idle threads that can end alone, the one that was used least recently. */
  coldest(): Thread | undefined {
    return this.#available.find((thread) => thread.inFlight === 0);
  }

  /** Takes the thread out of every set; requests in it go on. */
  retire(thread: Thread): void {
    this.#remove(thread);
    if (thread.state === "idle") this.#idle--;
    else if (thread.state === "starting") this.#starting.delete(thread);
    else if (thread.state === "busy") {
      this.#busy--;
      this.#serving.delete(thread);
    }
    thread.become("retiring");
    this.#retiring++;
  }

  /** A thread that has retired is no more. */
  remove(): void {
    this.#retiring--;
  }
}
