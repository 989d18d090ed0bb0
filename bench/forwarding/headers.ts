/** What every way does with headers: drops those of this hop, and adds what dexter adds. */

import { CF_HEADER, REQUEST_ID_HEADER } from "../../runtime/protocol.ts";
import { headerJson } from "../../scheduler/dispatch/head.ts";
import type { Client } from "../../scheduler/http/client-address.ts";

export const CF_JSON = headerJson({ httpProtocol: "HTTP/1.1" });

export const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Names and values in turn, without those of this hop (RFC 9110 §7.6.1). */
export function endToEnd(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (!HOP_BY_HOP.has(raw[i]!.toLowerCase())) kept.push(raw[i]!, raw[i + 1]!);
  }
  return kept;
}

/** The headers of a request as they go to a thread: the same that `renderRequestHead` makes. */
export function headersToThread(raw: readonly string[], client: Client, requestId: string): string[] {
  const headers = endToEnd(raw);
  headers.push("X-Forwarded-For", client.forwardedFor, "X-Forwarded-Proto", client.proto);
  headers.push("X-Forwarded-Host", client.host, "CF-Connecting-IP", client.ip);
  headers.push(REQUEST_ID_HEADER, requestId, "traceparent", TRACEPARENT, CF_HEADER, CF_JSON);
  return headers;
}
