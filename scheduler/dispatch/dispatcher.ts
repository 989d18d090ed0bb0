/**
 * The dispatcher: takes a request that the router has given a function, gets a thread for it from the
 * fleet or lets it wait, and sees it through. It knows a thread only by its socket.
 */
import { DexterError } from "../errors.ts";
import type { ClientRequest } from "../http/client-request.ts";
import type { RequestContext } from "../http/listener.ts";
import type { Effects, RefusalCause } from "../policy/effects.ts";
import { Fleet } from "../policy/fleet.ts";
import type { Ticket } from "../policy/queue.ts";
import type { Server } from "../policy/server.ts";
import type { Departure, Thread } from "../policy/thread.ts";
import type { FunctionLimits, NodeConfig } from "../types.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangePorts, RequestObserver } from "./exchange-ports.ts";
import { lateness } from "./lateness.ts";
import { Reruns } from "./reruns.ts";
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

/** What requests may take. */
export interface DispatchLimits {
  /** The most that wait. */
  readonly queue: number;
  readonly queueTimeoutMs: number;
  /** The share of requests that may run again. */
  readonly retryBudget: number;
  /** `max_share_per_client`, from 0 to 1. */
  readonly clientShare: number;
}

export function dispatchLimits({ listenBacklog, queueTimeoutMs, limits }: NodeConfig): DispatchLimits {
  const { retryBudget, maxSharePerClient: clientShare } = limits;
  return { queue: listenBacklog, queueTimeoutMs, retryBudget, clientShare };
}

/** What serves the requests of a pool that are kept apart. */
export interface Confinement {
  readonly fleet: Fleet<Exchange>;
  /** They get no thread before. */
  pausedUntilMs(): number;
}

function paused(confined: Confinement, { functionName }: Exchange, nowMs: number): DexterError {
  const seconds = Math.ceil((confined.pausedUntilMs() - nowMs) / 1000);
  return new DexterError("QUARANTINED", { function: functionName, seconds });
}

/** A request that could not be sent is tried again after 5, 10, 15, … ms: until the loss has been noticed. */
const RETRY_STEP_MS = 5;
const MAX_RETRIES = 10;

export class Dispatcher implements ExchangePorts<Exchange> {
  /** Of the servers that all functions share. */
  readonly fleet: Fleet<Exchange>;
  /** Of servers that are kept apart. */
  readonly #apart = new Set<Fleet<Exchange>>();
  /** By pool, what is served apart. */
  readonly #confined = new Map<string, Confinement>();
  readonly #effects: Effects<Exchange>;
  /** Every request that is waiting or in a thread. */
  readonly exchanges = new Set<Exchange>();
  readonly totals = { requests: 0, rejected: 0 };
  readonly #threads: ThreadPorts;
  readonly #told: RequestObserver<Exchange>;
  #limits: DispatchLimits;
  readonly #limitsOf: (functionName: string) => FunctionLimits;
  readonly #reruns: Reruns;
  #wake: NodeJS.Timeout | undefined;
  readonly #clients = new Map<Thread, ThreadClient>();

  constructor(
    threads: ThreadPorts,
    told: RequestObserver<Exchange>,
    limits: DispatchLimits,
    limitsOf: (functionName: string) => FunctionLimits,
  ) {
    this.#threads = threads;
    this.#told = told;
    this.#limits = limits;
    this.#limitsOf = limitsOf;
    this.#reruns = new Reruns(told, limits.retryBudget, (functionName) => limitsOf(functionName).retry);
    this.#effects = {
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
    this.fleet = this.#newFleet();
  }

  #newFleet(): Fleet<Exchange> {
    return new Fleet(this.#effects, {
      queue: this.#limits.queue,
      queueTimeoutMs: () => this.#limits.queueTimeoutMs,
      clientShare: () => this.#limits.clientShare,
    });
  }

  /** A fleet for servers that are kept apart from the others. */
  openApart(): Fleet<Exchange> {
    const fleet = this.#newFleet();
    this.#apart.add(fleet);
    return fleet;
  }

  /** Its servers are gone, or will be: what waits there for the pools waits with the others. */
  closeApart(fleet: Fleet<Exchange>, pools: readonly string[]): void {
    this.#apart.delete(fleet);
    for (const pool of pools) this.#placeAll(fleet.drop(pool));
  }

  /** Requests of the pool go to these servers from now on. */
  confine(pool: string, confinement: Confinement): void {
    this.#confined.set(pool, confinement);
    this.#placeAll(this.fleet.drop(pool));
  }

  /** Requests of the pool go to the servers of all functions again. */
  unconfine(pool: string, fleet: Fleet<Exchange>): void {
    this.#confined.delete(pool);
    this.#placeAll(fleet.drop(pool));
  }

  #fleetOf(server: number): Fleet<Exchange> | undefined {
    return [this.fleet, ...this.#apart].find((fleet) => fleet.server(server));
  }

  configure(limits: DispatchLimits): void {
    this.#limits = limits;
    this.#reruns.budget.share = limits.retryBudget;
    this.fleet.queue.limit = limits.queue;
  }

  /** Serves a request with a thread of the function. */
  dispatch(request: ClientRequest, context: RequestContext): void {
    this.totals.requests++;
    this.#reruns.budget.earn();
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
    const confined = this.#confined.size > 0 ? this.#confined.get(pool) : undefined;
    if (confined && nowMs < confined.pausedUntilMs()) return exchange.fail(paused(confined, exchange, nowMs));
    const fleet = exchange.apart ?? confined?.fleet ?? this.fleet;
    exchange.fleet = fleet;
    const client = exchange.client.ip;
    const thread = fleet.acquire(pool, nowMs, client);
    if (thread) return exchange.start(thread);
    if (fleet.isCold(pool)) exchange.cold = true;
    exchange.ticket = { pool, sinceMs: nowMs, request: exchange, repeatable, client };
    fleet.wait(exchange.ticket);
  }

  #placeAll(waiting: readonly Ticket<Exchange>[]): void {
    for (const { request } of waiting) {
      request.ticket = undefined;
      request.apart = undefined;
      this.#place(request);
    }
  }

  /** What waits for threads of the first pool, or would come back to them, goes to the second's. */
  reroute(from: string, to: string): void {
    for (const exchange of this.exchanges) if (exchange.pool === from) exchange.pool = to;
    this.#placeAll(this.fleet.drop(from));
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

  release(exchange: Exchange, thread: Thread, how: Departure): void {
    exchange.fleet?.release(thread, performance.now(), how, exchange.client.ip);
  }

  retry(exchange: Exchange): void {
    if (exchange.retries === 0 || exchange.again) return this.#place(exchange);
    if (exchange.retries > MAX_RETRIES) return exchange.fail(new DexterError("SERVER_LOST"));
    setTimeout(() => {
      if (exchange.open) this.#place(exchange);
    }, exchange.retries * RETRY_STEP_MS);
  }

  awaitFate(exchange: Exchange, server: number): boolean {
    return this.#reruns.add(exchange, server, this.#fleetOf(server) === undefined);
  }

  /** The server is not dead after all, although a connection to it was lost. */
  alive(server: number): void {
    this.#reruns.alive(server);
  }

  forget(exchange: Exchange): void {
    if (exchange.ticket) exchange.fleet?.cancel(exchange.ticket);
    this.exchanges.delete(exchange);
  }

  #wakeIn(ms: number): void {
    this.#wake ??= setTimeout(() => {
      this.#wake = undefined;
      for (const fleet of [this.fleet, ...this.#apart]) fleet.resume(performance.now());
    }, ms);
  }

  /** Once a second: requests that take longer than they may are ended. */
  endLate(nowMs: number): void {
    for (const exchange of this.exchanges) {
      const late = lateness(exchange, this.#limitsOf(exchange.functionName), nowMs);
      if (late === undefined) continue;
      const { kind, error } = late;
      this.#told.limited(exchange, kind, error.message);
      exchange.fail(error);
    }
  }

  /** Requests in the server with this key. */
  inside(server: number): Exchange[] {
    return [...this.exchanges].filter(({ thread }) => thread?.server === server);
  }

  /** The server is gone: connections to its threads are of no more use. */
  forgetServer(key: number): void {
    for (const [thread, client] of this.#clients) {
      if (thread.server !== key) continue;
      client.close();
      this.#clients.delete(thread);
    }
    this.#reruns.dead(key);
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
