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

const SWITCHING_PROTOCOLS = 101;

export function recordOf(exchange: Exchange): RequestRecord {
  const { id, req, res, facts, functionName, outcome, startedAtMs } = exchange;
  const isTunnel = facts.upgrade && !res.headersSent;
  const status = isTunnel ? SWITCHING_PROTOCOLS : res.statusCode;
  return {
    id,
    method: req.method ?? "",
    path: facts.path,
    functionName,
    outcome: outcome === "aborted" || outcome === "lost" ? outcome : status,
    ms: performance.now() - startedAtMs,
  };
}
