/**
 * The listener: one server for each `listen` address. It finds a request's function and hands it on; what
 * no function may see was refused by its connection.
 */
import { createServer, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Certificates } from "../tls/certificates.ts";
import { SecureServer } from "../tls/secure-server.ts";
import type { ListenAddress } from "../types.ts";
import type { Client, ClientResolver } from "./client-address.ts";
import type { ClientRequest } from "./client-request.ts";
import { Clients } from "./clients.ts";
import type { ClientConnection, ConnectionOwner, RefusedRequest } from "./connection.ts";
import { type HeldAddress, listenError, urlOf } from "./held-address.ts";
import { Http1Connection } from "./http1-connection.ts";
import { Http2Connection } from "./http2-connection.ts";
import { answerRedirect } from "./redirect.ts";
import { ALLOWED_METHODS } from "./vet.ts";

/** What is known of a request before it is dispatched. */
export interface RequestContext {
  readonly client: Client;
  readonly id: string;
  readonly functionName: string;
  /** Which threads serve it, where that is not the function's own pool. */
  readonly pool?: string;
}

export interface ListenerPorts {
  clientOf: ClientResolver;
  /** The function that answers, if any. */
  route(host: string, path: string): string | undefined;
  dispatch(request: ClientRequest, context: RequestContext): void;
  /** No function answers. */
  notFound(request: ClientRequest, id: string, client: Client): void;
  /** What came was answered here already: mostly refused. */
  refused?(refused: RefusedRequest): void;
}

interface ListenerSettings {
  readonly backlog: number;
  /** Bytes that may wait in a connection's write buffer before its function is held back; 0 = Node's default. */
  readonly sendBufferSize: number;
  readonly mode?: ListenerMode;
  /** Those of the whole node. */
  readonly clients?: Clients;
  readonly onFallback?: ConnectionOwner["onFallback"];
}

/** What may change while a listener is open; connections that are there stay as they are. */
export interface ListenerMode {
  /** Connections are encrypted with these. */
  readonly certificates?: Certificates;
  /** Requests that came unencrypted are sent to https, at this port. */
  readonly redirectPort?: () => number | undefined;
}

const TICK_MS = 1_000;
/** How soon a closing listener ends a connection that has become idle. */
const CLOSE_SWEEP_MS = 50;

export class Listener implements ConnectionOwner, HeldAddress {
  readonly address: ListenAddress;
  readonly #server: Server;
  readonly #ports: ListenerPorts;
  readonly clients: Clients;
  /** Those whose TLS handshake is not over are no connections yet. */
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Set<ClientConnection>();
  #secure: SecureServer | undefined;
  #redirectPort: ListenerMode["redirectPort"];
  #closing = false;
  nowMs = performance.now();
  readonly onFallback: ConnectionOwner["onFallback"];
  readonly #tick: NodeJS.Timeout;

  private constructor(address: ListenAddress, ports: ListenerPorts, settings: ListenerSettings) {
    this.address = address;
    this.#ports = ports;
    this.clients = settings.clients ?? new Clients();
    this.onFallback = settings.onFallback;
    // Half open: an answer must still reach a client that has closed its own side before it was refused.
    this.#server = createServer({
      allowHalfOpen: true,
      noDelay: true,
      pauseOnConnect: true,
      ...(settings.sendBufferSize > 0 ? { highWaterMark: settings.sendBufferSize } : {}),
    });
    this.configure(settings.mode ?? {});
    this.#server.on("connection", (socket) => {
      if (!this.clients.connections.admit(socket, this.#secure !== undefined)) return;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      if (this.#secure) this.#secure.accept(socket);
      else this.#serve(socket, new Http1Connection(socket, this));
    });
    this.#tick = setInterval(() => {
      this.nowMs = performance.now();
      for (const connection of this.#connections) connection.checkTime(this.nowMs);
    }, TICK_MS).unref();
    this.#server.on("close", () => clearInterval(this.#tick));
  }

  /** Rejects with PORT_IN_USE or LISTEN_FAILED. */
  static async listen(
    address: ListenAddress,
    ports: ListenerPorts,
    settings: ListenerSettings,
  ): Promise<Listener> {
    const listener = new Listener(address, ports, settings);
    const server = listener.#server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        clearInterval(listener.#tick);
        reject(listenError("listen", address, error));
      });
      server.listen({ host: address.host, port: address.port, backlog: settings.backlog }, resolve);
    });
    const { clients } = listener;
    // Without descriptors none is accepted.
    server.removeAllListeners("error").on("error", ({ message }) => {
      clients.note("max_connections", {}, `connections cannot be accepted: ${message}`);
    });
    server.on("close", clients.connections.join(listener.#connections));
    return listener;
  }

  /** The port in use, which the system chose when 0 was asked for. */
  get port(): number {
    const bound = this.#server.address();
    return typeof bound === "object" && bound ? bound.port : this.address.port;
  }

  get isSecure(): boolean {
    return this.#secure !== undefined;
  }

  get url(): string {
    return urlOf(this);
  }

  get closing(): boolean {
    return this.#closing;
  }

  /** Connections from now on are treated so. */
  configure({ certificates, redirectPort }: ListenerMode): void {
    this.#redirectPort = redirectPort;
    if (certificates !== this.#secure?.certificates)
      this.#secure = certificates && new SecureServer(certificates, (socket) => this.#onSecure(socket));
  }

  #onSecure(socket: TLSSocket): void {
    if (socket.alpnProtocol === "h2") this.#serve(socket, new Http2Connection(socket, this));
    else this.#serve(socket, new Http1Connection(socket, this, "https"));
  }

  #serve(socket: Socket, connection: ClientConnection): void {
    this.#connections.add(connection);
    socket.on("close", () => this.#connections.delete(connection));
  }

  /** Takes no new connections and lets requests in progress finish; resolves when the last has. */
  async close(): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const sweep = () => {
      for (const connection of this.#connections) connection.closeIfIdle();
    };
    sweep();
    const timer = setInterval(sweep, CLOSE_SWEEP_MS);
    await closed;
    clearInterval(timer);
  }

  /** Ends every connection now. */
  destroy(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  onRefused(refused: RefusedRequest): void {
    this.#ports.refused?.(refused);
  }

  onRequest(request: ClientRequest): void {
    const { facts } = request.head;
    if (facts.path === "*") {
      answerServerOptions(request);
      return this.onRefused({ status: 204, peer: request.peer, head: request.head, responseBytes: 0 });
    }
    const client = this.#ports.clientOf(request.peer, facts, request.scheme);
    const id = (client.trusted && facts.requestId) || nextRequestId();
    const securePort = client.proto === "http" ? this.#redirectPort?.() : undefined;
    if (securePort !== undefined) {
      const responseBytes = answerRedirect(request, id, securePort);
      return this.onRefused({ status: 308, peer: request.peer, head: request.head, responseBytes });
    }
    const functionName = this.#ports.route(facts.host, resolvedPath(facts.path));
    if (functionName === undefined) return this.#ports.notFound(request, id, client);
    this.#ports.dispatch(request, { client, id, functionName });
  }
}

/** A path with dot segments reaches the function resolved, so it is routed by what it resolves to. */
function resolvedPath(path: string): string {
  return DOTS.test(path) ? new URL(`http://localhost${path}`).pathname : path;
}

const DOTS = /\/(?:\.|%2e)|\\/i;

/** `OPTIONS *` asks about the server, not about a function (RFC 9110 §9.3.7). */
function answerServerOptions(request: ClientRequest): void {
  request.begin(204, `HTTP/1.1 204 No Content\r\nAllow: ${ALLOWED_METHODS}\r\n`, "none");
  request.end();
}

const idPrefix = `${Date.now().toString(36)}${Math.floor(Math.random() * 36 ** 4)
  .toString(36)
  .padStart(4, "0")}`;
let idCount = 0;

/** Unique within the node, and sortable: start time of the scheduler, chance, a count. */
export function nextRequestId(): string {
  return `${idPrefix}-${(++idCount).toString(36)}`;
}
