/**
 * A canary: a new version that gets a part of a function's requests, and the comparison that decides whether it
 * gets all of them. Pure: time, chance and what happens come in as arguments.
 */

/** The fleet knows the new version's threads as a function of their own; `@` stands in no function's name. */
export function canaryPool(functionName: string): string {
  return `${functionName}@canary`;
}

export interface CanarySettings {
  /** The part of the requests that the new version gets: 1 to 99. */
  readonly percent: number;
  /** How long the two are compared. */
  readonly windowMs: number;
  /** A client with this header or cookie gets the same version each time. */
  readonly sticky?: { readonly from: "header" | "cookie"; readonly name: string };
}

/** What is known of one of the two versions. */
export interface SideStatus {
  readonly requests: number;
  readonly errors: number;
  readonly errorRate: number;
  /** Undefined without requests. */
  readonly p99Ms?: number;
}

/** What `status` tells of a canary. */
export interface CanaryStatus {
  readonly version: string;
  readonly percent: number;
  /** Until it is decided at the earliest. */
  readonly secondsLeft: number;
  readonly old: SideStatus;
  readonly new: SideStatus;
}

export interface Verdict {
  readonly decision: "promote" | "rollback";
  readonly reason: string;
}

/** Fewer requests tell nothing. */
const FEWEST_REQUESTS = 20;
/** Of fewer there is no 99th percentile to speak of. */
const FEWEST_FOR_P99 = 100;
/** A version is as good as the other if its error rate is higher by no more than this, … */
const RATE_MARGIN = 0.01;
/** … give or take so many standard deviations of what that many requests would show by chance … */
const DEVIATIONS = 3;
/** … and its p99 is longer by no more than this factor, or by these milliseconds. */
const P99_FACTOR = 1.5;
const P99_MARGIN_MS = 20;

/** Durations in buckets that grow by 5 %: enough to compare, however many there are. */
class Side {
  requests = 0;
  errors = 0;
  readonly #buckets = new Map<number, number>();
  static readonly #GROWTH = Math.log(1.05);

  add(failed: boolean, ms: number): void {
    this.requests++;
    if (failed) this.errors++;
    const bucket = Math.ceil(Math.log(Math.max(ms, 0.01)) / Side.#GROWTH);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
  }

  get p99Ms(): number | undefined {
    let left = Math.ceil(this.requests * 0.99);
    for (const [bucket, count] of [...this.#buckets].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return Math.exp(bucket * Side.#GROWTH);
    }
    return undefined;
  }

  status(): SideStatus {
    const { requests, errors, p99Ms } = this;
    return {
      requests,
      errors,
      errorRate: requests === 0 ? 0 : errors / requests,
      ...(p99Ms === undefined ? {} : { p99Ms: Math.round(p99Ms * 10) / 10 }),
    };
  }
}

export class Canary {
  readonly settings: CanarySettings;
  readonly #startedMs: number;
  readonly #old = new Side();
  readonly #new = new Side();

  constructor(settings: CanarySettings, nowMs: number) {
    this.settings = settings;
    this.#startedMs = nowMs;
  }

  /**
   * Whether the request goes to the new version.
   * @param key the value of the header or cookie that it sticks to, if it has one
   * @param chance from 0 to 1, for requests without
   */
  takes(key: string | undefined, chance: number): boolean {
    return (key === undefined ? chance : placeOf(key)) * 100 < this.settings.percent;
  }

  /** A request is over. @param failed answered with 5xx, or lost */
  observe(version: "old" | "new", failed: boolean, ms: number): void {
    (version === "new" ? this.#new : this.#old).add(failed, ms);
  }

  get old(): SideStatus {
    return this.#old.status();
  }

  get new(): SideStatus {
    return this.#new.status();
  }

  /** How much of the window is left, in ms. */
  leftMs(nowMs: number): number {
    return Math.max(0, this.#startedMs + this.settings.windowMs - nowMs);
  }

  /** What to do now; undefined: wait. A version that fails clearly more often does not get the whole window. */
  verdict(nowMs: number): Verdict | undefined {
    if (this.#new.requests < FEWEST_REQUESTS) return undefined;
    const worse = this.#failsMore();
    if (worse !== undefined) return { decision: "rollback", reason: worse };
    if (this.leftMs(nowMs) > 0) return undefined;
    const slower = this.#isSlower();
    if (slower !== undefined) return { decision: "rollback", reason: slower };
    return { decision: "promote", reason: `no worse in ${this.#new.requests} requests` };
  }

  #failsMore(): string | undefined {
    const { requests, errors } = this.#new;
    const rate = this.#old.status().errorRate + RATE_MARGIN;
    const expected = requests * rate;
    const most = expected + DEVIATIONS * Math.sqrt(expected * Math.max(0, 1 - rate));
    if (errors <= most) return undefined;
    return `${errors} of ${requests} requests failed, and ${this.#old.errors} of ${this.#old.requests} of the old version's`;
  }

  #isSlower(): string | undefined {
    const [before, after] = [this.#old.p99Ms, this.#new.p99Ms];
    if (before === undefined || after === undefined) return undefined;
    if (Math.min(this.#old.requests, this.#new.requests) < FEWEST_FOR_P99) return undefined;
    if (after <= Math.max(before * P99_FACTOR, before + P99_MARGIN_MS)) return undefined;
    return `its p99 is ${after.toFixed(0)} ms, and the old version's ${before.toFixed(0)} ms`;
  }
}

/** Where a text falls between 0 and 1 (FNV-1a, mixed once more, because its high bits alone are uneven). */
function placeOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
