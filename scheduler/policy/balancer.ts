/**
 * The balancer: pure functions from candidates to a choice. Of equals, they choose the one with fewest threads, then
 * the first.
 */

export interface Choice {
  /** Requests in progress in the server, of every function. */
  readonly busy: number;
  /** Threads in the server, in any state. */
  readonly size: number;
  /** It answers its probes. */
  readonly responsive: boolean;
}

/** A server in which a thread may be started. */
export interface Startable extends Choice {
  /** Threads on the way to requests that wait. */
  readonly urgent: number;
  readonly hasFreeSlot: boolean;
}

/** The candidate with the fewest requests in progress, of those that answer their probes. */
export function leastBusy<T extends Choice>(candidates: Iterable<T>): T | undefined {
  return least(candidates, isResponsive, requestsIn);
}

/**
 * Of those with a free slot, the server to start a thread in for a request that waits. What is on the way to other
 * requests counts as busy; spare threads that start do not, because they are made later.
 */
export function fewestComing<T extends Startable>(servers: Iterable<T>): T | undefined {
  return least(servers, hasFreeSlot, requestsComing);
}

const isResponsive = ({ responsive }: Choice) => responsive;
const hasFreeSlot = (server: Startable) => server.hasFreeSlot;
const requestsIn = ({ busy }: Choice) => busy;
const requestsComing = ({ busy, urgent }: Startable) => busy + urgent;

function least<T extends Choice>(
  candidates: Iterable<T>,
  isAble: (candidate: T) => boolean,
  loadOf: (candidate: T) => number,
): T | undefined {
  let best: T | undefined;
  let bestLoad = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (!isAble(candidate)) continue;
    const load = loadOf(candidate);
    if (load < bestLoad || (load === bestLoad && candidate.size < best!.size)) {
      best = candidate;
      bestLoad = load;
    }
  }
  return best;
}
