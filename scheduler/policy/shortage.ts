/**
 * Which functions' waiting requests need threads that are not on their way, and how many: what free slots go to, and
 * what others make room for. A slot that is about to be free is counted once, against the sum of all.
 */
import type { FunctionState } from "./functions.ts";

export class Shortage {
  /** The function whose turn it is first. */
  readonly #lacking = new Map<FunctionState, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  of(fn: FunctionState): number {
    return this.#lacking.get(fn) ?? 0;
  }

  get functions(): Iterable<FunctionState> {
    return this.#lacking.keys();
  }

  /** Whose turn it is. */
  get first(): FunctionState | undefined {
    for (const fn of this.#lacking.keys()) return fn;
    return undefined;
  }

  /** @param served it has just got something, so others come first */
  set(fn: FunctionState, threads: number, served = false): void {
    const before = this.#lacking.get(fn);
    if (before === undefined && threads === 0) return;
    this.#total += threads - (before ?? 0);
    if (threads === 0 || served) this.#lacking.delete(fn);
    if (threads > 0) this.#lacking.set(fn, threads);
  }

  clear(): void {
    this.#lacking.clear();
    this.#total = 0;
  }
}
