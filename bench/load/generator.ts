/** What a load generator is asked and what it answers. Each runs in a process of its own. */

export interface LoadRequest {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** POST requests with a body of this length instead of GETs. */
  readonly uploadBytes?: number | undefined;
}

/** What was answered, and what was not. */
export interface LoadCount {
  readonly requests: number;
  /** Connections that failed, responses that did not come, and statuses other than 2xx and 3xx. */
  readonly failures: number;
  /** What failed, by kind; empty when nothing did. */
  readonly failureText: string;
}

export interface LoadResult extends LoadCount {
  readonly seconds: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoadGenerator {
  readonly name: string;
  /** Throws if the generator itself fails; failed requests are counted in the result. */
  run(request: LoadRequest): Promise<LoadResult>;
}

/** Time that a generator may take beyond the seconds it was asked for. */
export const GRACE_MS = 15_000;

/** How long a request may take before it counts as failed. */
export const REQUEST_TIMEOUT_S = 10;

/** "3 timeouts, 1 status" of the kinds that occurred. */
export function describeFailures(
  kinds: Readonly<Record<string, number>>,
): Pick<LoadResult, "failures" | "failureText"> {
  const occurred = Object.entries(kinds).filter(([, count]) => count > 0);
  return {
    failures: occurred.reduce((sum, [, count]) => sum + count, 0),
    failureText: occurred.map(([kind, count]) => `${count} × ${kind}`).join(", "),
  };
}

/** Throws if anything in `load` failed. */
export function assertNoFailure(load: LoadCount, phase: string): void {
  if (load.failures === 0) return;
  const all = load.requests + load.failures;
  throw new Error(`${phase}: ${load.failures} of ${all} requests FAILED (${load.failureText})`);
}

/** Throws if anything in `load` failed, or nothing was answered, which a warm-up may leave so. */
export function assertAnswered(load: LoadCount): void {
  assertNoFailure(load, "load");
  if (load.requests === 0) throw new Error("load: no request was answered");
}
