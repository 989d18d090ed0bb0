/** What is told of a request that is over: to the access log, to who follows, on the terminal of `dexter dev`. */
import type { Exchange } from "../dispatch/exchange.ts";
import type { ClientRequest } from "../http/client-request.ts";
import type { RefusedRequest } from "../http/connection.ts";
import type { HeaderBlock, RequestHead } from "../http/request-head.ts";

/** What is told of the client that went away before it had an answer, as others do. */
const CLIENT_CLOSED = 499;

export interface RequestRecord {
  /** Empty where it got none. */
  readonly id: string;
  /** This and what follows is empty where no request could be read. */
  readonly method: string;
  readonly path: string;
  /** As the client sent it. */
  readonly target: string;
  readonly host: string;
  readonly protocol: string;
  /** The headers. */
  readonly block: HeaderBlock | undefined;
  /** Empty when no function answers. */
  readonly functionName: string;
  /** The status, or why there was none. */
  readonly outcome: number | "aborted" | "lost";
  readonly ms: number;
  /** What the client was told, also of an answer that was cut off; 499 when it did not wait for one. */
  readonly status: number;
  /** When it came, in ms since 1970. */
  readonly startedAt: number;
  readonly clientIp: string;
  /** Where it was served: server and thread slot, and the version. Absent where no thread had it. */
  readonly served?: {
    readonly server: number | undefined;
    readonly thread: number;
    readonly version: string;
  };
  /** Of the bodies, without heads and chunk sizes; of a WebSocket, all after the handshake. */
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** How long it waited for its first thread; absent where none had it. */
  readonly waitMs?: number;
  /** Until the head of the thread's response had come. */
  readonly firstByteMs?: number;
}

/** @param slotOf the slot of the server with this key */
export function recordOf(
  exchange: Exchange,
  slotOf: (serverKey: number) => number | undefined,
): RequestRecord {
  const { id, request, functionName, outcome, startedAtMs, servedBy } = exchange;
  const { grantedAtMs, firstByteAtMs, requestBytes, responseBytes } = exchange;
  const ms = performance.now() - startedAtMs;
  const isCut = outcome === "aborted" || outcome === "lost";
  return {
    id,
    ...requestOf(request.head),
    functionName,
    outcome: isCut ? outcome : request.status,
    ms,
    status: request.status === 0 && outcome === "aborted" ? CLIENT_CLOSED : request.status,
    startedAt: Date.now() - ms,
    clientIp: exchange.client.ip,
    ...(servedBy && {
      served: {
        server: slotOf(servedBy.server),
        thread: servedBy.slot,
        version: servedBy.version,
      },
      waitMs: grantedAtMs - startedAtMs,
    }),
    requestBytes,
    responseBytes,
    ...(firstByteAtMs > 0 && { firstByteMs: firstByteAtMs - startedAtMs }),
  };
}

/** A request that has a function or none, and was answered without a thread. */
export interface Unserved {
  readonly request: ClientRequest;
  readonly id: string;
  readonly functionName: string;
  readonly clientIp: string;
  readonly startedAtMs: number;
  readonly responseBytes: number;
  /** Its client left, or sent what is no body, before it was served. */
  readonly isGone?: boolean;
}

export function recordOfRefusal(unserved: Unserved): RequestRecord {
  const { request, id, functionName, clientIp, startedAtMs, responseBytes, isGone = false } = unserved;
  const { head } = request;
  const status = request.status === 0 && isGone ? CLIENT_CLOSED : request.status;
  const ms = performance.now() - startedAtMs;
  const outcome = isGone ? ("aborted" as const) : status;
  const common = { outcome, ms, status, startedAt: Date.now() - ms, requestBytes: 0, responseBytes };
  return { id, ...requestOf(head), functionName, clientIp, ...common };
}

/** What its connection has refused. */
export function recordOfMalformed({ status, peer, head, responseBytes }: RefusedRequest): RequestRecord {
  const common = { outcome: status, ms: 0, status, startedAt: Date.now(), requestBytes: 0, responseBytes };
  return { id: "", ...requestOf(head), functionName: "", clientIp: peer ?? "", ...common };
}

const NONE = { method: "", path: "", target: "", host: "", protocol: "", block: undefined };

function requestOf(head: RequestHead | undefined) {
  if (head === undefined) return NONE;
  const { facts, url, block } = head;
  const { protocol } = block;
  return { method: block.method, path: facts.path, target: url, host: facts.host, protocol, block };
}
