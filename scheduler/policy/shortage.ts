/**
 * Which functions' waiting requests need threads that are not on their way, and how many: what free slots go to, and
 * what others make room for.
 */
import type { FunctionState } from "./functions.ts";

/**
 * Which threads the function has: none, so that nothing else will ever serve what waits; some; or hot ones that its requests
 * wait for, for which room is made only where it helps.
 */
export type Has = "none" | "some" | "hot";

interface Lack {
  readonly threads: number;
  readonly has: Has;
}

export class Shortage {
  /** The function whose turn it is first. */
  readonly #lacking = new Map<FunctionState, Lack>();
  #total = 0;
  #bare = 0;
  /** The most that one function lacks; undefined when it must be looked up. */
  #most: number | undefined = 0;

  get total(): number {
    return this.#total;
  }

  /**
   * For how many threads others are to make room. One for each function that has none, at once; more of those that have
   * some, only as many as one of them lacks: their requests are mostly served by the threads that they have, and each
   * thread that makes room is one that its own function will soon have made again.
   */
  get urgent(): number {
    if (this.#most === undefined) {
      this.#most = 0;
      for (const { threads, has } of this.#lacking.values())
        if (has !== "hot" && threads > this.#most) this.#most = threads;
    }
    return Math.max(this.#bare, this.#most);
  }

  of(fn: FunctionState): number {
    return this.#lacking.get(fn)?.threads ?? 0;
  }

  get functions(): Iterable<FunctionState> {
    return this.#lacking.keys();
  }

  /** @param served it has just got something, so others come first */
  set(fn: FunctionState, threads: number, has: Has, served = false): void {
    const before = this.#lacking.get(fn);
    if (before === undefined && threads === 0) return;
    this.#total += threads - (before?.threads ?? 0);
    this.#bare += Number(has === "none" && threads > 0) - Number(before?.has === "none");
    if (before?.threads === this.#most) this.#most = undefined;
    if (this.#most !== undefined && has !== "hot" && threads > this.#most) this.#most = threads;
    if (threads === 0 || served) this.#lacking.delete(fn);
    if (threads > 0) this.#lacking.set(fn, { threads, has });
  }

  /** No more than so many requests wait. */
  limit(fn: FunctionState, threads: number): void {
    const before = this.#lacking.get(fn);
    if (before && threads < before.threads) this.set(fn, threads, before.has);
  }

  clear(): void {
    this.#lacking.clear();
    this.#total = 0;
    this.#bare = 0;
    this.#most = 0;
  }
}
