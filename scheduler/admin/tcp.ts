/**
 * The admin API on a TCP address (`admin_listen`), for other machines and for browsers. It speaks HTTP, or HTTPS
 * where it is given certificates. Clients are strangers here: heads have little time, connections are few.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { BlockList, isIPv6, type Socket } from "node:net";
import type { TlsOptions } from "node:tls";
import { type HeldAddress, listenError, urlOf } from "../http/held-address.ts";
import type { Certificates } from "../tls/certificates.ts";
import type { ListenAddress } from "../types.ts";
import { answerOf } from "./answer.ts";
import { UPLOAD } from "./body.ts";
import { Gate } from "./gate.ts";

export interface AdminTcpPorts {
  readonly handle: RequestListener;
  /** A request was refused before the API saw it. */
  refused(incoming: IncomingMessage, error: Error): void;
  /** A connection was ended without a request that could be read. */
  dropped(address: string | undefined, reason: string): void;
}

export interface AdminTcpSettings {
  readonly headersTimeoutMs?: number;
  readonly connections?: number;
  /** For HTTPS. */
  readonly certificates?: Certificates | undefined;
}

const HEADERS_TIMEOUT_MS = 10_000;
const CHECKS_PER_TIMEOUT = 5;
const CONNECTIONS = 256;
const CLOSE_MS = 5_000;

/** What a client is told whose request cannot be read; the rest is 400. */
const UNREADABLE: Readonly<Record<string, readonly [line: string, reason: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "the request did not come in time"],
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "its headers are too large"],
};
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

export class AdminTcp implements HeldAddress {
  readonly address: ListenAddress;
  readonly #server: Server | TlsServer;
  #certificates: Certificates | undefined;
  #revision = 0;

  private constructor(address: ListenAddress, ports: AdminTcpPorts, settings: AdminTcpSettings) {
    this.address = address;
    this.#certificates = settings.certificates;
    this.#server = makeServer(settings, this.#certificates && this.#secureOptions(), (incoming, outgoing) => {
      try {
        Gate.vet(incoming);
      } catch (error) {
        ports.refused(incoming, error as Error);
        const { status, headers, body } = answerOf(error as Error);
        const answer = { ...headers, "Content-Type": "application/json", Connection: "close" };
        outgoing.writeHead(status, answer).end(JSON.stringify(body));
        return;
      }
      ports.handle(incoming, outgoing);
    });
    // Before the handshake of this connection begins.
    this.#server.prependListener("connection", () => this.#renew());
    this.#server.maxConnections = settings.connections ?? CONNECTIONS;
    this.#server.on("drop", (drop) => ports.dropped(drop?.remoteAddress, "too many connections"));
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) =>
      endUnreadable(error, socket, ports),
    );
    this.#server.on("tlsClientError", ({ message }: Error, socket: Socket) =>
      ports.dropped(socket.remoteAddress, `no TLS: ${message}`),
    );
  }

  /** Rejects with PORT_IN_USE or LISTEN_FAILED. */
  static async open(
    address: ListenAddress,
    ports: AdminTcpPorts,
    settings: AdminTcpSettings = {},
  ): Promise<AdminTcp> {
    const tcp = new AdminTcp(address, ports, settings);
    await new Promise<void>((resolve, reject) => {
      tcp.#server.once("error", (cause) => reject(listenError("admin_listen", address, cause)));
      tcp.#server.listen({ host: address.host, port: address.port }, resolve);
    });
    return tcp;
  }

  /** The port in use, which the system chose when 0 was asked for. */
  get port(): number {
    const bound = this.#server.address();
    return typeof bound === "object" && bound ? bound.port : this.address.port;
  }

  get isSecure(): boolean {
    return this.#certificates !== undefined;
  }

  get url(): string {
    return urlOf(this);
  }

  /** Tokens, and all else, can be read on the way by whoever is there. */
  get isExposed(): boolean {
    const bound = this.#server.address();
    if (this.#certificates || typeof bound !== "object" || !bound) return false;
    return !LOOPBACK.check(bound.address, isIPv6(bound.address) ? "ipv6" : "ipv4");
  }

  /** Connections from now on get these. */
  use(certificates: Certificates | undefined): void {
    this.#certificates = certificates;
    this.#revision = 0;
  }

  /** Those who name no host get the first certificate, as it is now. */
  #renew(): void {
    if (!this.#certificates || this.#revision === this.#certificates.revision) return;
    this.#revision = this.#certificates.revision;
    (this.#server as TlsServer).setSecureContext(this.#certificates.defaults);
  }

  #secureOptions(): TlsOptions {
    return {
      ...this.#certificates!.defaults,
      SNICallback: (host, done) => done(null, this.#certificates!.contextFor(host)),
    };
  }

  /** Takes no new connections; calls in progress, of which one may have asked for this, have some time. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const timer = setTimeout(() => this.#server.closeAllConnections(), CLOSE_MS);
    await closed;
    clearTimeout(timer);
  }

  /** Ends every connection now. */
  destroy(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function makeServer(
  settings: AdminTcpSettings,
  tls: TlsOptions | undefined,
  handle: RequestListener,
): Server | TlsServer {
  const headersTimeout = settings.headersTimeoutMs ?? HEADERS_TIMEOUT_MS;
  const options = {
    headersTimeout,
    // The longest that any body may take. Most calls end sooner, by a limit of their own.
    requestTimeout: headersTimeout + UPLOAD.ms,
    connectionsCheckingInterval: Math.ceil(headersTimeout / CHECKS_PER_TIMEOUT),
    // Node would answer by itself, and nobody would be told.
    requireHostHeader: false,
  };
  return tls ? createTlsServer({ ...options, ...tls }, handle) : createServer(options, handle);
}

function endUnreadable(
  { code = "", message }: NodeJS.ErrnoException,
  socket: Socket,
  ports: AdminTcpPorts,
): void {
  // A client that goes away in the middle of something is refused nothing.
  if (code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const [line, reason] = UNREADABLE[code] ?? ["400 Bad Request", message];
  ports.dropped(socket.remoteAddress, reason);
  socket.end(`HTTP/1.1 ${line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}
