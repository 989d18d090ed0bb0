/**
 * How many lines each function may log: so many a second, and as many at once if it has been silent before. One
 * that prints more costs itself its lines, and nobody else a log that can be read. Pure: time comes in.
 */
export interface Excess {
  readonly functionName: string;
  readonly lines: number;
}

interface Bucket {
  /** Lines that may still be logged. */
  left: number;
  filledMs: number;
  dropped: number;
}

export class LineRate {
  /** Lines per second; 0 = no limit. */
  #perSecond: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  get perSecond(): number {
    return this.#perSecond;
  }

  /** From now on; what was dropped before is still to be told. */
  set perSecond(perSecond: number) {
    this.#perSecond = perSecond;
    for (const bucket of this.#buckets.values()) bucket.left = Math.min(bucket.left, perSecond);
  }

  /**
   * @param weight what a long line counts for; it may be more than is left, and then the next ones wait
   * @returns whether this line may be logged
   */
  take(functionName: string, nowMs: number, weight = 1): boolean {
    if (this.#perSecond === 0) return true;
    let bucket = this.#buckets.get(functionName);
    if (bucket === undefined) {
      bucket = { left: this.#perSecond, filledMs: nowMs, dropped: 0 };
      this.#buckets.set(functionName, bucket);
    }
    const earned = ((nowMs - bucket.filledMs) / 1000) * this.#perSecond;
    bucket.left = Math.min(this.#perSecond, bucket.left + earned);
    bucket.filledMs = nowMs;
    if (bucket.left >= 1) {
      bucket.left -= weight;
      return true;
    }
    bucket.dropped++;
    return false;
  }

  /** What was dropped since the last call. */
  takeExcess(): Excess[] {
    const excess: Excess[] = [];
    for (const [functionName, bucket] of this.#buckets) {
      if (bucket.dropped > 0) excess.push({ functionName, lines: bucket.dropped });
      bucket.dropped = 0;
    }
    return excess;
  }
}
