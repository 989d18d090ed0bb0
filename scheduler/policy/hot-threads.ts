/**
 * How many threads of a function may be hot in a server: few while its CPU is saturated, so that requests are served
 * sooner by waiting for one of them than by one more isolate.
 */
import type { Pool } from "./pool.ts";
import type { Thread } from "./thread.ts";

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

export class HotThreads {
  #threads = Number.POSITIVE_INFINITY;
  #quickMs = QUICK_FROM_MS;

  /** Whether requests may wait for hot threads. */
  get isSaturated(): boolean {
    return this.#threads < Number.POSITIVE_INFINITY;
  }

  /**
   * Whether a request had better wait for one of the pool's hot threads, although another is idle. In a server that is
   * saturated by requests of which some compute for long, it had better wait for any server to be done with one: what
   * is in a server waits for all that is there.
   * @param done requests that the server has done so far
   */
  holds(pool: Pool, nowMs: number, done: number): boolean {
    const fewest = this.#threads <= FEWEST_HOT && !pool.isSteady(this.#quickMs);
    return pool.isHot(fewest ? 1 : this.#threads, this.#quickMs, nowMs, done);
  }

  /** A thread of the pool, which is held, that takes a request ahead of its turn. */
  nextAhead(pool: Pool, nowMs: number, done: number): Thread | undefined {
    return pool.nextAhead(this.#threads, this.#quickMs, nowMs, done);
  }

  /**
   * Takes note of how much the process has to do, and sets how many threads of a function may be hot: as few
   * as keep it occupied. While its CPU has time to spare, requests that wait gain nothing by it; nor does what comes
   * after a rest.
   * @param most threads that the server may have
   */
  adapt(load: ServerLoad | "idle", most: number): void {
    if (load === "idle") {
      this.#threads = Number.POSITIVE_INFINITY;
      return;
    }
    const { share, perRequestMs } = load;
    const together = perRequestMs * FEWEST_HOT;
    this.#quickMs = Math.min(Math.max(together * QUICK_TIMES, QUICK_FROM_MS), QUICK_TO_MS);
    if (share >= SATURATED)
      this.#threads = Math.max(FEWEST_HOT, Math.floor(Math.min(this.#threads, most) / 2));
    else if (share < SPARE_TIME) {
      const more = this.#threads * 2;
      this.#threads = more < most ? more : Number.POSITIVE_INFINITY;
    }
  }
}
