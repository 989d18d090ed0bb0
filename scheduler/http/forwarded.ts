/**
 * The client's headers that go on to a thread: in their order and case, without those that end at this hop
 * (RFC 9110 §7.6.1), those that only dexter may set, and the private ones.
 */
import { PRIVATE_PREFIX, REQUEST_ID_HEADER } from "../../runtime/protocol.ts";
import type { RequestFacts } from "./vet.ts";

/** Dropped whatever Connection says. On `x-` names their prefix decides. */
const DROPPED = new Set([
  "te",
  "expect",
  "trailer",
  "upgrade",
  "connection",
  "keep-alive",
  "traceparent",
  "content-length",
  "proxy-connection",
  "cf-connecting-ip",
  "transfer-encoding",
]);

const REPLACED = new Set([REQUEST_ID_HEADER, "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]);

/**
 * The client's headers that go on to a thread.
 * @param facts what `vet.ts` found
 * @param trusted whether the client is a trusted proxy
 */
export function renderForwarded(
  raw: readonly string[],
  { connectionNames, traceparent }: Pick<RequestFacts, "connectionNames" | "traceparent">,
  trusted: boolean,
): string {
  let lines = "";
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!;
    const lower = name.toLowerCase();
    if (lower === "host" || DROPPED.has(lower) || connectionNames?.includes(lower)) continue;
    // It says more about a trace that there must be.
    if (lower === "tracestate" && !traceparent) continue;
    if (lower.startsWith("x-") && isReserved(lower, trusted)) continue;
    lines += `${name}: ${raw[i + 1]}\r\n`;
  }
  return lines;
}

/** A trusted proxy's further X-Forwarded headers (`-port`, `-prefix`) go through. */
function isReserved(lower: string, trusted: boolean): boolean {
  if (lower.startsWith(PRIVATE_PREFIX) || REPLACED.has(lower)) return true;
  return !trusted && lower.startsWith("x-forwarded-");
}
