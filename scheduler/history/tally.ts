/** Requests of a function, or of several, counted: since its first one, or in some seconds. */
import type { Figures } from "../../page/wire.ts";
import { type Counts, STATUSES } from "../metrics/function-counts.ts";
import { BOUNDS_S } from "../metrics/histogram.ts";

export interface Tally {
  requests: number;
  errors: number;
  /** Durations, by the histogram's bounds. */
  readonly buckets: number[];
}

const FAILED = STATUSES.map((status) => status === "5xx" || status === "lost");

export function noTally(): Tally {
  return { requests: 0, errors: 0, buckets: new Array(BOUNDS_S.length + 1).fill(0) };
}

/** All that was counted so far. */
export function tallyOf({ statuses, duration }: Pick<Counts, "statuses" | "duration">): Tally {
  const tally: Tally = { requests: 0, errors: 0, buckets: [...duration.counts] };
  statuses.forEach((count, place) => {
    tally.requests += count;
    if (FAILED[place]) tally.errors += count;
  });
  return tally;
}

/** One for all functions that rest; nothing is added to it. */
const NOTHING: Tally = noTally();

/** What came between. Counts that are smaller than before have begun anew. */
export function since(now: Tally, before: Tally | undefined): Tally {
  if (before === undefined || now.requests < before.requests) return now;
  if (now.requests === before.requests) return NOTHING;
  return {
    requests: now.requests - before.requests,
    errors: now.errors - before.errors,
    buckets: now.buckets.map((count, place) => count - before.buckets[place]!),
  };
}

export function add(to: Tally, more: Tally): void {
  if (more.requests === 0) return;
  to.requests += more.requests;
  to.errors += more.errors;
  for (let place = 0; place < to.buckets.length; place++) to.buckets[place]! += more.buckets[place]!;
}

export function figuresOf(tally: Tally, perSecond: number): Figures {
  return {
    perSecond: Math.round(perSecond * 100) / 100,
    errors: tally.errors,
    p50Ms: quantileMs(tally.buckets, 0.5),
    p99Ms: quantileMs(tally.buckets, 0.99),
  };
}

/**
 * The duration that this share of requests did not exceed; between two bounds, as if they were spread evenly. Above
 * the last bound, that bound: more is not known. null for no requests.
 */
export function quantileMs(buckets: readonly number[], share: number): number | null {
  const all = buckets.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  let left = share * all;
  for (const [place, count] of buckets.entries()) {
    if (left > count) {
      left -= count;
      continue;
    }
    const to = BOUNDS_S[place];
    if (to === undefined) break;
    const from = place === 0 ? 0 : BOUNDS_S[place - 1]!;
    return Math.round((from + ((to - from) * left) / count) * 1_000_000) / 1_000;
  }
  return BOUNDS_S.at(-1)! * 1_000;
}
