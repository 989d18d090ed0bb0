/** How the limits of a node, or of a function, follow from what the user set. Pure. */
import * as z from "zod";
import type { FunctionDirectives, FunctionLimits, NodeLimits } from "../types.ts";
import type { DirectiveValues } from "./directives.ts";

/** The directives that a function may set for itself, and what they are called in the program. */
const OF_FUNCTIONS = {
  cpu_limit: "cpuLimitMs",
  response_timeout: "responseTimeoutMs",
  request_timeout: "requestTimeoutMs",
  retry: "retry",
  max_body_bytes: "maxBodyBytes",
  max_sockets: "maxSockets",
  idle_socket_timeout: "idleSocketTimeoutMs",
} as const satisfies Partial<Record<keyof DirectiveValues, keyof FunctionLimits>>;

const ms = z.int().min(0);

/** As a version carries it. */
export const functionLimitsSchema = z
  .strictObject({
    cpuLimitMs: z.int().min(1),
    responseTimeoutMs: ms,
    requestTimeoutMs: ms,
    retry: z.enum(["off", "safe", "idempotent"]),
    maxBodyBytes: z.int().min(0),
    maxSockets: z.int().min(0),
    idleSocketTimeoutMs: ms,
  })
  .partial();

/** Those that are given. */
function limitsIn(values: Partial<DirectiveValues>): Partial<FunctionLimits> {
  const found = Object.entries(OF_FUNCTIONS).map(([name, key]) => [
    key,
    values[name as keyof typeof OF_FUNCTIONS],
  ]);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

/** What a function sets itself, if it sets any. */
export function ownLimits(given: Partial<DirectiveValues>): Pick<FunctionDirectives, "limits"> {
  const limits = limitsIn(given);
  return Object.keys(limits).length === 0 ? {} : { limits };
}

export function resolveLimits(all: DirectiveValues): NodeLimits {
  return {
    ofFunctions: limitsIn(all) as FunctionLimits,
    requestBufferBytes: all.request_buffer,
    bodyTimeoutMs: all.body_timeout,
    minRate: all.min_rate,
    responseBufferBytes: all.response_buffer,
    maxBufferedBytes: all.max_buffered_bytes,
    sendTimeoutMs: all.send_timeout,
    maxSharePerClient: all.max_share_per_client / 100,
    maxConnections: all.max_connections,
    maxConnectionsPerClient: all.max_connections_per_client,
    maxStreams: all.max_streams,
    retryBudget: all.retry_budget / 100,
  };
}
