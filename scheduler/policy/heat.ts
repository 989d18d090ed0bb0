/** How hot a function is: how much it is asked for. It changes slowly, because servers are replaced for its sake. */

/**
 * A function becomes hot with so many requests of late, and is no longer so below the other number. A resident
 * thread saves about 0.1 ms a request, the generation that makes it costs 0.1 to 0.5 s.
 */
const HOT = 2_000;
const COLD = 100;
/** Of the heat, what is left a second later. */
const COOLING = 0.97;

/** How much a function is asked for, and since when that has been much. */
export class Heat {
  #requests = 0;
  #hot = false;
  #hotSinceMs = Number.POSITIVE_INFINITY;

  count(): void {
    this.#requests++;
  }

  /** Once a second: what is long ago counts less. A function that is not `active` any more starts anew. */
  cool(active: boolean, nowMs: number): void {
    this.#requests *= COOLING;
    this.#hot = this.#requests >= HOT || (this.#hot && this.#requests >= COLD);
    if (this.#hot) this.#hotSinceMs = Math.min(this.#hotSinceMs, nowMs);
    else if (!active) this.#hotSinceMs = Number.POSITIVE_INFINITY;
  }

  get isHot(): boolean {
    return this.#hot;
  }

  /** Whether it is hot, or was since it last was inactive. */
  get wasHot(): boolean {
    return this.#hotSinceMs < Number.POSITIVE_INFINITY;
  }

  /**
   * For sorting: hot ones before those that were, and then those that have been so for longer. Not the hottest
   * first: that order changes all the time.
   */
  before(other: Heat): number {
    return Number(other.#hot) - Number(this.#hot) || this.#hotSinceMs - other.#hotSinceMs || 0;
  }
}
