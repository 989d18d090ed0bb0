/**
 * The TLS side of a listener: turns its connections into encrypted ones, and says which HTTP they are to carry. It
 * listens nowhere itself, so that a listener can begin or cease to encrypt without giving up its port.
 */
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Certificates } from "./certificates.ts";

/** How long a client may take over the handshake. */
const HANDSHAKE_MS = 15_000;

/** In the order of preference. */
const HTTP2 = ["h2", "http/1.1"];
const HTTP1 = ["http/1.1"];

export class SecureServer {
  readonly certificates: Certificates;
  readonly #server: Server;
  #revision: number;

  /** @param onConnection gets a connection whose handshake is over */
  constructor(certificates: Certificates, onConnection: (socket: TLSSocket) => void) {
    this.certificates = certificates;
    this.#revision = certificates.revision;
    const spoken = certificates.config.http2 ? HTTP2 : HTTP1;
    this.#server = createServer({
      ...certificates.defaults,
      allowHalfOpen: true,
      handshakeTimeout: HANDSHAKE_MS,
      SNICallback: (host, done) => done(null, certificates.contextFor(host)),
      // No protocol in common: the handshake fails, as RFC 7301 §3.2 asks. A client that names none speaks HTTP/1.1.
      ALPNCallback: ({ protocols }) => spoken.find((name) => protocols.includes(name)),
    });
    this.#server.on("secureConnection", onConnection);
    // A handshake that fails is the client's trouble; its connection is closed.
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  accept(socket: Socket): void {
    if (this.#revision !== this.certificates.revision) {
      this.#revision = this.certificates.revision;
      this.#server.setSecureContext(this.certificates.defaults);
    }
    socket.on("error", () => socket.destroy());
    this.#server.emit("connection", socket);
  }
}
