/** What who follows a node is told: one JSON object each. Times are ISO 8601, durations milliseconds. */

import { isoTime, round } from "./access-format.ts";
import type { RequestRecord } from "./request-record.ts";

interface Told {
  readonly time: string;
}

/** Where something ran: a version, and the slots of server and thread. */
interface ThreadPlace {
  readonly version?: string;
  readonly server?: number;
  readonly thread?: number;
}

export interface RequestEvent extends Told, ThreadPlace {
  readonly type: "request";
  readonly id: string | null;
  /** null where no function answers. */
  readonly function: string | null;
  readonly client: string | null;
  readonly method: string | null;
  readonly host: string | null;
  readonly path: string | null;
  readonly status: number;
  /** How it ended where it was not with a whole answer. */
  readonly outcome?: "aborted" | "lost";
  readonly requestBytes: number;
  readonly bytes: number;
  readonly waitMs?: number;
  readonly firstByteMs?: number;
  readonly totalMs: number;
}

export interface ConsoleEvent extends Told, ThreadPlace {
  readonly type: "console";
  readonly id: string | null;
  readonly function: string;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
}

/** What a function threw, or why it could not be asked. */
export interface ExceptionEvent extends Told, ThreadPlace {
  readonly type: "exception";
  readonly id: string;
  readonly function: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  /** The whole text, with the positions of the sources and all causes. */
  readonly text: string;
}

/** So many were not told: of a function that prints too much, or because the follower is too slow. */
export interface DroppedEvent extends Told {
  readonly type: "dropped";
  readonly what: "events" | "console lines" | "exceptions";
  readonly function?: string;
  readonly count: number;
}

/** The node stops; nothing follows. */
export interface EndEvent extends Told {
  readonly type: "end";
}

export type TailEvent = RequestEvent | ConsoleEvent | ExceptionEvent | DroppedEvent | EndEvent;

export function requestEvent(record: RequestRecord): RequestEvent {
  const { outcome, served, waitMs, firstByteMs } = record;
  return {
    type: "request",
    time: isoTime(record.startedAt),
    id: record.id || null,
    function: record.functionName || null,
    ...(served && { version: served.version, thread: served.thread }),
    ...(served?.server !== undefined && { server: served.server }),
    client: record.clientIp || null,
    method: record.method || null,
    host: record.host || null,
    path: record.path || null,
    status: record.status,
    ...(typeof outcome === "string" && { outcome }),
    requestBytes: record.requestBytes,
    bytes: record.responseBytes,
    ...(waitMs !== undefined && { waitMs: round(waitMs) }),
    ...(firstByteMs !== undefined && { firstByteMs: round(firstByteMs) }),
    totalMs: round(record.ms),
  };
}
