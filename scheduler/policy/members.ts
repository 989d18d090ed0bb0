/**
 * The servers of the fleet: which are open, which hold threads of a function, which may take one more. Server slots
 * outlive their generations, and two generations of one share what may be busy there.
 */
import type { FunctionState } from "./functions.ts";
import type { Pool } from "./pool.ts";
import { Server, type ServerLimits, type ServerSlot, type ServerStage } from "./server.ts";

export class Members {
  readonly #all = new Map<number, Server>();
  /** By index. */
  readonly #slots = new Map<number, ServerSlot>();
  #open: readonly Server[] = [];
  #threads = 0;
  /** By function, the servers with threads of any version of it, in the order of their keys. */
  readonly #hosts = new Map<string, readonly Server[]>();

  get all(): Iterable<Server> {
    return this.#all.values();
  }

  get open(): readonly Server[] {
    return this.#open;
  }

  get(key: number): Server | undefined {
    return this.#all.get(key);
  }

  /** @param index of the server slot, whose generations share what is busy */
  add(key: number, limits: ServerLimits, index: number, nowMs: number): Server {
    const slot = this.#slots.get(index) ?? { index, busyThreads: 0 };
    this.#slots.set(index, slot);
    const server = new Server(key, limits, slot, nowMs);
    this.#all.set(key, server);
    return server;
  }

  /** The process is gone, and its threads with it. */
  remove(server: Server): void {
    this.#all.delete(server.key);
    server.slot.busyThreads -= server.busyThreads;
    for (const { spec } of server.pools) this.removeHost(server, spec.pool);
    this.#refreshOpen();
  }

  setStage(server: Server, stage: ServerStage): void {
    server.stage = stage;
    this.#refreshOpen();
  }

  #refreshOpen(): void {
    this.#open = [...this.#all.values()].filter((server) => server.stage === "open");
    this.#threads = this.#open.reduce((sum, { limits }) => sum + limits.maxThreads, 0);
  }

  /** How many threads may be busy at once. */
  get threads(): number {
    return this.#threads;
  }

  /** How many more may become busy. */
  get free(): number {
    let free = 0;
    for (const { limits, slot } of this.#open)
      if (slot.busyThreads < limits.maxThreads) free += limits.maxThreads - slot.busyThreads;
    return free;
  }

  /** How many threads of the function are busy. */
  heldBy(fn: FunctionState): number {
    let held = 0;
    for (const server of this.hostsOf(fn.pool)) held += server.busyThreadsOf(fn.pool);
    return held;
  }

  /** Whether a thread that is started now in the server could serve a waiting request at once. */
  isAble(server: Server): boolean {
    return server.takesThreads && server.responsive;
  }

  get able(): Server[] {
    return this.#open.filter((server) => this.isAble(server));
  }

  hostsOf(pool: string): readonly Server[] {
    return this.#hosts.get(pool) ?? [];
  }

  addHost(server: Server, pool: string): void {
    const hosts = this.hostsOf(pool);
    if (hosts.includes(server)) return;
    this.#hosts.set(
      pool,
      [...hosts, server].sort((a, b) => a.key - b.key),
    );
  }

  removeHost(server: Server, pool: string): void {
    const left = this.hostsOf(pool).filter((host) => host !== server);
    if (left.length > 0) this.#hosts.set(pool, left);
    else this.#hosts.delete(pool);
  }

  /** Threads of the function's live version in open servers. */
  sizeOf(fn: FunctionState): number {
    return this.#count(fn, (pool) => pool.size);
  }

  /** Whether there is a thread of it that has started. */
  isServed(fn: FunctionState): boolean {
    return this.#count(fn, ({ idle, busy }) => idle + busy) > 0;
  }

  /** Threads that start where they could serve at once. */
  startingOf(fn: FunctionState): number {
    return this.#count(fn, (pool, server) => (pool.starting > 0 && this.isAble(server) ? pool.starting : 0));
  }

  #count(fn: FunctionState, counted: (pool: Pool, server: Server) => number): number {
    let total = 0;
    for (const server of this.hostsOf(fn.pool)) {
      const pool = server.stage === "open" ? server.pool(fn.spec) : undefined;
      if (pool) total += counted(pool, server);
    }
    return total;
  }
}
