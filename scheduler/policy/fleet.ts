/**
 * The scheduling policy as one pure state machine: which thread takes a request, when threads are
 * started and retired, who waits. It has no clock and does no I/O: time comes in as an argument, and what
 * must happen outside goes out through `Effects`. The same code runs in the scheduler and in tests.
 */
import { leastBusy } from "./balancer.ts";
import { HELD_MS, type Pool } from "./pool.ts";
import { FairQueue, type Ticket } from "./queue.ts";
import { Heat, isOutdated, RESIDENTS_AFTER_MS, startThreadsOf } from "./residency.ts";
import { type Place, Server, type ServerLimits, type ServerLoad } from "./server.ts";
import type { FunctionSpec, Thread } from "./thread.ts";

/**
 * A surplus thread retires when its pool has had no request for this long, or when it was not used for
 * `SURPLUS_UNUSED_MS`. Retiring at once makes threads come and go with every wave of requests, and each creation
 * costs a server 5 to 13 ms.
 */
export const SURPLUS_AGE_MS = 800;
export const SURPLUS_UNUSED_MS = 10_000;

/** For spare threads (as opposed to a waiting request) only functions without a request for this long give way. */
export const SPARE_EVICTS_AFTER_MS = 10_000;

/** After a failed load no spare threads are started for this long. */
const LOAD_RETRY_MS = 1_000;

/** What the policy asks of the world. */
export interface Effects<T> {
  /** Create the isolate; answer with `loaded` or `loadFailed`. */
  load(thread: Thread): void;
  /** End the isolate, which has no request left; answer with `ended`. */
  retire(thread: Thread): void;
  /** The request may go to the thread, which is already taken for it. */
  grant(ticket: Ticket<T>, thread: Thread): void;
  refuse(ticket: Ticket<T>, why: "full" | "timeout" | "load-failed", reason?: string): void;
  /** A server has reached `max_threads_per_child` and would start another. */
  full(server: Server): void;
  /** The server has used most of its requests, or has drained: its owner should look at it. */
  due(server: Server): void;
  /** Call `resume` after so many milliseconds; sooner or more often does no harm. */
  wakeIn(ms: number): void;
}

interface FunctionState {
  spec: FunctionSpec;
  /** Since when requests go to this version. */
  promotedMs: number;
  readonly heat: Heat;
  lastRequestMs: number;
  noSparesBeforeMs: number;
}

export class Fleet<T> {
  readonly #effects: Effects<T>;
  readonly #queueTimeoutMs: () => number;
  readonly #servers = new Map<number, Server>();
  readonly #places = new Map<number, Place>();
  #open: Server[] = [];
  /** By function, the servers with threads of any version of it, in the order of their keys. */
  readonly #hosts = new Map<string, Server[]>();
  readonly #functions = new Map<string, FunctionState>();
  /** Functions with a request within `idle_timeout`. */
  readonly #active = new Set<FunctionState>();
  readonly queue: FairQueue<T>;

  constructor(effects: Effects<T>, limits: { queue: number; queueTimeoutMs: () => number }) {
    this.#effects = effects;
    this.#queueTimeoutMs = limits.queueTimeoutMs;
    this.queue = new FairQueue(limits.queue);
  }

  get servers(): Iterable<Server> {
    return this.#servers.values();
  }

  server(key: number): Server | undefined {
    return this.#servers.get(key);
  }

  // --- requests ---

  /** Takes a thread for a request of the function, or returns undefined: then `wait` for one. */
  acquire(name: string, nowMs: number, repeatable = false): Thread | undefined {
    const fn = this.#functions.get(name);
    if (fn === undefined) return undefined;
    fn.lastRequestMs = nowMs;
    fn.heat.count();
    this.#active.add(fn);
    return this.queue.waiting(name) > 0 ? undefined : this.#take(fn, nowMs, repeatable);
  }

  /** Queues a request that found no idle thread, and sees to it that one is started where a slot is free. */
  wait(ticket: Ticket<T>): void {
    const refused = this.queue.add(ticket);
    if (refused) this.#effects.refuse(refused, "full");
    if (refused !== ticket) this.#serve(ticket.functionName, ticket.sinceMs);
  }

  /** Whether the function has no thread that could serve, but at most some that start. */
  isCold(name: string): boolean {
    const fn = this.#functions.get(name);
    return fn !== undefined && this.#count(fn, ({ idle, busy }) => idle + busy) === 0;
  }

  /** The client of a waiting request has gone. */
  cancel(ticket: Ticket<T>): void {
    this.queue.remove(ticket);
  }

  /** A request has left its thread. @param answered after a whole answer, which tells how long one takes */
  release(thread: Thread, nowMs: number, answered = true): void {
    const server = this.#servers.get(thread.server);
    if (server === undefined) return;
    server.put(thread, nowMs, answered);
    if (server.busy === 0 && server.stage === "draining") this.#effects.due(server);
    if (thread.state === "retiring") {
      if (thread.inFlight === 0) this.#end(server, thread);
    } else if (!this.#isCurrent(thread) || this.#owesSlot(server, thread)) this.#retire(server, thread);
    else if (thread.inFlight === 0) this.#trim(server, server.poolOf(thread), nowMs);
    if (this.queue.size > 0) this.#serveAll(nowMs);
  }

  // --- functions ---

  /** Makes `spec` what the function's requests go to. Threads of another version retire. */
  promote(spec: FunctionSpec, nowMs: number): void {
    const known = this.#functions.get(spec.name);
    if (known) Object.assign(known, { spec, promotedMs: nowMs });
    else
      this.#functions.set(spec.name, {
        spec,
        promotedMs: nowMs,
        heat: new Heat(),
        lastRequestMs: -Infinity,
        noSparesBeforeMs: 0,
      });
    for (const server of this.#servers.values()) {
      this.#retireOutdated(server, spec.name);
      this.#shed(server);
    }
    this.#serve(spec.name, nowMs);
  }

  /** Counts the function as active from now on, as a request would. */
  activate(name: string, nowMs: number): void {
    const fn = this.#functions.get(name)!;
    fn.lastRequestMs = nowMs;
    this.#active.add(fn);
  }

  /** No function counts as active any more, until its next request. */
  deactivateAll(): void {
    this.#active.clear();
  }

  /** Forgets a function; returns the requests that waited for it. */
  drop(name: string): Ticket<T>[] {
    const fn = this.#functions.get(name);
    if (fn) this.#active.delete(fn);
    this.#functions.delete(name);
    for (const server of this.#servers.values()) this.#retireOutdated(server, name);
    const waiting: Ticket<T>[] = [];
    for (let ticket = this.queue.take(name); ticket; ticket = this.queue.take(name)) waiting.push(ticket);
    return waiting;
  }

  /**
   * Starts one thread of a version that is not live yet, in the least busy server, so that it proves itself before
   * `promote`; undefined when no server has a slot for it. What kills a server kills one then, and no more.
   */
  stage(spec: FunctionSpec): Thread | undefined {
    const able = this.#open.filter((server) => server.threads.includes(undefined));
    const server = fewestComing(able.filter(({ responsive }) => responsive)) ?? fewestComing(able);
    return server && this.#start(server, spec, true);
  }

  /** Starts a thread of a version that has proved itself, in each open server that has none, right before `promote`. */
  spread(spec: FunctionSpec): void {
    for (const server of this.#open) if (!server.pool(spec)) this.#start(server, spec, true);
  }

  /** Gives up a staged version that will not be promoted. */
  unstage(spec: FunctionSpec): void {
    for (const server of this.#servers.values()) this.#retireOutdated(server, spec.name);
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
    const place = this.#places.get(index) ?? { index, busyThreads: 0 };
    this.#places.set(index, place);
    const server = new Server(key, limits, place, nowMs);
    this.#servers.set(key, server);
    for (const [slot, spec] of residents.entries()) {
      server.adopt(spec, slot, nowMs);
      this.#addHost(server, spec.name);
    }
    // Breadth first: every function has one thread before any has two.
    for (let round = 0; ; round++) {
      const wanting = [...this.#active].filter(
        ({ spec }) => spec.threads.startThreads > Math.max(round, server.pool(spec)?.size ?? 0),
      );
      if (wanting.length === 0 || !server.hasFreeSlot) return server;
      for (const fn of wanting) if (server.hasFreeSlot) this.#start(server, fn.spec);
    }
  }

  /** The threads that a generation should be born with: the start threads of hot functions, or of all active ones. */
  residents(
    whose: "hot" | "all",
    limits: ServerLimits,
    allowed: (spec: FunctionSpec) => boolean,
  ): FunctionSpec[] {
    const functions = [...this.#active].filter(
      ({ heat, spec }) => (whose === "all" || heat.wasHot) && allowed(spec),
    );
    functions.sort((one, other) => one.heat.before(other.heat));
    return startThreadsOf(
      functions.map(({ spec }) => spec),
      limits.maxThreads,
    );
  }

  /**
   * Whether a server should be replaced because the next generation would be born with other threads.
   * @param wanted those of `residents`
   * @param restMs for so long servers and versions are left alone, so that several changes make one replacement
   */
  wantsResidents(
    key: number,
    wanted: readonly FunctionSpec[],
    nowMs: number,
    restMs: number = RESIDENTS_AFTER_MS,
  ): boolean {
    const server = this.#servers.get(key);
    if (server === undefined) return false;
    const live = (name: string) => {
      const fn = this.#functions.get(name);
      if (fn === undefined) return undefined;
      return { version: fn.spec.version, ageMs: nowMs - fn.promotedMs, active: this.#active.has(fn) };
    };
    return isOutdated({ ageMs: nowMs - server.sinceMs, born: server.residents, wanted, live }, restMs);
  }

  /** Whether every thread that `addServer` started is ready, or has failed. */
  isWarm(key: number): boolean {
    return [...this.#servers.get(key)!.pools].every((pool) => pool.starting === 0);
  }

  open(key: number, nowMs: number): void {
    const server = this.#servers.get(key)!;
    server.stage = "open";
    this.#refreshOpen();
    for (const pool of [...server.pools])
      if (!this.#isCurrent(pool.spec)) this.#retireOutdated(server, pool.spec.name);
    this.#serveAll(nowMs);
    this.#fill(server, nowMs);
  }

  /** No more requests go to the server; those in it finish. */
  drain(key: number, nowMs: number): void {
    const server = this.#servers.get(key);
    if (server === undefined) return;
    server.stage = "draining";
    this.#refreshOpen();
    this.#serveAll(nowMs);
  }

  /** The process is gone, and its threads with it. */
  removeServer(key: number, nowMs: number): void {
    const server = this.#servers.get(key);
    if (server === undefined) return;
    this.#servers.delete(key);
    server.place.busyThreads -= server.busyThreads;
    for (const { spec } of server.pools) this.#removeHost(server, spec.name);
    this.#refreshOpen();
    this.#serveAll(nowMs);
  }

  /** The server answers its probes, or does not. */
  probed(key: number, responsive: boolean, nowMs: number): void {
    const server = this.#servers.get(key);
    if (server === undefined || server.responsive === responsive) return;
    server.responsive = responsive;
    this.#serveAll(nowMs);
  }

  /** How busy the server's process was lately: see `Server.adapt`. */
  adapt(key: number, load: ServerLoad | "idle", nowMs: number): void {
    this.#servers.get(key)?.adapt(load);
    this.resume(nowMs);
  }

  /** Looks again at what waits. */
  resume(nowMs: number): void {
    if (this.queue.size > 0) this.#serveAll(nowMs);
  }

  // --- threads ---

  loaded(thread: Thread, nowMs: number): void {
    const server = this.#servers.get(thread.server);
    if (server === undefined) return;
    if (thread.state === "retiring") return this.#end(server, thread);
    server.poolOf(thread).ready(thread, nowMs);
    this.#serve(thread.functionName, nowMs);
    // Another function may wait for a slot: an idle thread can give way, one that starts could not.
    this.resume(nowMs);
  }

  loadFailed(thread: Thread, reason: string, nowMs: number): void {
    const server = this.#servers.get(thread.server);
    if (server === undefined) return;
    if (thread.state !== "retiring") server.poolOf(thread).retire(thread);
    this.#remove(server, thread);
    const fn = this.#functions.get(thread.functionName);
    if (fn && this.#isCurrent(thread)) {
      fn.noSparesBeforeMs = nowMs + LOAD_RETRY_MS;
      if (this.#count(fn, (pool) => pool.size) === 0) this.#refuseAll(fn.spec.name, reason);
    }
    if (this.queue.size > 0) this.#serveAll(nowMs);
  }

  /** A retired thread's isolate has ended; its slot is free. */
  ended(thread: Thread, nowMs: number): void {
    const server = this.#servers.get(thread.server);
    if (server === undefined) return;
    server.freeing--;
    this.#freed(server, thread, nowMs);
  }

  /** A thread that retired before its load had begun was never there. */
  unstarted(thread: Thread, nowMs: number): void {
    const server = this.#servers.get(thread.server);
    if (server !== undefined) this.#freed(server, thread, nowMs);
  }

  #freed(server: Server, thread: Thread, nowMs: number): void {
    this.#remove(server, thread);
    if (this.queue.size > 0) this.#serveAll(nowMs);
    if (server.stage === "open") this.#fill(server, nowMs);
  }

  // --- time ---

  /** Once a second, and whenever something may have been missed: repairs what events did not. */
  tick(nowMs: number): void {
    for (const ticket of this.queue.expire(nowMs, this.#queueTimeoutMs()))
      this.#effects.refuse(ticket, "timeout");
    this.#keepInUse(nowMs);
    for (const fn of this.#functions.values()) {
      if (nowMs - fn.lastRequestMs >= fn.spec.threads.idleTimeoutMs) this.#active.delete(fn);
      fn.heat.cool(this.#active.has(fn), nowMs);
    }
    for (const server of this.#open) {
      for (const pool of server.pools) {
        if (!this.#isCurrent(pool.spec)) continue;
        if (this.#active.has(this.#functions.get(pool.spec.name)!)) this.#trim(server, pool, nowMs);
        else this.#retireIdle(server, pool);
      }
      this.#shed(server);
      this.#fill(server, nowMs);
    }
    if (this.queue.size > 0) this.#serveAll(nowMs);
  }

  // --- rules ---

  #take(fn: FunctionState, nowMs: number, repeatable: boolean): Thread | undefined {
    const choice = this.#hostsOf(fn.spec.name).filter((server) => {
      const pool = server.pool(fn.spec);
      return pool !== undefined && server.hasRoom(pool) && !server.holds(pool, nowMs);
    });
    const server = leastBusy(choice) ?? (this.#allUnresponsive ? leastBusy(choice, true) : undefined);
    if (server === undefined) return undefined;
    const thread = server.take(server.pool(fn.spec)!, nowMs, repeatable);
    if (server.requests === server.recycleAt) this.#effects.due(server);
    this.#grow(server, fn, nowMs, true);
    return thread;
  }

  get #allUnresponsive(): boolean {
    return !this.#open.some((server) => server.responsive);
  }

  /** Gives idle threads to the function's waiting requests, and starts threads for the rest. */
  #serve(name: string, nowMs: number): void {
    const fn = this.#functions.get(name);
    if (fn === undefined) return;
    while (this.queue.waiting(name) > 0) {
      const thread = this.#take(fn, nowMs, this.queue.oldest(name)!.repeatable === true);
      if (thread !== undefined) this.#effects.grant(this.queue.take(name)!, thread);
      else if (!this.#sendAhead(fn, nowMs)) return this.#letWait(fn, nowMs);
    }
  }

  /** Where requests wait for hot threads, some are sent to them ahead of their turn, in the order of the queue. */
  #sendAhead(fn: FunctionState, nowMs: number): boolean {
    if (!this.queue.oldest(fn.spec.name)?.repeatable) return false;
    let best: { server: Server; thread: Thread } | undefined;
    for (const server of this.#open) {
      const pool = server.pool(fn.spec);
      if (!pool || !server.responsive || server.isSpent || !server.holds(pool, nowMs)) continue;
      const thread = server.nextAhead(pool, nowMs);
      if (thread && thread.ahead < (best?.thread.ahead ?? Number.POSITIVE_INFINITY))
        best = { server, thread };
    }
    if (best === undefined) return false;
    best.server.sendAhead(best.thread);
    if (best.server.requests === best.server.recycleAt) this.#effects.due(best.server);
    this.#effects.grant(this.queue.take(fn.spec.name)!, best.thread);
    return true;
  }

  /**
   * What waits for hot threads is looked at again; for the rest, threads are started. Not while a server holds: it
   * would hold a new thread as well, which would only be taken away again for another function, and so on.
   */
  #letWait(fn: FunctionState, nowMs: number): void {
    const holding = this.#hostsOf(fn.spec.name).some((server) => {
      const pool = server.pool(fn.spec);
      return pool !== undefined && this.#isAble(server) && server.holds(pool, nowMs);
    });
    if (holding) this.#effects.wakeIn(HELD_MS);
    else this.#startForWaiting(fn, nowMs);
  }

  #serveAll(nowMs: number): void {
    for (const name of [...this.queue.waitingFunctions()]) this.#serve(name, nowMs);
  }

  /** Whether a thread that is started now in the server could serve a waiting request at once. */
  #isAble(server: Server): boolean {
    return server.takesThreads && (server.responsive || this.#allUnresponsive);
  }

  get #able(): Server[] {
    return this.#open.filter((server) => this.#isAble(server));
  }

  /** How many threads would serve all that wait for the function. */
  #wanted(fn: FunctionState): number {
    return Math.ceil(this.queue.waiting(fn.spec.name) / fn.spec.threads.concurrency);
  }

  #startForWaiting(fn: FunctionState, nowMs: number): void {
    // After a failure the next try has time, as long as there are threads that requests can wait for.
    if (nowMs < fn.noSparesBeforeMs && this.#count(fn, (pool) => pool.size) > 0) return;
    const wanted = this.#wanted(fn);
    let coming = this.#startingInAble(fn);
    if (coming >= wanted) return;
    const able = this.#able;
    for (; coming < wanted; coming++) {
      const free = able.filter((server) => server.hasFreeSlot);
      const server = fewestComing(free);
      if (server === undefined) break;
      this.#start(server, fn.spec);
    }
    for (const server of able) coming += server.freeing;
    for (; coming < wanted; coming++) {
      const victim = this.#coldestOfOthers(able, fn);
      if (victim === undefined) break;
      this.#retire(victim.server, victim.thread);
    }
  }

  /**
   * Starts threads until the function has `min_spare_threads` idle or coming in the server. Only a request
   * may `evict` for that: at rest, threads stay where they are.
   */
  #grow(server: Server, fn: FunctionState, nowMs: number, evict = false): void {
    let deficit = this.#lacking(server, fn, nowMs);
    if (deficit === 0) return;
    for (; deficit > 0 && server.hasFreeSlot; deficit--) this.#start(server, fn.spec);
    if (deficit === 0) return;
    this.#effects.full(server);
    if (!evict) return;
    const quietSinceMs = nowMs - SPARE_EVICTS_AFTER_MS;
    for (deficit -= server.freeing; deficit > 0; deficit--) {
      const quiet = this.#coldestOfOthers([server], fn, quietSinceMs)?.thread;
      const victim = quiet ?? this.#needlessSpare(server, fn, quietSinceMs);
      if (victim === undefined) return;
      this.#retire(server, victim);
    }
  }

  /**
   * In a full server spare threads are shared out: one gives way that nobody has needed for long, of a function
   * that has clearly more of them. Those of hot functions give way for hot ones only.
   */
  #needlessSpare(server: Server, fn: FunctionState, unusedSinceMs: number): Thread | undefined {
    const own = server.pool(fn.spec);
    // One of its own is with the request that asks.
    let most = (own ? own.idle + own.starting : 0) + 2;
    let needless: Thread | undefined;
    for (const pool of server.pools) {
      const isProtected = this.#functions.get(pool.spec.name)?.heat.isHot && !fn.heat.isHot;
      const thread = pool.idle > most && !isProtected ? pool.coldest() : undefined;
      if (thread === undefined || thread.lastUsedMs > unusedSinceMs) continue;
      most = pool.idle;
      needless = thread;
    }
    return needless;
  }

  /** How many spare threads of the function are to be started in the server. */
  #lacking(server: Server, fn: FunctionState, nowMs: number): number {
    if (nowMs < fn.noSparesBeforeMs) return 0;
    return server.pool(fn.spec)?.deficit ?? fn.spec.threads.minSpareThreads;
  }

  /** Gives free slots to functions that lack spare threads: to hot ones that lack most, then to the latest asked for. */
  #fill(server: Server, nowMs: number): void {
    // Few slots are free where there are many functions, so sorting them all would be for nothing.
    while (server.hasFreeSlot) {
      let first: FunctionState | undefined;
      let firstLacks = 0;
      for (const fn of this.#active) {
        const lacks = this.#lacking(server, fn, nowMs);
        if (lacks === 0 || (first && !comesBefore(fn, lacks, first, firstLacks))) continue;
        first = fn;
        firstLacks = lacks;
      }
      if (first === undefined) return;
      this.#grow(server, first, nowMs);
    }
  }

  #trim(server: Server, pool: Pool, nowMs: number): void {
    // Started for requests that others have served meanwhile.
    if (this.queue.waiting(pool.spec.name) === 0)
      for (const thread of pool.superfluous) this.#retire(server, thread);
    const ageMs = nowMs - pool.lastTakenMs < SURPLUS_AGE_MS ? SURPLUS_UNUSED_MS : SURPLUS_AGE_MS;
    while (pool.surplus > 0) {
      const coldest = pool.coldest();
      if (coldest === undefined || nowMs - coldest.lastUsedMs < ageMs) return;
      this.#retire(server, coldest);
    }
  }

  /**
   * Of (other functions') idle threads, the one used least recently; only of functions quiet since then, if given.
   * Those of hot functions come last: they are few, and their spare threads are there for the next moment.
   */
  #coldestOfOthers(
    servers: readonly Server[],
    fn?: FunctionState,
    quietSinceMs = Number.POSITIVE_INFINITY,
  ): { server: Server; thread: Thread } | undefined {
    let coldest: { server: Server; thread: Thread; isHot: boolean } | undefined;
    for (const server of servers) {
      for (const pool of server.pools) {
        if (pool.spec.name === fn?.spec.name) continue;
        const thread = pool.coldest();
        if (thread === undefined) continue;
        const owner = this.#functions.get(pool.spec.name);
        if (owner && owner.lastRequestMs > quietSinceMs) continue;
        const isHot = owner?.heat.isHot === true && this.#isCurrent(thread);
        const isColder =
          coldest === undefined ||
          (isHot === coldest.isHot ? thread.lastUsedMs < coldest.thread.lastUsedMs : coldest.isHot);
        if (isColder) coldest = { server, thread, isHot };
      }
    }
    return coldest;
  }

  /**
   * Whether a thread must make room although its own function could use it: another function waits, has
   * fewer threads, and too few slots are free or coming for it. A thread with `concurrency` above 1 need
   * not be idle for that: under load it never is.
   */
  #owesSlot(server: Server, thread: Thread): boolean {
    if (server.stage !== "open" || thread.kind === "resident") return false;
    if (this.queue.size === this.queue.waiting(thread.functionName)) return false;
    const own = this.#count(this.#functions.get(thread.functionName)!, (pool) => pool.size);
    if (own <= 1) return false; // nobody has fewer
    const able = this.#able;
    if (able.some((other) => other.hasFreeSlot)) return false;
    let leaving = 0;
    for (const other of able)
      for (const one of other.threads) if (one?.state === "retiring" && this.#isCurrent(one)) leaving++;
    for (const name of this.queue.waitingFunctions()) {
      const fn = this.#functions.get(name);
      if (fn === undefined || name === thread.functionName) continue;
      const coming = leaving + this.#startingInAble(fn);
      const has = leaving + this.#count(fn, (pool) => pool.size);
      if (coming < this.#wanted(fn) && has + 1 < own) return true;
    }
    return false;
  }

  #start(server: Server, spec: FunctionSpec, extra = false): Thread | undefined {
    const thread = server.start(spec, extra);
    if (thread === undefined) return undefined;
    this.#addHost(server, spec.name);
    this.#effects.load(thread);
    return thread;
  }

  /** Frees the slot of a thread that is no more. */
  #remove(server: Server, thread: Thread): void {
    server.remove(thread);
    if (!server.hosts(thread.functionName)) this.#removeHost(server, thread.functionName);
  }

  #hostsOf(name: string): readonly Server[] {
    return this.#hosts.get(name) ?? [];
  }

  #addHost(server: Server, name: string): void {
    const hosts = this.#hostsOf(name);
    if (hosts.includes(server)) return;
    this.#hosts.set(
      name,
      [...hosts, server].sort((a, b) => a.key - b.key),
    );
  }

  #removeHost(server: Server, name: string): void {
    const left = this.#hostsOf(name).filter((host) => host !== server);
    if (left.length > 0) this.#hosts.set(name, left);
    else this.#hosts.delete(name);
  }

  /** Takes the thread out of service; it ends as soon as it has no request and is not starting. */
  #retire(server: Server, thread: Thread): void {
    const wasStarting = thread.state === "starting";
    server.poolOf(thread).retire(thread);
    if (thread.inFlight === 0 && !wasStarting) this.#end(server, thread);
  }

  #end(server: Server, thread: Thread): void {
    // Its slot is free when its generation ends.
    if (thread.kind === "resident") return;
    server.freeing++;
    this.#effects.retire(thread);
  }

  #retireOutdated(server: Server, name: string): void {
    for (const thread of server.threads) {
      if (thread?.functionName !== name || thread.state === "retiring" || this.#isCurrent(thread)) continue;
      this.#retire(server, thread);
    }
  }

  #retireIdle(server: Server, pool: Pool): void {
    for (let thread = pool.coldest(); thread; thread = pool.coldest()) this.#retire(server, thread);
  }

  /** Retires idle threads until no more than `max_threads_per_child` of versions that are live are left. */
  #shed(server: Server): void {
    let over = -server.limits.maxThreads;
    for (const pool of server.pools) if (this.#isCurrent(pool.spec)) over += pool.size;
    for (; over > 0; over--) {
      const victim = this.#coldestOfOthers([server]);
      if (victim === undefined) return;
      this.#retire(server, victim.thread);
    }
  }

  #refuseAll(name: string, reason: string): void {
    for (let ticket = this.queue.take(name); ticket; ticket = this.queue.take(name)) {
      this.#effects.refuse(ticket, "load-failed", reason);
    }
  }

  /** A request that takes long, or waits long, keeps its function active. */
  #keepInUse(nowMs: number): void {
    const use = (name: string) => {
      const fn = this.#functions.get(name);
      if (fn) fn.lastRequestMs = nowMs;
    };
    for (const name of this.queue.waitingFunctions()) use(name);
    for (const server of this.#open)
      for (const { busy, spec } of server.pools) if (busy > 0 && this.#isCurrent(spec)) use(spec.name);
  }

  #isCurrent(of: { name?: string; functionName?: string; version: string }): boolean {
    return this.#functions.get((of.functionName ?? of.name)!)?.spec.version === of.version;
  }

  #startingInAble(fn: FunctionState): number {
    return this.#count(fn, (pool, server) => (pool.starting > 0 && this.#isAble(server) ? pool.starting : 0));
  }

  /** A sum over the function's pools in open servers. */
  #count(fn: FunctionState, counted: (pool: Pool, server: Server) => number): number {
    let total = 0;
    for (const server of this.#hostsOf(fn.spec.name)) {
      const pool = server.stage === "open" ? server.pool(fn.spec) : undefined;
      if (pool) total += counted(pool, server);
    }
    return total;
  }

  #refreshOpen(): void {
    this.#open = [...this.#servers.values()].filter((server) => server.stage === "open");
  }
}

/** Who gets a free slot first. */
function comesBefore(fn: FunctionState, lacks: number, other: FunctionState, otherLacks: number): boolean {
  if (fn.heat.isHot !== other.heat.isHot) return fn.heat.isHot;
  return fn.heat.isHot ? lacks > otherLacks : fn.lastRequestMs > other.lastRequestMs;
}

/** The server to start a thread in: threads that are starting there will be busy, so they count. */
function fewestComing(servers: readonly Server[]): Server | undefined {
  const candidates = servers.map((server) => ({
    server,
    busy: server.busy + server.starting,
    size: server.size,
    responsive: server.responsive,
  }));
  return leastBusy(candidates, true)?.server;
}
