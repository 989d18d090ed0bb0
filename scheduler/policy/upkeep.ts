/**
 * What time brings about, once a second: requests have waited for too long, functions are asked for no more, idle
 * threads are too many. It repairs, too, what events have missed.
 */
import type { Server } from "./server.ts";
import type { Parts, Serving } from "./serving.ts";

export class Upkeep<T> {
  readonly #parts: Parts<T>;
  readonly #serving: Serving<T>;
  readonly #queueTimeoutMs: () => number;

  constructor(parts: Parts<T>, serving: Serving<T>, queueTimeoutMs: () => number) {
    this.#parts = parts;
    this.#serving = serving;
    this.#queueTimeoutMs = queueTimeoutMs;
  }

  tick(nowMs: number): void {
    const { functions, members, room, spares } = this.#parts;
    this.#refuseLate(nowMs);
    this.#keepInUse(nowMs);
    functions.cool(nowMs);
    for (const server of members.open) {
      this.#retireNeedless(server, nowMs);
      room.shed(server);
      spares.fill(server, nowMs);
    }
    this.#serving.touchAll();
    this.#serving.settle(nowMs);
  }

  #refuseLate(nowMs: number): void {
    const { effects, queue } = this.#parts;
    for (const ticket of queue.expire(nowMs, this.#queueTimeoutMs())) {
      effects.refuse(ticket, "timeout");
      this.#serving.left(ticket.pool);
    }
  }

  /** A request that takes long, or waits long, keeps its function active. */
  #keepInUse(nowMs: number): void {
    const { functions, members, queue } = this.#parts;
    const use = (pool: string) => {
      const fn = functions.get(pool);
      if (fn) functions.use(fn, nowMs);
    };
    for (const pool of queue.waitingFunctions()) use(pool);
    for (const server of members.open)
      for (const { busy, spec } of server.pools) if (busy > 0 && functions.isCurrent(spec)) use(spec.pool);
  }

  #retireNeedless(server: Server, nowMs: number): void {
    const { functions, room, spares } = this.#parts;
    for (const pool of server.pools) {
      if (!functions.isCurrent(pool.spec)) continue;
      if (functions.active.has(functions.get(pool.spec.pool)!)) spares.trim(server, pool, nowMs);
      else room.retireIdle(server, pool);
    }
  }
}
