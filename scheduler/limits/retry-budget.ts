/**
 * How many requests may run again: a share of all requests, and a few in any case. When servers die of what they are
 * asked, asking again makes it worse. Pure: time comes in.
 */

/** So many a minute are always allowed, and at once. */
const FLOOR = 100;
/** The most that are saved up. */
const MOST = 2_000;
const MINUTE_MS = 60_000;

export class RetryBudget {
  /** Of all requests, 0 to 1. 0 = nothing runs again. */
  share: number;
  #left = FLOOR;
  #filledMs = 0;

  constructor(share: number) {
    this.share = share;
  }

  /** A request has come. */
  earn(): void {
    if (this.#left < MOST) this.#left += this.share;
  }

  /** Takes one, if there is one. */
  take(nowMs: number): boolean {
    if (this.share === 0) return false;
    const earned = ((nowMs - this.#filledMs) / MINUTE_MS) * FLOOR;
    this.#filledMs = nowMs;
    this.#left = Math.max(this.#left, Math.min(FLOOR, this.#left + earned));
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
