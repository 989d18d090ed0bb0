/**
 * What is counted of each function, in plain numbers: this runs for every request. A function has series from its
 * first request or load on, until it is removed; so a node with a thousand functions, few of which are used, has few.
 */
import type { RefusalCause } from "../policy/effects.ts";
import { Histogram } from "./histogram.ts";

/** What is read of a request that is over; an `Exchange` fits. Times are those of `performance.now()`. */
export interface FinishedRequest {
  readonly functionName: string;
  readonly request: { readonly status: number };
  readonly outcome: "open" | "answered" | "aborted" | "lost";
  readonly startedAtMs: number;
  /** When it got a thread; 0 if it never did. */
  readonly grantedAtMs: number;
  /** Its function had no thread when it came. */
  readonly cold: boolean;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

const CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;
export const STATUSES = [...CLASSES, "aborted", "lost"] as const;

export class Counts {
  /** By place in `STATUSES`. */
  readonly statuses: number[] = STATUSES.map(() => 0);
  readonly duration = new Histogram();
  readonly wait = new Histogram();
  readonly refused: Record<RefusalCause, number> = { full: 0, timeout: 0, "load-failed": 0 };
  requestBytes = 0;
  responseBytes = 0;
  coldStarts = 0;
  loads = 0;
  failedLoads = 0;
}

export class FunctionCounts {
  readonly #byName = new Map<string, Counts>();

  /** Everything that is counted of a request. */
  finished(request: FinishedRequest, nowMs: number): void {
    const { functionName, startedAtMs, grantedAtMs } = request;
    const counts = this.of(functionName);
    const { status } = request.request;
    counts.statuses[statusPlace(request.outcome, status)]!++;
    // How long a WebSocket was open says nothing about the function.
    if (status !== 101) counts.duration.observe((nowMs - startedAtMs) / 1_000);
    counts.wait.observe(((grantedAtMs || nowMs) - startedAtMs) / 1_000);
    if (request.cold && grantedAtMs > 0) counts.coldStarts++;
    counts.requestBytes += request.requestBytes;
    counts.responseBytes += request.responseBytes;
  }

  /** A request was answered before it was dispatched. */
  answered(functionName: string, status: number, outcome: "answered" | "aborted" = "answered"): void {
    this.of(functionName).statuses[statusPlace(outcome, status)]!++;
  }

  of(functionName: string): Counts {
    let counts = this.#byName.get(functionName);
    if (counts === undefined) {
      counts = new Counts();
      this.#byName.set(functionName, counts);
    }
    return counts;
  }

  get entries(): Iterable<[functionName: string, counts: Counts]> {
    return this.#byName;
  }

  /** What was removed has no series any more. */
  keep(isKnown: (functionName: string) => boolean): void {
    for (const name of this.#byName.keys()) if (!isKnown(name)) this.#byName.delete(name);
  }
}

function statusPlace(outcome: FinishedRequest["outcome"], status: number): number {
  if (outcome === "aborted") return CLASSES.length;
  if (outcome === "lost") return CLASSES.length + 1;
  return Math.min(CLASSES.length, Math.max(1, Math.floor(status / 100))) - 1;
}
