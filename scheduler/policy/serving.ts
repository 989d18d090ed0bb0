/**
 * Which thread takes a request, and what those that wait get. Events name what they have touched, and `settle` looks
 * again at that alone: with hundreds of functions waiting, all of them cannot be looked at with every event.
 */
import { fewestComing, leastBusy } from "./balancer.ts";
import type { Effects } from "./effects.ts";
import type { FairShares } from "./fair-shares.ts";
import type { FunctionState, Functions } from "./functions.ts";
import type { Members } from "./members.ts";
import { HELD_MS } from "./pool.ts";
import type { FairQueue, Ticket } from "./queue.ts";
import type { Room, Victim } from "./room.ts";
import type { Server, ServerSlot } from "./server.ts";
import { type Has, Shortage } from "./shortage.ts";
import type { Spares } from "./spares.ts";
import type { Thread } from "./thread.ts";

/** What the fleet consists of. */
export interface Parts<T> {
  readonly effects: Effects<T>;
  readonly functions: Functions;
  readonly members: Members;
  readonly queue: FairQueue<T>;
  readonly room: Room;
  readonly spares: Spares;
  readonly shares: FairShares<T>;
}

export class Serving<T> {
  readonly #parts: Parts<T>;
  readonly #shortage = new Shortage();
  /** Pools and servers that `settle` is to look at. */
  readonly #touched = new Set<string>();
  readonly #touchedServers = new Set<Server>();
  /** Pools whose requests wait for hot threads, or did until lately. */
  readonly #held = new Set<string>();

  constructor(parts: Parts<T>) {
    this.#parts = parts;
  }

  // --- what is to be looked at ---

  touch(pool: string): void {
    if (this.#parts.queue.waiting(pool) > 0) this.#touched.add(pool);
  }

  /** What waits for functions with threads in the server. */
  touchServer(server: Server): void {
    this.#touchedServers.add(server);
  }

  /** What waited for hot threads in the server, and does so no longer. */
  touchFreed(server: Server, nowMs: number): void {
    if (!server.isSaturated) return;
    for (const pool of this.#held) {
      const fn = server.hosts(pool) ? this.#parts.functions.get(pool) : undefined;
      const threads = fn && server.pool(fn.spec);
      if (threads && !server.holds(threads, nowMs)) this.touch(pool);
    }
  }

  touchSlot(slot: ServerSlot): void {
    for (const server of this.#parts.members.open) if (server.slot === slot) this.touchServer(server);
  }

  touchAll(): void {
    for (const pool of this.#parts.queue.waitingFunctions()) this.#touched.add(pool);
  }

  /** Whether `settle` has something to look at. */
  get isTouched(): boolean {
    return this.#touched.size + this.#touchedServers.size > 0;
  }

  /** Requests of the function wait no longer, but for those that are in the queue. */
  left(pool: string): void {
    const fn = this.#parts.functions.get(pool);
    if (fn) this.#shortage.limit(fn, this.#wanted(fn));
    if (this.#parts.queue.waiting(pool) === 0) this.#held.delete(pool);
  }

  /** Gives what waits the threads that there are now, and sees to it that the others are on their way. */
  settle(nowMs: number): void {
    const { queue } = this.#parts;
    while (queue.size > 0 && this.isTouched) {
      for (const pool of this.#touched) {
        this.#touched.delete(pool);
        this.#serve(pool, nowMs);
      }
      for (const server of this.#touchedServers) {
        this.#touchedServers.delete(server);
        this.#touchWaiting(server);
      }
    }
    if (queue.size > 0) return this.#allot(nowMs);
    if (this.isTouched) {
      this.#touched.clear();
      this.#touchedServers.clear();
    }
    if (this.#held.size > 0) this.#held.clear();
    this.#parts.shares.capped.clear();
    if (this.#shortage.total > 0) this.#shortage.clear();
  }

  #touchWaiting(server: Server): void {
    const { queue } = this.#parts;
    if (queue.lines < server.pools.length) {
      for (const pool of queue.waitingFunctions()) if (server.hosts(pool)) this.#touched.add(pool);
    } else for (const { spec } of server.pools) this.touch(spec.pool);
  }

  // --- threads for requests ---

  /** A thread for one request more; `given` is to be called as soon as the request has it. */
  take(fn: FunctionState, nowMs: number): Thread | undefined {
    const { members, shares, spares } = this.#parts;
    const busyOnly = !shares.mayGrow(fn);
    const choice: Server[] = [];
    for (const host of members.hostsOf(fn.pool)) {
      const pool = host.pool(fn.spec);
      if (pool !== undefined && host.hasRoom(pool, busyOnly) && !host.holds(pool, nowMs)) choice.push(host);
    }
    const server = leastBusy(choice);
    if (server === undefined) return undefined;
    const thread = server.take(server.pool(fn.spec)!, nowMs, busyOnly);
    // What waits for hot threads there, or for one that starts, may be better off elsewhere.
    if (!server.takesThreads) this.touchServer(server);
    if (this.#shortage.total === 0) spares.grow(server, fn, nowMs, true);
    return thread;
  }

  /**
   * A request has got this thread: its server may be due. Not before, because whoever is told of that may open another
   * server at once, and then the fleet gives what waits to that one's threads.
   */
  given({ server: key }: Thread): void {
    const { effects, members } = this.#parts;
    const server = members.get(key);
    if (server && server.requests === server.recycleAt) effects.due(server);
  }

  /** Gives idle threads to the function's waiting requests, and notes how many must be started for the rest. */
  #serve(pool: string, nowMs: number): void {
    const { functions, queue, shares } = this.#parts;
    const fn = functions.get(pool);
    if (fn === undefined) return;
    let served = false;
    shares.capped.delete(pool);
    while (queue.waiting(pool) > 0) {
      const ticket = shares.next(pool);
      const thread = ticket && this.take(fn, nowMs);
      if (thread !== undefined) this.#grant(ticket!, thread);
      else if (!ticket || !this.#sendAhead(fn, ticket, nowMs)) {
        if (!ticket || !shares.mayGrow(fn)) shares.capped.add(pool);
        break;
      }
      served = true;
    }
    const lacks = this.#lacking(fn, nowMs);
    this.#shortage.set(fn, lacks, this.#has(fn), served);
    // Others do not make room for it wherever they are, so it is not part of what `allot` makes room for.
    if (lacks > 0 && this.#held.has(pool))
      this.#makeRoom(this.#parts.members.able.filter(wouldServe(fn)), lacks);
  }

  /** Where requests wait for hot threads, some are sent to them ahead of their turn, in the order of the queue. */
  #sendAhead(fn: FunctionState, ticket: Ticket<T>, nowMs: number): boolean {
    const { members } = this.#parts;
    if (!ticket.repeatable) return false;
    let best: { server: Server; thread: Thread } | undefined;
    for (const server of members.hostsOf(fn.pool)) {
      const pool = server.stage === "open" ? server.pool(fn.spec) : undefined;
      if (!pool || !server.responsive || server.isSpent || !server.holds(pool, nowMs)) continue;
      const thread = server.nextAhead(pool, nowMs);
      if (thread && thread.ahead < (best?.thread.ahead ?? Number.POSITIVE_INFINITY))
        best = { server, thread };
    }
    if (best === undefined) return false;
    best.server.sendAhead(best.thread);
    this.#grant(ticket, best.thread);
    return true;
  }

  #grant(ticket: Ticket<T>, thread: Thread): void {
    const { effects, queue, shares } = this.#parts;
    shares.took(ticket.client);
    effects.grant(queue.take(ticket.pool, ticket)!, thread);
    this.given(thread);
  }

  // --- threads that are missing ---

  /** How many threads would serve all that wait for the function. */
  #wanted(fn: FunctionState): number {
    return Math.ceil(this.#parts.queue.waiting(fn.pool) / fn.spec.threads.concurrency);
  }

  /**
   * How many threads must be started for what waits. None while it waits for hot threads, unless a server would not
   * hold a new one as well, which would only be taken away again for another function, and so on.
   */
  #lacking(fn: FunctionState, nowMs: number): number {
    const { effects, members, shares } = this.#parts;
    if (shares.capped.has(fn.pool)) return 0;
    const wanted = shares.allowance(fn, this.#wanted(fn));
    if (wanted > 0 && this.#isHeld(fn, nowMs)) {
      this.#held.add(fn.pool);
      effects.wakeIn(HELD_MS);
      const serves = wouldServe(fn);
      if (!members.open.some((server) => serves(server) && members.isAble(server))) return 0;
    } else this.#held.delete(fn.pool);
    // After a failure the next try has time, as long as there are threads that requests can wait for.
    if (nowMs < fn.noSparesBeforeMs && members.sizeOf(fn) > 0) return 0;
    return Math.max(0, wanted - members.startingOf(fn));
  }

  #has(fn: FunctionState): Has {
    if (this.#held.has(fn.pool)) return "hot";
    return this.#parts.members.sizeOf(fn) === 0 ? "none" : "some";
  }

  #isHeld(fn: FunctionState, nowMs: number): boolean {
    const { members } = this.#parts;
    return members.hostsOf(fn.pool).some((server) => {
      const pool = server.pool(fn.spec);
      return pool !== undefined && server.holds(pool, nowMs) && members.isAble(server);
    });
  }

  /** Free slots go to the functions that lack threads, in turns. For the rest, threads of others make room. */
  #allot(nowMs: number): void {
    const shortage = this.#shortage;
    if (shortage.total === 0) return;
    const { members, room } = this.#parts;
    const { able } = members;
    let free = able.filter((server) => server.hasFreeSlot);
    const slotFor = (fn: FunctionState) =>
      fewestComing(this.#held.has(fn.pool) ? free.filter(wouldServe(fn)) : free);
    // Those that get one come again, behind the others.
    for (const fn of shortage.functions) {
      if (free.length === 0) break;
      if (slotFor(fn) === undefined) continue;
      // Since it was noted some may have been served, or be held.
      const lacks = this.#lacking(fn, nowMs);
      const server = lacks > 0 ? slotFor(fn) : undefined;
      if (server) room.start(server, fn.spec, "urgent");
      shortage.set(fn, server ? lacks - 1 : lacks, this.#has(fn), server !== undefined);
      if (server?.hasFreeSlot === false) free = free.filter((other) => other !== server);
    }
    this.#makeRoom(able, shortage.urgent);
  }

  /** Makes room for so many threads. */
  #makeRoom(servers: readonly Server[], threads: number): void {
    if (threads === 0) return;
    const { room } = this.#parts;
    for (let coming = room.freeing(servers); coming < threads; coming++) {
      const victim = this.#victim(servers);
      if (victim === undefined) return;
      room.retire(victim.server, victim.thread);
    }
  }

  /** First those go that start and that nobody waits for, which cost nothing yet, then idle ones. */
  #victim(servers: readonly Server[]): Victim | undefined {
    const { queue, room } = this.#parts;
    return (
      room.latestSpare(servers, (pool) => queue.waiting(pool) > 0) ??
      room.coldest(servers, (owner) => this.#shortage.of(owner) > 0)
    );
  }

  /**
   * Whether a thread must make room although its own function could use it: another function waits, has
   * fewer threads, too few slots are free or coming for it, and no idle thread makes room. A thread with `concurrency` above 1 need
   * not be idle for that: under load it never is.
   */
  owesSlot(server: Server, thread: Thread): boolean {
    const { functions, members, room } = this.#parts;
    if (this.#shortage.total === 0 || server.stage !== "open" || thread.kind === "resident") return false;
    const owner = functions.get(thread.pool)!;
    const others = this.#shortage.total - this.#shortage.of(owner);
    const own = members.sizeOf(owner);
    if (others === 0 || own <= 1) return false; // nobody has fewer
    const { able } = members;
    if (able.some((other) => other.hasFreeSlot) || room.leaving(able) >= others) return false;
    if (this.#victim(able) !== undefined) return false;
    for (const fn of this.#shortage.functions) if (fn !== owner && members.sizeOf(fn) + 1 < own) return true;
    return false;
  }
}

/** Whether a thread started in a server would serve a function that waits for hot threads elsewhere. */
function wouldServe(fn: FunctionState): (server: Server) => boolean {
  return (server) => !server.isSaturated || !server.hosts(fn.pool);
}
