/**
 * Spare threads: those that are idle so that the next request need not wait for an isolate. They are started when a
 * request takes one, and when a slot is free; they retire when there are too many, and make room for one another.
 */
import type { ThreadEffects } from "./effects.ts";
import type { FunctionState, Functions } from "./functions.ts";
import type { Pool } from "./pool.ts";
import type { FairQueue } from "./queue.ts";
import type { Room } from "./room.ts";
import type { Server } from "./server.ts";
import type { Thread } from "./thread.ts";

/**
 * A surplus thread retires when its pool has had no request for this long, or when it was not used for
 * `SURPLUS_UNUSED_MS`. At rest that is looked at once a second, so it takes 0.8 to 1.8 s. Retiring at once makes
 * threads come and go with every wave of requests, and each creation costs a server 5 to 13 ms.
 */
export const SURPLUS_AGE_MS = 800;
const SURPLUS_UNUSED_MS = 10_000;

/** For spare threads (as opposed to a waiting request) only functions without a request for this long give way. */
export const SPARE_EVICTS_AFTER_MS = 10_000;

export class Spares {
  readonly #effects: ThreadEffects;
  readonly #functions: Functions;
  readonly #room: Room;
  readonly #queue: Pick<FairQueue<unknown>, "waiting">;

  constructor(
    effects: ThreadEffects,
    functions: Functions,
    room: Room,
    queue: Pick<FairQueue<unknown>, "waiting">,
  ) {
    this.#effects = effects;
    this.#functions = functions;
    this.#room = room;
    this.#queue = queue;
  }

  /** The start threads of active functions. Breadth first: every function has one thread before any has two. */
  startAll(server: Server): void {
    for (let round = 0; ; round++) {
      const wanting = [...this.#functions.active].filter(
        ({ spec }) => spec.threads.startThreads > Math.max(round, server.pool(spec)?.size ?? 0),
      );
      if (wanting.length === 0 || !server.hasFreeSlot) return;
      for (const fn of wanting) if (server.hasFreeSlot) this.#room.start(server, fn.spec, "spare");
    }
  }

  /**
   * Starts threads until the function has `min_spare_threads` idle or coming in the server. Only a request
   * may `evict` for that: at rest, threads stay where they are.
   */
  grow(server: Server, fn: FunctionState, nowMs: number, evict = false): void {
    let deficit = lacking(server, fn, nowMs);
    if (deficit === 0) return;
    for (; deficit > 0 && server.hasFreeSlot; deficit--) this.#room.start(server, fn.spec, "spare");
    if (deficit === 0) return;
    this.#effects.full(server);
    if (!evict) return;
    const quietSinceMs = nowMs - SPARE_EVICTS_AFTER_MS;
    const isExempt = (owner: FunctionState) => owner === fn || owner.lastRequestMs > quietSinceMs;
    for (deficit -= server.freeing; deficit > 0; deficit--) {
      const quiet = this.#room.coldest([server], isExempt, quietSinceMs)?.thread;
      const victim = quiet ?? this.#needless(server, fn, quietSinceMs);
      if (victim === undefined) return;
      this.#room.retire(server, victim);
    }
  }

  /**
   * In a full server spare threads are shared out: one gives way that nobody has needed for long, of a function
   * that has clearly more of them. Those of hot functions give way for hot ones only.
   */
  #needless(server: Server, fn: FunctionState, unusedSinceMs: number): Thread | undefined {
    const own = server.pool(fn.spec);
    // One of its own is with the request that asks.
    let most = (own ? own.idle + own.starting : 0) + 2;
    let needless: Thread | undefined;
    for (const pool of server.pools) {
      if (pool.idle <= most) continue;
      const isProtected = !fn.heat.isHot && this.#functions.get(pool.spec.pool)?.heat.isHot;
      const thread = isProtected ? undefined : pool.coldest();
      if (thread === undefined || thread.lastUsedMs > unusedSinceMs) continue;
      most = pool.idle;
      needless = thread;
    }
    return needless;
  }

  /** Gives free slots to functions that lack spare threads: to hot ones that lack most, then to the latest asked for. */
  fill(server: Server, nowMs: number): void {
    while (server.hasFreeSlot) {
      const fn = this.#hottestLacking(server, nowMs) ?? this.#latestLacking(server, nowMs);
      if (fn === undefined) return;
      this.grow(server, fn, nowMs);
    }
  }

  #hottestLacking(server: Server, nowMs: number): FunctionState | undefined {
    let first: FunctionState | undefined;
    let most = 0;
    for (const fn of this.#functions.hot) {
      const lacks = this.#functions.active.has(fn) ? lacking(server, fn, nowMs) : 0;
      if (lacks <= most) continue;
      most = lacks;
      first = fn;
    }
    return first;
  }

  /** Those that lack nothing have threads here, so there are few to be passed over. */
  #latestLacking(server: Server, nowMs: number): FunctionState | undefined {
    for (let fn = this.#functions.latest; fn; fn = fn.older) if (lacking(server, fn, nowMs) > 0) return fn;
    return undefined;
  }

  /** Retires threads of which there are too many. */
  trim(server: Server, pool: Pool, nowMs: number): void {
    // Started for requests that others have served meanwhile.
    if (this.#queue.waiting(pool.spec.pool) === 0)
      for (const thread of pool.superfluous) this.#room.retire(server, thread);
    const ageMs = nowMs - pool.lastTakenMs < SURPLUS_AGE_MS ? SURPLUS_UNUSED_MS : SURPLUS_AGE_MS;
    while (pool.surplus > 0) {
      const coldest = pool.coldest();
      if (coldest === undefined || nowMs - coldest.lastUsedMs < ageMs) return;
      this.#room.retire(server, coldest);
    }
  }
}

/** How many spare threads of the function are to be started in the server. */
function lacking(server: Server, fn: FunctionState, nowMs: number): number {
  if (nowMs < fn.noSparesBeforeMs) return 0;
  return server.pool(fn.spec)?.deficit ?? fn.spec.threads.minSpareThreads;
}
