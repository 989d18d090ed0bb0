/**
 * The dispatcher: takes a request that the router has given a function, gets a thread for it from the
 * fleet or lets it wait, and sees it through. It knows a thread only by its socket.
 */
import { DexterError } from "../errors.ts";
import type { ClientRequest } from "../http/client-request.ts";
import type { RequestContext } from "../http/listener.ts";
import type { Effects, RefusalCause } from "../policy/effects.ts";
import { Fleet } from "../policy/fleet.ts";
import type { Server } from "../policy/server.ts";
import type { Thread } from "../policy/thread.ts";
import type { NodeConfig } from "../types.ts";
import { Exchange, type ExchangePorts, type RequestObserver } from "./exchange.ts";
import { ThreadClient } from "./thread-client.ts";

/** What the dispatcher asks of whoever owns the threads. */
interface ThreadPorts {
  /** The socket of a thread; undefined when its server is gone. */
  socketOf(thread: Thread): string | undefined;
  load(thread: Thread): void;
  retire(thread: Thread): void;
  full(server: Server): void;
  due(server: Server): void;
}

interface DispatchLimits {
  readonly queue: number;
  readonly queueTimeoutMs: number;
  /** `max_share_per_client`, from 0 to 1. */
  readonly clientShare: number;
}

export function dispatchLimits({ listenBacklog, queueTimeoutMs, limits }: NodeConfig): DispatchLimits {
  return { queue: listenBacklog, queueTimeoutMs, clientShare: limits.maxSharePerClient };
}

/** A request that could not be sent is tried again after 5, 10, 15, … ms: until the loss has been noticed. */
const RETRY_STEP_MS = 5;
const MAX_RETRIES = 10;

export class Dispatcher implements ExchangePorts {
  readonly fleet: Fleet<Exchange>;
  /** Every request that is waiting or in a thread. */
  readonly exchanges = new Set<Exchange>();
  readonly totals = { requests: 0, rejected: 0 };
  readonly #threads: ThreadPorts;
  readonly #told: RequestObserver;
  #limits: DispatchLimits;
  #wake: NodeJS.Timeout | undefined;
  readonly #clients = new Map<Thread, ThreadClient>();

  constructor(threads: ThreadPorts, told: RequestObserver, limits: DispatchLimits) {
    this.#threads = threads;
    this.#told = told;
    this.#limits = limits;
    const effects: Effects<Exchange> = {
      load: (thread) => threads.load(thread),
      retire: (thread) => {
        this.#clients.get(thread)?.close();
        this.#clients.delete(thread);
        threads.retire(thread);
      },
      grant: (ticket, thread) => ticket.request.start(thread),
      refuse: (ticket, why, reason) => {
        this.totals.rejected++;
        told.refused(ticket.request, why);
        ticket.request.fail(this.#refusal(why, ticket.request.functionName, reason));
      },
      full: (server) => threads.full(server),
      due: (server) => threads.due(server),
      wakeIn: (ms) => this.#wakeIn(ms),
    };
    this.fleet = new Fleet(effects, {
      queue: limits.queue,
      queueTimeoutMs: () => this.#limits.queueTimeoutMs,
      clientShare: () => this.#limits.clientShare,
    });
  }

  configure(limits: DispatchLimits): void {
    this.#limits = limits;
    this.fleet.queue.limit = limits.queue;
  }

  /** Serves a request with a thread of the function. */
  dispatch(request: ClientRequest, context: RequestContext): void {
    this.totals.requests++;
    const exchange = new Exchange(this, this.#told, request, context);
    this.exchanges.add(exchange);
    const refusal = request.head.facts.upgrade
      ? this.#told.sockets.admit(exchange, this.fleet.shares.threadsFor(exchange.pool))
      : undefined;
    if (refusal) exchange.fail(refusal);
    else this.#place(exchange);
  }

  #place(exchange: Exchange): void {
    const nowMs = performance.now();
    const { pool, repeatable } = exchange;
    const client = exchange.client.ip;
    const thread = this.fleet.acquire(pool, nowMs, repeatable, client);
    if (thread) return exchange.start(thread);
    if (this.fleet.isCold(pool)) exchange.cold = true;
    exchange.ticket = { pool, sinceMs: nowMs, request: exchange, repeatable, client };
    this.fleet.wait(exchange.ticket);
  }

  /** What waits for threads of the first pool, or would come back to them, goes to the second's. */
  reroute(from: string, to: string): void {
    for (const exchange of this.exchanges) if (exchange.pool === from) exchange.pool = to;
    for (const { request } of this.fleet.drop(from)) {
      request.ticket = undefined;
      this.#place(request);
    }
  }

  clientOf(thread: Thread): ThreadClient | undefined {
    const known = this.#clients.get(thread);
    if (known !== undefined) return known;
    const path = this.#threads.socketOf(thread);
    if (path === undefined) return undefined;
    const client = new ThreadClient(path);
    this.#clients.set(thread, client);
    return client;
  }

  release(thread: Thread, answered: boolean, client: string): void {
    this.fleet.release(thread, performance.now(), answered, client);
  }

  /** Once in `HELD_MS`: what was sent ahead of its turn, and has waited for longer than that, is sent elsewhere. */
  recallAhead(): void {
    const nowMs = performance.now();
    for (const exchange of this.exchanges) if (exchange.recall(nowMs)) this.#place(exchange);
  }

  retry(exchange: Exchange): void {
    if (exchange.retries > MAX_RETRIES) return exchange.fail(new DexterError("SERVER_LOST"));
    setTimeout(() => {
      if (exchange.open) this.#place(exchange);
    }, exchange.retries * RETRY_STEP_MS);
  }

  forget(exchange: Exchange): void {
    if (exchange.ticket) this.fleet.cancel(exchange.ticket);
    this.exchanges.delete(exchange);
  }

  #wakeIn(ms: number): void {
    this.#wake ??= setTimeout(() => {
      this.#wake = undefined;
      this.fleet.resume(performance.now());
    }, ms);
  }

  /** The server is gone: connections to its threads are of no more use. */
  forgetServer(key: number): void {
    for (const [thread, client] of this.#clients) {
      if (thread.server !== key) continue;
      client.close();
      this.#clients.delete(thread);
    }
  }

  #refusal(why: RefusalCause, functionName: string, reason = ""): DexterError {
    switch (why) {
      case "full":
        return new DexterError("QUEUE_FULL", { waiting: this.fleet.queue.size });
      case "timeout":
        return new DexterError("QUEUE_TIMEOUT", { seconds: this.#limits.queueTimeoutMs / 1000 });
      case "load-failed":
        return new DexterError("LOAD_FAILED", { function: functionName, reason });
    }
  }
}
