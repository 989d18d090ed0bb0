/** What somebody may have meant who wrote a name that nobody knows. */
import { distance } from "fastest-levenshtein";

/** Fewer letters begin too many names. */
const MIN_PREFIX = 3;

/** The share of the letters that may be wrong. */
const SLIPS = 0.4;

/**
 * The candidate that `name` begins, the shortest of several; otherwise the one that looks most like it, unless none
 * does. Case and underscores do not count.
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const wanted = squash(name);
  const begun = wanted.length < MIN_PREFIX ? [] : candidates.filter((one) => squash(one).startsWith(wanted));
  if (begun.length > 0) return begun.reduce((best, one) => (one.length < best.length ? one : best));
  let best: string | undefined;
  let leastCost = Math.max(1, Math.floor(wanted.length * SLIPS)) + 1;
  for (const candidate of candidates) {
    const cost = distance(wanted, squash(candidate));
    // Of a short name, nothing may be left.
    if (cost < leastCost && cost < squash(candidate).length) {
      best = candidate;
      leastCost = cost;
    }
  }
  return best;
}

/** `; did you mean "key"?`, or nothing. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const found = nearest(name, candidates);
  return found === undefined ? "" : `; did you mean "${found}"?`;
}

/** Folds the spellings of a key: `MaxSpareThreads` and `max_spare_threads` are one. */
export function squash(key: string): string {
  return key.toLowerCase().replaceAll("_", "");
}
