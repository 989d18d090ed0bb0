/** How often something may happen for a key (an address, a caller) in a window of time, in bounded memory. */

interface Window {
  readonly endsMs: number;
  count: number;
}

interface RateLimitSettings {
  /** Per key and window. */
  readonly most: number;
  readonly windowMs: number;
  /** How many keys are remembered; the one whose window began first is forgotten for another. */
  readonly keys?: number;
}

const KEYS = 10_000;

export class RateLimit {
  readonly #settings: Required<RateLimitSettings>;
  /** Windows of one length, in the order they began: the first ends first. */
  readonly #windows = new Map<string, Window>();

  constructor(settings: RateLimitSettings) {
    this.#settings = { keys: KEYS, ...settings };
  }

  get size(): number {
    return this.#windows.size;
  }

  /** Counts one. Returns 0 if it may be, otherwise in how many milliseconds the next may. */
  take(key: string, nowMs: number): number {
    const window = this.#windowOf(key, nowMs);
    window.count++;
    return window.count > this.#settings.most ? Math.max(1, window.endsMs - nowMs) : 0;
  }

  #windowOf(key: string, nowMs: number): Window {
    const known = this.#windows.get(key);
    if (known && known.endsMs > nowMs) return known;
    this.#windows.delete(key);
    for (const [other, { endsMs }] of this.#windows) {
      if (endsMs > nowMs && this.#windows.size < this.#settings.keys) break;
      this.#windows.delete(other);
    }
    const window = { endsMs: nowMs + this.#settings.windowMs, count: 0 };
    this.#windows.set(key, window);
    return window;
  }
}
