/**
 * The listener: one Node HTTP server per `listen` address. It looks each request over, finds its
 * function, and hands it on. What Node's parser lets through and is wrong ends here.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { DexterError } from "../errors.ts";
import type { ListenAddress } from "../types.ts";
import type { Client, ClientResolver } from "./client-address.ts";
import { responseFor } from "./upgrade.ts";
import { ALLOWED_METHODS, inspectRequest, type Refusal, type RequestFacts } from "./vet.ts";

export interface ListenerPorts {
  clientOf: ClientResolver;
  /** The function that answers, if any. */
  route(host: string, path: string): string | undefined;
  dispatch(
    request: { req: IncomingMessage; res: ServerResponse; upgradeHead?: Buffer },
    about: { facts: RequestFacts; client: Client; id: string; functionName: string },
  ): void;
  /** No function answers. */
  notFound(req: IncomingMessage, res: ServerResponse, facts: RequestFacts, id: string): void;
}

export interface ListenerSettings {
  readonly backlog: number;
  /** Bytes that may wait in a connection's write buffer before its function is held back; 0 = Node's default. */
  readonly sendBufferSize: number;
}

/** How long an idle keep-alive connection of a client stays open. */
const KEEP_ALIVE_MS = 65_000;
/** How soon a closing listener ends a connection that has become idle. */
const CLOSE_SWEEP_MS = 50;
/** How long a client may take over a request's head; its body may take as long as it likes. */
const HEADERS_TIMEOUT_MS = 60_000;

const LISTEN_REASONS: Readonly<Record<string, string>> = {
  EACCES: "only root may take this port; choose one from 1024 on",
  EADDRNOTAVAIL: "it is not an address of this machine",
  ENOTFOUND: "the host has no address",
  EAI_AGAIN: "the host's address cannot be looked up",
};

export class Listener {
  readonly address: ListenAddress;
  readonly #server: Server;
  readonly #ports: ListenerPorts;
  readonly #upgraded = new Set<Duplex>();
  #closing = false;

  private constructor(address: ListenAddress, ports: ListenerPorts, settings: ListenerSettings) {
    this.address = address;
    this.#ports = ports;
    this.#server = createServer({
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: 0,
      noDelay: true,
      ...(settings.sendBufferSize > 0 ? { highWaterMark: settings.sendBufferSize } : {}),
    });
    this.#server.on("request", (req, res) => this.#handle({ req, res }));
    this.#server.on("upgrade", (req, socket, upgradeHead) => this.#upgrade(req, socket, upgradeHead));
    this.#server.on("connect", (req, socket) => this.#upgrade(req, socket, Buffer.alloc(0)));
    // Vetting answers 417 itself; Node's own answer would skip it.
    this.#server.on("checkExpectation", (req, res) => this.#handle({ req, res }));
  }

  /** Rejects with PORT_IN_USE or LISTEN_FAILED. */
  static async listen(
    address: ListenAddress,
    ports: ListenerPorts,
    settings: ListenerSettings,
  ): Promise<Listener> {
    const listener = new Listener(address, ports, settings);
    await new Promise<void>((resolve, reject) => {
      listener.#server.once("error", (error: NodeJS.ErrnoException) => {
        const code = error.code === "EADDRINUSE" ? "PORT_IN_USE" : "LISTEN_FAILED";
        const reason = LISTEN_REASONS[error.code ?? ""] ?? error.message;
        const shown = { address: showAddress(address), reason };
        reject(new DexterError(code, shown, { cause: error }));
      });
      listener.#server.listen({ host: address.host, port: address.port, backlog: settings.backlog }, resolve);
    });
    return listener;
  }

  /** The port in use, which the system chose when 0 was asked for. */
  get port(): number {
    const bound = this.#server.address();
    return typeof bound === "object" && bound ? bound.port : this.address.port;
  }

  get url(): string {
    return `http://${showAddress({ host: this.address.host, port: this.port })}`;
  }

  /** Takes no new connections and lets requests in progress finish; resolves when the last has. */
  async close(): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // Node keeps a connection open whose response was on its way at the moment of close().
    this.#server.closeIdleConnections();
    const sweep = setInterval(() => this.#server.closeIdleConnections(), CLOSE_SWEEP_MS);
    await closed;
    clearInterval(sweep);
  }

  /** Ends every connection now. */
  destroy(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
  }

  #upgrade(req: IncomingMessage, socket: Duplex, upgradeHead: Buffer): void {
    this.#upgraded.add(socket);
    socket.on("close", () => this.#upgraded.delete(socket));
    socket.on("error", () => socket.destroy());
    this.#handle({ req, res: responseFor(req), upgradeHead });
  }

  #handle(request: { req: IncomingMessage; res: ServerResponse; upgradeHead?: Buffer }): void {
    const { req, res } = request;
    if (this.#closing) res.shouldKeepAlive = false;
    const facts = inspectRequest(req);
    const refusal = facts.refusal ?? refuseUpgrade(request.upgradeHead, facts);
    if (refusal) return refuse(req, res, refusal);
    if (facts.path === "*") return answerServerOptions(res);
    const client = this.#ports.clientOf(req.socket.remoteAddress, facts);
    const id = (client.trusted && facts.requestId) || nextRequestId();
    const functionName = this.#ports.route(facts.host, resolvedPath(facts.path));
    if (functionName === undefined) return this.#ports.notFound(req, res, facts, id);
    this.#ports.dispatch(request, { facts, client, id, functionName });
  }
}

/** A path with dot segments reaches the function resolved, so it is routed by what it resolves to. */
function resolvedPath(path: string): string {
  return /\/(?:\.|%2e)/i.test(path) || path.includes("\\")
    ? new URL(`http://localhost${path}`).pathname
    : path;
}

/** Node gives up parsing at any Upgrade, so a body after one that is not taken up cannot be read. */
function refuseUpgrade(upgradeHead: Buffer | undefined, facts: RequestFacts): Refusal | undefined {
  if (upgradeHead === undefined || facts.upgrade || facts.framing === "none" || facts.framing === 0)
    return undefined;
  return { status: 400, reason: "a request with a body can upgrade to nothing" };
}

/** `OPTIONS *` asks about the server, not about a function (RFC 9110 §9.3.7). */
function answerServerOptions(res: ServerResponse): void {
  res.writeHead(204, ["Allow", ALLOWED_METHODS]);
  res.end();
}

function refuse(req: IncomingMessage, res: ServerResponse, { status, reason }: Refusal) {
  // After a request that was not understood, nobody knows where the next one starts.
  res.shouldKeepAlive = false;
  const allow = status === 405 ? ["Allow", ALLOWED_METHODS] : [];
  res.writeHead(status, ["Content-Type", "text/plain; charset=utf-8", "Connection", "close", ...allow]);
  res.end(`${status} ${reason}\n`, () => req.socket.destroySoon());
}

const idPrefix = `${Date.now().toString(36)}${Math.floor(Math.random() * 36 ** 4)
  .toString(36)
  .padStart(4, "0")}`;
let idCount = 0;

/** Unique within the node, and sortable: start time of the scheduler, chance, a count. */
export function nextRequestId(): string {
  return `${idPrefix}-${(++idCount).toString(36)}`;
}

function showAddress({ host, port }: ListenAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
