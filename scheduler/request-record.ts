/** What is told of a request that is over. */
import type { Exchange } from "./dispatch/exchange.ts";

export interface RequestRecord {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** Empty when no function answers. */
  readonly functionName: string;
  /** The status, or why there was none. */
  readonly outcome: number | "aborted" | "lost";
  readonly ms: number;
}

export function recordOf(exchange: Exchange): RequestRecord {
  const { id, request, functionName, outcome, startedAtMs } = exchange;
  return {
    id,
    method: request.method,
    path: request.head.facts.path,
    functionName,
    outcome: outcome === "aborted" || outcome === "lost" ? outcome : request.status,
    ms: performance.now() - startedAtMs,
  };
}
