/**
 * The WebSockets of a node, from the handshake to the end: how many a function and a client may have, since each may
 * hold a thread for ever, which of them are idle, and the end of those whose server or node ends.
 */
import type { Socket } from "node:net";
import { DexterError } from "../errors.ts";
import type { ClientRequest } from "../http/client-request.ts";
import type { Incidents } from "../limits/incidents.ts";
import { clientShare, socketShare } from "../policy/shares.ts";
import type { FunctionLimits } from "../types.ts";
import type { Violation } from "./frame-reader.ts";
import { GOING_AWAY, Tunnel, type TunnelOwner } from "./tunnel.ts";

/** A request that asks for a socket, or has one. */
export interface SocketExchange extends TunnelOwner {
  readonly functionName: string;
  readonly id: string;
  readonly client: { readonly ip: string };
  readonly request: { readonly head: { readonly facts: { readonly path: string } } };
  readonly thread: { readonly server: number; readonly version: string } | undefined;
}

/** What there is to share. */
export interface Threads {
  /** Of the node: as many may be busy at once. */
  readonly slots: number;
  readonly isAlone: boolean;
  /** Of the function that is asked for. */
  readonly concurrency: number;
}

interface SocketsOptions {
  limitsOf(functionName: string): Pick<FunctionLimits, "maxSockets" | "idleSocketTimeoutMs">;
  /** `max_share_per_client`, from 0 to 1. */
  clientShare(): number;
  readonly incidents: Pick<Incidents, "note">;
  readonly log: { warn(details: object, message: string): void };
}

type Upgraded = ReturnType<ClientRequest["tunnel"]>;

interface Held {
  readonly concurrency: number;
  tunnel?: Tunnel;
}

interface Holder {
  sockets: number;
  /** What they hold, at best: a thread with room for five is held by five. */
  threads: number;
}

const DEFLATE = /^sec-websocket-extensions:.*\bpermessage-deflate\b/im;

export class Sockets {
  readonly #options: SocketsOptions;
  /** With those whose handshake is under way. */
  readonly #held = new Map<SocketExchange, Held>();
  readonly #byFunction = new Map<string, Holder>();
  readonly #byClient = new Map<string, Holder>();
  /** That all of them hold. */
  #threads = 0;
  readonly #advised = new Set<string>();

  constructor(options: SocketsOptions) {
    this.#options = options;
  }

  /**
   * A client asks for a socket.
   * @returns why it gets none; undefined: it counts until `left`
   */
  admit(exchange: SocketExchange, threads: Threads): DexterError | undefined {
    const { functionName, client } = exchange;
    const own = this.#byFunction.get(functionName) ?? { sockets: 0, threads: 0 };
    const refusal = this.#beyondFunction(exchange, own, threads) ?? this.#beyondClient(exchange, threads);
    if (refusal) return refusal;
    this.#held.set(exchange, { concurrency: threads.concurrency });
    this.#count(functionName, client.ip, threads.concurrency, 1);
    return undefined;
  }

  #beyondFunction(exchange: SocketExchange, own: Holder, threads: Threads): DexterError | undefined {
    const { functionName } = exchange;
    const { maxSockets } = this.#options.limitsOf(functionName);
    if (maxSockets > 0 && own.sockets >= maxSockets)
      return this.#refuse(exchange, "max_sockets", `it has ${own.sockets}, as many as max_sockets allows`);
    const { slots, isAlone, concurrency } = threads;
    const others = Math.ceil(this.#threads - own.threads - TINY);
    const share = socketShare({ slots, others, isAlone });
    const wanted = own.threads + 1 / concurrency;
    if (wanted > share / 2) this.#advise(functionName, own.sockets + 1, threads);
    if (wanted <= share + TINY) return undefined;
    const reason =
      `its ${own.sockets} WebSockets hold ${Math.ceil(own.threads - TINY)} of ${slots} threads, which is its share; ` +
      "a higher concurrency lets one thread carry many";
    return this.#refuse(exchange, "max_sockets", reason);
  }

  #beyondClient(exchange: SocketExchange, { slots, concurrency }: Threads): DexterError | undefined {
    const { ip } = exchange.client;
    const has = this.#byClient.get(ip) ?? { sockets: 0, threads: 0 };
    const share = clientShare(slots, this.#options.clientShare());
    if (has.threads + 1 / concurrency <= share + TINY) return undefined;
    const reason = `the client's ${has.sockets} WebSockets hold ${share} of ${slots} threads, which is its share`;
    return this.#refuse(exchange, "max_share_per_client", reason);
  }

  #refuse(
    exchange: SocketExchange,
    kind: "max_sockets" | "max_share_per_client",
    reason: string,
  ): DexterError {
    const { functionName } = exchange;
    this.#options.incidents.note(
      kind,
      detailsOf(exchange),
      `a WebSocket of ${functionName} was refused: ${reason}`,
    );
    return new DexterError("NO_SOCKET", { function: functionName, reason });
  }

  /** Once for each function: its operator may not know what a socket costs. */
  #advise(functionName: string, sockets: number, { concurrency, slots }: Threads): void {
    if (concurrency > 1 || this.#advised.has(functionName) || slots === 1) return;
    this.#advised.add(functionName);
    this.#options.log.warn(
      { function: functionName, sockets },
      `${functionName} has ${sockets} WebSockets, and each of them holds one of ${slots} threads: ` +
        `raise its concurrency, to 1000 for example, so that one thread carries many`,
    );
  }

  #count(functionName: string, ip: string, concurrency: number, by: 1 | -1): void {
    for (const [holders, key] of [
      [this.#byFunction, functionName],
      [this.#byClient, ip],
    ] as const) {
      const holder = holders.get(key) ?? { sockets: 0, threads: 0 };
      holder.sockets += by;
      holder.threads += by / concurrency;
      if (holder.sockets > 0) holders.set(key, holder);
      else holders.delete(key);
    }
    this.#threads = this.#held.size === 0 ? 0 : this.#threads + by / concurrency;
  }

  /** The handshake is done: what passes from now on is frames. @param answer the lines of the head that says so */
  join(exchange: SocketExchange, thread: Socket, { socket, early }: Upgraded, answer: string): Tunnel {
    const ends = { thread, client: socket, early, deflate: DEFLATE.test(answer) };
    const tunnel = new Tunnel(exchange, ends, (violation) => this.#onViolation(exchange, violation));
    const held = this.#held.get(exchange);
    if (held) held.tunnel = tunnel;
    return tunnel;
  }

  #onViolation(exchange: SocketExchange, { reason }: Violation): void {
    const text = `a client sent ${reason} to ${exchange.functionName}: its WebSocket was closed`;
    this.#options.incidents.note("socket_protocol", detailsOf(exchange), text);
  }

  /** The exchange is over, whether it got a socket or not. */
  left(exchange: SocketExchange): void {
    const held = this.#held.get(exchange);
    if (held === undefined) return;
    this.#held.delete(exchange);
    this.#count(exchange.functionName, exchange.client.ip, held.concurrency, -1);
  }

  /** Every now and then: closes those that are idle for too long. */
  sweep(nowMs: number): void {
    for (const [exchange, { tunnel }] of this.#held) {
      const { idleSocketTimeoutMs: ms } = this.#options.limitsOf(exchange.functionName);
      if (ms === 0 || !tunnel?.isIdleFor(ms, nowMs)) continue;
      const text = `a WebSocket of ${exchange.functionName} was idle for ${ms / 1000} s, and was closed`;
      this.#options.incidents.note("idle_socket_timeout", detailsOf(exchange), text);
      tunnel.close(GOING_AWAY, "idle for too long");
    }
  }

  /** Closes all sockets, or those in one server. */
  closeAll(code: number, reason: string, server?: number): void {
    for (const [exchange, { tunnel }] of this.#held)
      if (server === undefined || exchange.thread?.server === server) tunnel?.close(code, reason);
  }
}

/** Parts of threads are added up, and not exactly. */
const TINY = 1e-6;

function detailsOf({ functionName, id, client, request, thread }: SocketExchange) {
  return {
    function: functionName,
    requestId: id,
    path: request.head.facts.path,
    client: client.ip,
    ...(thread && { version: thread.version }),
  };
}
