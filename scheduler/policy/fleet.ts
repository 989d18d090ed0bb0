/**
 * The scheduling policy as one pure state machine: which thread takes a request, when threads are
 * started and retired, who waits. It has no clock and does no I/O: time comes in as an argument, and what
 * must happen outside goes out through `Effects`. The same code runs in the scheduler and in tests.
 *
 * Here is what can happen; the rules are in the parts: serving.ts, spares.ts, room.ts, residency.ts, upkeep.ts.
 */
import { leastBusy } from "./balancer.ts";
import type { Effects } from "./effects.ts";
import { FairShares, type FleetLimits } from "./fair-shares.ts";
import { Functions } from "./functions.ts";
import type { ServerLoad } from "./hot-threads.ts";
import { Members } from "./members.ts";
import { FairQueue, type Ticket } from "./queue.ts";
import { Residency } from "./residency.ts";
import { Room } from "./room.ts";
import type { Server, ServerLimits } from "./server.ts";
import { Serving } from "./serving.ts";
import { Spares } from "./spares.ts";
import type { Departure, FunctionSpec, Thread } from "./thread.ts";
import { Upkeep } from "./upkeep.ts";

export type { Effects } from "./effects.ts";

export class Fleet<T> {
  readonly #effects: Effects<T>;
  readonly #functions = new Functions();
  readonly #members = new Members();
  readonly #room: Room;
  readonly #spares: Spares;
  readonly #serving: Serving<T>;
  readonly #upkeep: Upkeep<T>;
  readonly queue: FairQueue<T>;
  readonly residency: Residency;
  readonly shares: FairShares<T>;

  constructor(effects: Effects<T>, limits: FleetLimits) {
    this.#effects = effects;
    this.queue = new FairQueue(limits.queue);
    this.#room = new Room(effects, this.#functions, this.#members);
    this.#spares = new Spares(effects, this.#functions, this.#room, this.queue);
    this.residency = new Residency(this.#functions, this.#members);
    const books = { functions: this.#functions, members: this.#members, queue: this.queue };
    this.shares = new FairShares(books, limits);
    const parts = { ...books, effects, room: this.#room, spares: this.#spares, shares: this.shares };
    this.#serving = new Serving(parts);
    this.#upkeep = new Upkeep(parts, this.#serving, () => limits.queueTimeoutMs());
  }

  get servers(): Iterable<Server> {
    return this.#members.all;
  }

  server(key: number): Server | undefined {
    return this.#members.get(key);
  }

  // --- requests ---

  /** Takes a thread for a request of the function, or returns undefined: then `wait` for one. */
  acquire(pool: string, nowMs: number, client?: string): Thread | undefined {
    const fn = this.#functions.get(pool);
    if (fn === undefined) return undefined;
    this.#functions.activate(fn, nowMs);
    fn.heat.count();
    if (this.queue.waiting(pool) > 0 || this.shares.holdsBack(client)) return undefined;
    const thread = this.#serving.take(fn, nowMs);
    if (thread) {
      this.shares.took(client);
      this.#serving.given(thread);
    }
    if (this.#serving.isTouched) this.#serving.settle(nowMs);
    return thread;
  }

  /** Queues a request that found no idle thread, and sees to it that one is started where a slot is free. */
  wait(ticket: Ticket<T>): void {
    const refused = this.queue.add(ticket);
    if (refused) {
      this.#effects.refuse(refused, "full");
      this.#serving.left(refused.pool);
    }
    this.#serving.touch(ticket.pool);
    this.#serving.settle(ticket.sinceMs);
  }

  /** Whether the function has no thread that could serve, but at most some that start. */
  isCold(pool: string): boolean {
    const fn = this.#functions.get(pool);
    return fn !== undefined && !this.#members.isServed(fn);
  }

  /** The client of a waiting request has gone. */
  cancel(ticket: Ticket<T>): void {
    this.queue.remove(ticket);
    this.#serving.left(ticket.pool);
  }

  /** A request has left its thread. */
  release(thread: Thread, nowMs: number, how: Departure = "answered", client?: string): void {
    this.shares.gave(client);
    const server = this.server(thread.server);
    if (server === undefined) return;
    const wasFull = server.isFull;
    server.put(thread, nowMs, how);
    if (server.busy === 0 && server.stage === "draining") this.#effects.due(server);
    if (thread.state === "retiring") {
      if (thread.inFlight === 0) this.#room.done(server, thread);
    } else if (!this.#functions.isCurrent(thread)) this.#room.retire(server, thread);
    else if (this.#serving.owesSlot(server, thread)) this.#room.giveUp(server, thread);
    else if (thread.inFlight === 0) this.#spares.trim(server, server.poolOf(thread), nowMs);
    if (this.queue.size === 0) return;
    this.#serving.touch(thread.pool);
    for (const pool of this.shares.capped) this.#serving.touch(pool);
    if (wasFull) this.#serving.touchSlot(server.slot);
    else this.#serving.touchFreed(server, nowMs);
    this.#serving.settle(nowMs);
  }

  // --- functions ---

  /** Makes `spec` what the function's requests go to. Threads of another version retire. */
  promote(spec: FunctionSpec, nowMs: number): void {
    this.#functions.promote(spec, nowMs);
    for (const server of this.servers) {
      this.#room.retireOutdated(server, spec.pool);
      this.#room.shed(server);
    }
    this.#serving.touch(spec.pool);
    this.#serving.settle(nowMs);
  }

  /** Counts the function as active from now on, as a request would. */
  activate(pool: string, nowMs: number): void {
    this.#functions.activate(this.#functions.get(pool)!, nowMs);
  }

  /** No function counts as active any more, until its next request. */
  deactivateAll(): void {
    this.#functions.deactivateAll();
  }

  /** Forgets a function; returns the requests that waited for it. */
  drop(pool: string): Ticket<T>[] {
    const waiting = this.queue.takeAll(pool);
    this.#serving.left(pool);
    this.#functions.drop(pool);
    for (const server of this.servers) this.#room.retireOutdated(server, pool);
    return waiting;
  }

  /**
   * Starts one thread of a version that is not live yet, in the least busy server, so that it proves itself before
   * `promote`; undefined when no server has a slot for it. What kills a server kills one then, and no more.
   */
  stage(spec: FunctionSpec): Thread | undefined {
    const able = this.#members.open.filter((server) => server.threads.includes(undefined));
    const server = leastBusy(able);
    return server && this.#room.start(server, spec, "extra");
  }

  /** Starts a thread of a version that has proved itself, in each open server that has none, right before `promote`. */
  spread(spec: FunctionSpec): void {
    for (const server of this.#members.open) if (!server.pool(spec)) this.#room.start(server, spec, "extra");
  }

  /** Gives up a staged version that will not be promoted. */
  unstage(spec: FunctionSpec): void {
    for (const server of this.servers) this.#room.retireOutdated(server, spec.pool);
  }

  // --- servers ---

  /**
   * A process is up in server slot `index`, with `residents` in its first thread slots. It takes no
   * requests before `open`. Active functions get their start threads.
   */
  addServer(
    key: number,
    limits: ServerLimits,
    index: number,
    residents: readonly FunctionSpec[] = [],
    nowMs = 0,
  ): Server {
    const server = this.#members.add(key, limits, index, nowMs);
    for (const [slot, spec] of residents.entries()) {
      server.adopt(spec, slot, nowMs);
      this.#members.addHost(server, spec.pool);
    }
    this.#spares.startAll(server);
    return server;
  }

  /** Whether every thread that `addServer` started is ready, or has failed. */
  isWarm(key: number): boolean {
    return [...this.server(key)!.pools].every((pool) => pool.starting === 0);
  }

  open(key: number, nowMs: number): void {
    const server = this.server(key)!;
    this.#members.setStage(server, "open");
    for (const { spec } of [...server.pools]) this.#room.retireOutdated(server, spec.pool);
    this.#settleAll(nowMs);
    this.#spares.fill(server, nowMs);
  }

  /** No more requests go to the server; those in it finish. */
  drain(key: number, nowMs: number): void {
    const server = this.server(key);
    if (server === undefined) return;
    this.#members.setStage(server, "draining");
    this.#settleAll(nowMs);
  }

  /** The process is gone, and its threads with it. */
  removeServer(key: number, nowMs: number): void {
    const server = this.server(key);
    if (server === undefined) return;
    this.#members.remove(server);
    this.#room.forget(server);
    this.#settleAll(nowMs);
  }

  /** The server answers its probes, or does not. */
  probed(key: number, responsive: boolean, nowMs: number): void {
    const server = this.server(key);
    if (server === undefined || server.responsive === responsive) return;
    server.responsive = responsive;
    this.#settleAll(nowMs);
  }

  /** How busy the server's process was lately: see `Server.adapt`. */
  adapt(key: number, load: ServerLoad | "idle", nowMs: number): void {
    const server = this.server(key);
    if (server === undefined) return;
    server.adapt(load);
    this.#serving.touchServer(server);
    this.#serving.settle(nowMs);
  }

  /** Looks again at what waits. */
  resume(nowMs: number): void {
    this.#settleAll(nowMs);
  }

  #settleAll(nowMs: number): void {
    this.#serving.touchAll();
    this.#serving.settle(nowMs);
  }

  // --- threads ---

  loaded(thread: Thread, nowMs: number): void {
    const server = this.server(thread.server);
    if (server === undefined) return;
    if (thread.state === "retiring") return this.#effects.retire(thread);
    server.ready(thread, nowMs);
    this.#serving.touch(thread.pool);
    // Another function may wait for a slot: an idle thread can give way, one that starts could not.
    this.#serving.settle(nowMs);
  }

  loadFailed(thread: Thread, reason: string, nowMs: number): void {
    const server = this.server(thread.server);
    if (server === undefined) return;
    if (thread.state !== "retiring") this.#room.retire(server, thread);
    this.#room.remove(server, thread);
    const fn = this.#functions.get(thread.pool);
    if (fn && this.#functions.isCurrent(thread)) {
      this.#functions.failed(fn, nowMs);
      if (this.#members.sizeOf(fn) === 0)
        for (const ticket of this.queue.takeAll(fn.pool)) this.#effects.refuse(ticket, "load-failed", reason);
      this.#serving.left(fn.pool);
    }
    this.#serving.touch(thread.pool);
    this.#serving.settle(nowMs);
  }

  /** A thread's isolate has ended, or was never made for no fault of its version; its slot is free. */
  ended(thread: Thread, nowMs: number): void {
    const server = this.server(thread.server);
    if (server === undefined) return;
    if (thread.state === "starting") {
      this.#room.retire(server, thread);
      this.#serving.touch(thread.pool);
    }
    this.#room.remove(server, thread);
    this.#serving.settle(nowMs);
    if (server.stage === "open") this.#spares.fill(server, nowMs);
  }

  // --- time ---

  /** Once a second, and whenever something may have been missed. */
  tick(nowMs: number): void {
    this.#upkeep.tick(nowMs);
  }
}
