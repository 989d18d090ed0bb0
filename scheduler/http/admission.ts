/**
 * How many connections clients may have, all together and each: so many that files, servers and threads have the
 * descriptors that they need. When there are too many, those that have been idle for longest are closed for new ones.
 */
import type { Socket } from "node:net";
import type { IncidentDetails, IncidentKind } from "../limits/incidents.ts";
import type { NodeLimits } from "../types.ts";
import { networkOf, normaliseAddress } from "./client-address.ts";

/** A connection that was used so recently is probably about to be used again. */
const IDLE_MS = 1_000;
/** How often idle connections are looked for: there may be very many. */
const SEARCH_MS = 100;
/** Of all connections, how many idle ones are closed at once. */
const MADE_ROOM = 1 / 64;
/** How many of the refused are told so; more at the same time are only closed. */
const MOST_TOLD = 64;
const TOLD_MS = 1_000;

const BODY = "503 too many connections\n";
const REFUSAL =
  `HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\n` +
  `Content-Length: ${BODY.length}\r\nConnection: close\r\n\r\n${BODY}`;

/** Those that are open at a listener, but for those that are not encrypted yet. */
type Open = ReadonlySet<{ readonly socket: Socket; readonly idleSinceMs: number | undefined }>;

interface AdmissionPorts {
  readonly limits: Pick<NodeLimits, "maxConnections" | "maxConnectionsPerClient">;
  /** Whether this is the address of a proxy, behind which there are many clients. */
  isTrusted(address: string): boolean;
  note(kind: IncidentKind, details: IncidentDetails, message: string): void;
}

export class Admission {
  readonly #clients: AdmissionPorts;
  readonly #open = new Set<Open>();
  readonly #byNetwork = new Map<string, number>();
  #count = 0;
  #told = 0;
  #searchedAtMs = Number.NEGATIVE_INFINITY;

  constructor(clients: AdmissionPorts) {
    this.#clients = clients;
  }

  /** Connections of clients, of all listeners. */
  get count(): number {
    return this.#count;
  }

  /** Counts those of a listener in. @returns how to take them out again */
  join(open: Open): () => void {
    this.#open.add(open);
    return () => this.#open.delete(open);
  }

  /**
   * @param isSecure the connection speaks TLS: then it is closed without a word
   * @returns whether it may stay; it counts until it is closed
   */
  admit(socket: Socket, isSecure: boolean): boolean {
    const { maxConnections, maxConnectionsPerClient } = this.#clients.limits;
    const network = networkOf(socket.remoteAddress);
    const own = this.#byNetwork.get(network) ?? 0;
    const client = { client: socket.remoteAddress ?? "" };
    if (maxConnectionsPerClient > 0 && own >= maxConnectionsPerClient && !this.#isTrusted(socket)) {
      const most = `max_connections_per_client is ${maxConnectionsPerClient}`;
      this.#clients.note("max_connections_per_client", client, `a client has too many connections: ${most}`);
      this.#refuse(socket, isSecure);
      return false;
    }
    if (maxConnections > 0 && this.#count >= maxConnections && !this.#makeRoom()) {
      const most = `${maxConnections} are open, and none of them is idle`;
      this.#clients.note("max_connections", client, `a connection was refused: ${most}`);
      this.#refuse(socket, isSecure);
      return false;
    }
    this.#count++;
    this.#byNetwork.set(network, own + 1);
    socket.once("close", () => {
      this.#count--;
      const left = this.#byNetwork.get(network)! - 1;
      if (left === 0) this.#byNetwork.delete(network);
      else this.#byNetwork.set(network, left);
    });
    return true;
  }

  #isTrusted({ remoteAddress }: Socket): boolean {
    return this.#clients.isTrusted(normaliseAddress(remoteAddress) ?? "");
  }

  /** Closes connections that are idle, the longest idle first. @returns whether there were any */
  #makeRoom(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#searchedAtMs < SEARCH_MS) return false;
    this.#searchedAtMs = nowMs;
    const idle: { sinceMs: number; socket: Socket }[] = [];
    for (const open of this.#open)
      for (const { idleSinceMs: sinceMs, socket } of open)
        if (sinceMs !== undefined && nowMs - sinceMs > IDLE_MS) idle.push({ sinceMs, socket });
    idle.sort((a, b) => a.sinceMs - b.sinceMs);
    const closed = idle.slice(0, Math.max(1, Math.floor(this.#count * MADE_ROOM)));
    for (const { socket } of closed) socket.destroy();
    return closed.length > 0;
  }

  #refuse(socket: Socket, isSecure: boolean): void {
    socket.on("error", () => socket.destroy());
    if (isSecure || this.#told >= MOST_TOLD) return void socket.destroy();
    this.#told++;
    const linger = setTimeout(() => socket.destroy(), TOLD_MS);
    socket.once("close", () => {
      this.#told--;
      clearTimeout(linger);
    });
    // What it has sent is read: else the answer would be lost when the connection closes.
    socket.on("end", () => socket.destroy()).resume();
    socket.end(REFUSAL);
  }
}
