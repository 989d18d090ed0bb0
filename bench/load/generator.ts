/** What a load generator is asked and what it answers. Each runs in a process of its own. */

export interface LoadRequest {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Connections that failed, responses that did not come, and statuses other than 2xx and 3xx. */
  readonly failures: number;
  /** What failed, by kind; empty when nothing did. */
  readonly failureText: string;
}

export interface LoadGenerator {
  readonly name: string;
  /** Throws if the generator itself fails; failed requests are counted in the result. */
  run(request: LoadRequest): Promise<LoadResult>;
}

/** Time that a generator may take beyond the seconds it was asked for. */
export const GRACE_MS = 15_000;

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
