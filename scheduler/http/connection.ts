/** What a listener and the connections of its clients ask of each other, whatever version of HTTP they speak. */
import type { Socket } from "node:net";
import type { ClientRequest } from "./client-request.ts";
import type { Clients } from "./clients.ts";
import type { RequestHead } from "./request-head.ts";

/** What a connection needs of its listener. */
export interface ConnectionOwner {
  /** A clock that is right to a second, and costs nothing. */
  readonly nowMs: number;
  /** No request is taken after those in progress. */
  readonly closing: boolean;
  /** This client, and all others of the node. */
  readonly clients: Clients;
  onRequest(request: ClientRequest): void;
  onRefused(refused: RefusedRequest): void;
  /** Connections are read as Node.js does it, which takes more CPU time: see `ClientReader`. */
  readonly onFallback?: (() => void) | undefined;
}

/** What a connection has answered itself. */
export interface RefusedRequest {
  readonly status: number;
  /** Address of the other end. */
  readonly peer: string | undefined;
  /** Absent where it could not be read. */
  readonly head: RequestHead | undefined;
  readonly responseBytes: number;
}

/** What a listener needs of a connection. */
export interface ClientConnection {
  readonly socket: Socket;
  /** Ends the connection if no request is in progress. */
  closeIfIdle(): void;
  /** Ends the connection of a client that lets the listener wait for too long. */
  checkTime(nowMs: number): void;
  /** Since when no request has been in progress, nor anything else; undefined while something is. */
  readonly idleSinceMs: number | undefined;
}

/** How long an idle connection stays open: longer than an answer's Keep-Alive says, so that no request meets its end. */
export const KEEP_ALIVE_MS = 65_000;
/** How long a client may take to read the last answer. */
export const CLOSING_MS = 65_000;
/** How long a client may go on sending what nobody reads, after the last answer: closing at once would lose that. */
export const LINGER_MS = 1_000;
