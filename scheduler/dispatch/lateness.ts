/** Whether a request has taken longer than it may. Pure. */
import { DexterError } from "../errors.ts";
import type { FunctionLimits } from "../types.ts";
import type { Exchange } from "./exchange.ts";

type Timed = Pick<Exchange, "startedAtMs" | "grantedAtMs" | "firstByteAtMs" | "isTunnel">;

interface Late {
  readonly kind: "response_timeout" | "request_timeout";
  readonly error: DexterError;
}

/** The time in the queue does not count against the function, which cannot help it. A WebSocket is no request any more. */
export function lateness(
  { startedAtMs, grantedAtMs, firstByteAtMs, isTunnel }: Timed,
  { responseTimeoutMs, requestTimeoutMs }: Pick<FunctionLimits, "responseTimeoutMs" | "requestTimeoutMs">,
  nowMs: number,
): Late | undefined {
  const silent = grantedAtMs > 0 && firstByteAtMs === 0;
  if (silent && responseTimeoutMs > 0 && nowMs - grantedAtMs >= responseTimeoutMs) {
    const error = new DexterError("RESPONSE_TIMEOUT", { seconds: responseTimeoutMs / 1000 });
    return { kind: "response_timeout", error };
  }
  if (isTunnel || requestTimeoutMs === 0 || nowMs - startedAtMs < requestTimeoutMs) return undefined;
  const error = new DexterError("REQUEST_TIMEOUT", { seconds: requestTimeoutMs / 1000 });
  return { kind: "request_timeout", error };
}
