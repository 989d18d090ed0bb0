/**
 * Who may come in over TCP. A call has to be meant for this node (its `Host`), must not come from a page of
 * another site (its `Origin`), and shows a token, except where there is nothing to be seen.
 *
 * The name in `Host` matters because of DNS rebinding: a page may point a name of its own at this node, and the
 * browser then takes the node's answers for that page's own. An IP address cannot be pointed elsewhere.
 */
import type { IncomingMessage } from "node:http";
import { isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { DexterError } from "../errors.ts";
import { normaliseAddress } from "../http/client-address.ts";
import { isHost } from "../http/vet.ts";
import { ANYBODY, type Caller } from "./caller.ts";
import { PROBE_PATHS } from "./health.ts";
import { RateLimit } from "./rate-limit.ts";
import type { TokenCaller, TokenStore } from "./token-store.ts";

/** The status page without any data, which it asks for with a token. */
const OPEN_PATHS = ["/", "/page.js", "/page.css", ...PROBE_PATHS];
const READING = ["GET", "HEAD"];

const MINUTE_MS = 60_000;
/** A person mistypes a token a few times; a program that tries them is to be slowed down. */
const FAILURES_PER_MINUTE = 10;
/** Far above what pages, probes and scripts ask for. */
const CALLS_PER_MINUTE = 1_200;
/** A timer of Node.js cannot wait for a month. */
const LONGEST_TIMER_MS = 86_400_000;

/** An open connection, and the token that was last shown on it. */
interface Connection {
  tokenId: string;
  /** Ends it when the token expires. */
  expiry?: NodeJS.Timeout;
}

interface GatePorts {
  readonly tokens: Pick<TokenStore, "verify">;
  /** Names, beside addresses and localhost, by which the node is asked. */
  hosts(): readonly string[];
  readonly clock?: () => number;
}

export class Gate {
  readonly #ports: GatePorts;
  readonly #clock: () => number;
  readonly #failures = new RateLimit({ most: FAILURES_PER_MINUTE, windowMs: MINUTE_MS });
  readonly #calls = new RateLimit({ most: CALLS_PER_MINUTE, windowMs: MINUTE_MS });
  readonly #connections = new Map<Socket, Connection>();

  constructor(ports: GatePorts) {
    this.#ports = ports;
    this.#clock = ports.clock ?? (() => performance.now());
  }

  /** Throws CALL_INVALID where nobody could tell what is asked for. */
  static vet({ url = "", headersDistinct }: IncomingMessage): void {
    const { host = [] } = headersDistinct;
    if (host.length !== 1 || !isHost(host[0]!))
      throw new DexterError("CALL_INVALID", {
        part: "Host",
        reason: "there must be one, and it must be a host",
      });
    if (!url.startsWith("/"))
      throw new DexterError("CALL_INVALID", { part: "the request target", reason: "must begin with /" });
  }

  /** Throws HOST_REFUSED, ORIGIN_REFUSED, UNAUTHENTICATED, RATE_LIMITED, or what is wrong with the token. */
  readonly identify = (incoming: IncomingMessage): Caller => {
    const path = pathOf(incoming);
    const reads = READING.includes(incoming.method ?? "");
    if (!reads || !PROBE_PATHS.includes(path)) this.#vetHost(incoming);
    if (!reads) vetOrigin(incoming);
    const address = addressOf(incoming);
    if (reads && OPEN_PATHS.includes(path)) {
      this.#count(this.#calls, address, "calls");
      return ANYBODY;
    }
    const caller = this.#authenticate(incoming, address);
    this.#count(this.#calls, caller.tokenId, "calls");
    this.#remember(incoming.socket, caller);
    return caller;
  };

  /** Ends the connections on which this token was shown last, whatever goes on there. */
  cut(tokenId: string, except: Socket): void {
    for (const [socket, connection] of this.#connections)
      if (connection.tokenId === tokenId && socket !== except) socket.destroy();
  }

  #vetHost({ headers: { host = "" } }: IncomingMessage): void {
    const name = nameIn(host);
    if (name === "localhost" || isIP(name) !== 0 || this.#ports.hosts().includes(name)) return;
    throw new DexterError("HOST_REFUSED", { host: name });
  }

  /**
   * Only failures are limited by address. A right token is let in however many wrong ones came from there, or
   * anybody behind the same proxy could lock the operator out.
   */
  #authenticate({ headers: { authorization } }: IncomingMessage, address: string): TokenCaller {
    try {
      const token = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
      if (token === undefined) throw new DexterError("UNAUTHENTICATED");
      return this.#ports.tokens.verify(token);
    } catch (error) {
      this.#count(this.#failures, address, "wrong tokens");
      throw error;
    }
  }

  #count(limit: RateLimit, key: string, what: string): void {
    const waitMs = limit.take(key, this.#clock());
    if (waitMs > 0)
      throw new DexterError("RATE_LIMITED", { what, retryAfterSeconds: Math.ceil(waitMs / 1000) });
  }

  #remember(socket: Socket, { tokenId, expiresInMs }: TokenCaller): void {
    const known = this.#connections.get(socket);
    if (known?.tokenId === tokenId) return;
    clearTimeout(known?.expiry);
    if (!known) socket.once("close", () => this.#forget(socket));
    const connection: Connection = { tokenId };
    this.#connections.set(socket, connection);
    if (expiresInMs !== undefined) endIn(expiresInMs, socket, connection);
  }

  #forget(socket: Socket): void {
    clearTimeout(this.#connections.get(socket)?.expiry);
    this.#connections.delete(socket);
  }
}

/** What was begun with a token does not outlast it: a caller may follow what happens for ever. */
function endIn(ms: number, socket: Socket, connection: Connection): void {
  const step = Math.min(ms, LONGEST_TIMER_MS);
  const next = () => (step < ms ? endIn(ms - step, socket, connection) : void socket.destroy());
  connection.expiry = setTimeout(next, step).unref();
}

/** The client's address; of a connection that is gone, `unknown`. */
export function addressOf({ socket }: IncomingMessage): string {
  return normaliseAddress(socket.remoteAddress) ?? "unknown";
}

/** The path of a call, without the query. */
export function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0]!;
}

/** A browser names the page's origin with every request that may change something; other programs do not. */
function vetOrigin({ headers: { origin, host }, socket }: IncomingMessage): void {
  if (origin === undefined) return;
  const refused = new DexterError("ORIGIN_REFUSED", { origin });
  if (!URL.canParse(origin)) throw refused;
  const from = new URL(origin);
  // Over plain HTTP there may be a proxy that speaks TLS with the browser.
  const schemes = (socket as TLSSocket).encrypted ? ["https:"] : ["http:", "https:"];
  const own = new URL(`${from.protocol}//${host}`);
  if (!schemes.includes(from.protocol) || from.host !== own.host) throw refused;
}

/** The name or address in a host, as a browser understands it, without port and brackets. */
function nameIn(host: string): string {
  return new URL(`http://${host}`).hostname.replace(/^\[(.*)\]$/, "$1");
}
