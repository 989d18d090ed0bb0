/**
 * The admin API on a TCP address (`admin_listen`), for other machines and for browsers. It speaks HTTP, or HTTPS
 * where it is given certificates. Clients are strangers here: heads have little time, connections are few.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { BlockList, isIPv6, type Socket } from "node:net";
import type { SecureContextOptions } from "node:tls";
import { listenError, showAddress } from "../http/listener.ts";
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
  /** The certificates of now, for HTTPS. */
  readonly tls?: () => SecureContextOptions;
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

export class AdminTcp {
  readonly address: ListenAddress;
  readonly #server: Server | TlsServer;
  readonly #tls: (() => SecureContextOptions) | undefined;

  private constructor(address: ListenAddress, ports: AdminTcpPorts, settings: AdminTcpSettings) {
    this.address = address;
    this.#tls = settings.tls;
    this.#server = makeServer(settings, (incoming, outgoing) => {
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

  get url(): string {
    const bound = this.#server.address();
    const port = typeof bound === "object" && bound ? bound.port : this.address.port;
    return `${this.#tls ? "https" : "http"}://${showAddress({ host: this.address.host, port })}`;
  }

  /** Tokens, and all else, can be read on the way by whoever is there. */
  get isExposed(): boolean {
    const bound = this.#server.address();
    if (this.#tls || typeof bound !== "object" || !bound) return false;
    return !LOOPBACK.check(bound.address, isIPv6(bound.address) ? "ipv6" : "ipv4");
  }

  /** New connections get the certificates of now. */
  renewCertificates(): void {
    if (this.#tls) (this.#server as TlsServer).setSecureContext(this.#tls());
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

function makeServer(settings: AdminTcpSettings, handle: RequestListener): Server | TlsServer {
  const headersTimeout = settings.headersTimeoutMs ?? HEADERS_TIMEOUT_MS;
  const options = {
    headersTimeout,
    // The longest that any body may take. Most calls end sooner, by a limit of their own.
    requestTimeout: headersTimeout + UPLOAD.ms,
    connectionsCheckingInterval: Math.ceil(headersTimeout / CHECKS_PER_TIMEOUT),
    // Node would answer by itself, and nobody would be told.
    requireHostHeader: false,
  };
  return settings.tls
    ? createTlsServer({ ...options, ...settings.tls() }, handle)
    : createServer(options, handle);
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
