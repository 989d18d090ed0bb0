/**
 * The balancer: pure functions from candidates to a choice.
 */

export interface Candidate {
  /** Requests in progress in the server, of every function. */
  readonly busy: number;
  /** Threads in the server, in any state. */
  readonly size: number;
  /** It answers its probes. */
  readonly responsive: boolean;
}

/**
 * The candidate with the fewest busy threads; of equals, the one with fewest threads, then the first.
 * A server that does not answer its probes is chosen only when `fallback` allows it.
 */
export function leastBusy<T extends Candidate>(candidates: Iterable<T>, fallback = false): T | undefined {
  let best: T | undefined;
  for (const candidate of candidates) {
    if (!candidate.responsive && !fallback) continue;
    if (
      best === undefined ||
      candidate.busy < best.busy ||
      (candidate.busy === best.busy && candidate.size < best.size)
    ) {
      best = candidate;
    }
  }
  return best;
}
