/**
 * Starts threads and ends them, and finds the one that had best make room. Who asks for it is the business of
 * serving.ts (waiting requests) and spares.ts (spare threads).
 */
import type { ThreadEffects } from "./effects.ts";
import type { FunctionState, Functions } from "./functions.ts";
import type { Members } from "./members.ts";
import type { Pool } from "./pool.ts";
import type { Server, StartReason } from "./server.ts";
import type { FunctionSpec, Thread } from "./thread.ts";

/** A thread that may make room, and the server that it is in. */
export interface Victim {
  readonly server: Server;
  readonly thread: Thread;
}

export class Room {
  readonly #effects: ThreadEffects;
  readonly #functions: Functions;
  readonly #members: Members;
  /** Busy threads that make room as soon as their requests are done. */
  readonly #owed = new Set<Thread>();

  constructor(effects: ThreadEffects, functions: Functions, members: Members) {
    this.#effects = effects;
    this.#functions = functions;
    this.#members = members;
  }

  /** Starts a thread, if there is a slot for it. */
  start(server: Server, spec: FunctionSpec, why: StartReason): Thread | undefined {
    const thread = server.start(spec, why);
    if (thread === undefined) return undefined;
    this.#members.addHost(server, spec.pool);
    this.#effects.load(thread);
    return thread;
  }

  /** Takes the thread out of service; it ends as soon as it has no request and is not starting. */
  retire(server: Server, thread: Thread): void {
    const wasStarting = thread.state === "starting";
    server.retire(thread);
    if (thread.inFlight > 0) return;
    if (wasStarting) server.freeing++;
    else this.done(server, thread);
  }

  /** Retires a thread for the sake of another function, although it may be busy. */
  giveUp(server: Server, thread: Thread): void {
    if (thread.inFlight > 0) this.#owed.add(thread);
    this.retire(server, thread);
  }

  /** The last request in a thread that retires is done. */
  done(server: Server, thread: Thread): void {
    this.#owed.delete(thread);
    // Its slot is free when its generation ends.
    if (thread.kind === "resident") return;
    server.freeing++;
    this.#effects.retire(thread);
  }

  /** Frees the slot of a thread that is no more. */
  remove(server: Server, thread: Thread): void {
    server.freeing--;
    server.remove(thread);
    if (!server.hosts(thread.pool)) this.#members.removeHost(server, thread.pool);
  }

  /** The server is gone. */
  forget(server: Server): void {
    for (const thread of this.#owed) if (thread.server === server.key) this.#owed.delete(thread);
  }

  /** How many slots of these servers, which take threads, are about to be free. */
  freeing(able: readonly Server[]): number {
    let freeing = 0;
    for (const server of able) freeing += server.freeing;
    return freeing;
  }

  /** As `freeing`, and those of threads that are to end with the requests in them. */
  leaving(able: readonly Server[]): number {
    let leaving = this.freeing(able);
    for (const thread of this.#owed) if (able.some(({ key }) => key === thread.server)) leaving++;
    return leaving;
  }

  /** Of the spare threads that start, the latest in the server where most do: its load is the last to begin. */
  latestSpare(servers: readonly Server[], isExempt: (pool: string) => boolean): Victim | undefined {
    let best: Victim | undefined;
    let most = 0;
    for (const server of servers) {
      const spares = server.starting - server.urgent;
      if (spares <= most) continue;
      for (const thread of server.startingThreads) {
        if (thread.isUrgent || isExempt(thread.pool)) continue;
        best = { server, thread };
        most = spares;
      }
    }
    return best;
  }

  /**
   * Of the idle threads in these servers, the one to make room: of the function one of whose threads was used least
   * recently, the coldest. Those of hot functions come last: they are few, and their spare threads are there for the
   * next moment.
   * @param isExempt functions that are not to make room
   * @param unusedSinceMs only threads that were not used since then
   */
  coldest(
    servers: readonly Server[],
    isExempt: (owner: FunctionState) => boolean = () => false,
    unusedSinceMs = Number.POSITIVE_INFINITY,
  ): Victim | undefined {
    let cold: Victim | undefined;
    let hot: Victim | undefined;
    for (const server of servers) {
      for (const thread of server.idleThreads) {
        if (thread.lastUsedMs > unusedSinceMs) break;
        if (cold && thread.lastUsedMs >= cold.thread.lastUsedMs) break;
        const owner = this.#functions.get(thread.pool);
        if (owner && isExempt(owner)) continue;
        if (owner?.heat.isHot && this.#functions.isCurrent(thread)) {
          if (!hot || thread.lastUsedMs < hot.thread.lastUsedMs) hot = { server, thread };
          continue;
        }
        cold = { server, thread };
        break;
      }
    }
    const found = cold ?? hot;
    return found && { server: found.server, thread: found.server.poolOf(found.thread).coldest()! };
  }

  /** Retires the function's threads of versions that are not live. */
  retireOutdated(server: Server, pool: string): void {
    if (!server.hosts(pool)) return;
    for (const thread of server.threads) {
      if (thread?.pool !== pool || thread.state === "retiring" || this.#functions.isCurrent(thread)) continue;
      this.retire(server, thread);
    }
  }

  retireIdle(server: Server, pool: Pool): void {
    for (let thread = pool.coldest(); thread; thread = pool.coldest()) this.retire(server, thread);
  }

  /** Retires idle threads until no more than `max_threads_per_child` of versions that are live are left. */
  shed(server: Server): void {
    if (server.size <= server.limits.maxThreads) return;
    let over = -server.limits.maxThreads;
    for (const { spec, size } of server.pools) if (this.#functions.isCurrent(spec)) over += size;
    for (; over > 0; over--) {
      const victim = this.coldest([server]);
      if (victim === undefined) return;
      this.retire(server, victim.thread);
    }
  }
}
