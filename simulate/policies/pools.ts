/**
 * What the policies that dexter is compared with have in common, on dexter's own servers, pools and queue: a
 * request takes an idle thread of its function in the least busy server, or waits. When threads are started and
 * ended is left to each.
 */
import { leastBusy } from "../../scheduler/policy/balancer.ts";
import type { Effects } from "../../scheduler/policy/fleet.ts";
import { FairQueue, type Ticket } from "../../scheduler/policy/queue.ts";
import { Server } from "../../scheduler/policy/server.ts";
import type { FunctionSpec, Thread } from "../../scheduler/policy/thread.ts";
import { type NodeSettings, type Policy, type Request, specOf } from "./policy.ts";

/** The threads of one function in the whole node. */
export interface Line {
  readonly spec: FunctionSpec;
  /** Servers that have, or had, threads of it. */
  readonly servers: Set<Server>;
  idle: number;
  starting: number;
  /** All but those that retire. */
  size: number;
}

export abstract class Pools implements Policy {
  readonly queue: FairQueue<Request>;
  protected readonly node: NodeSettings;
  protected readonly servers: readonly Server[];
  protected readonly lines: ReadonlyMap<string, Line>;
  /** Threads that start, of all functions. */
  protected starting = 0;
  /** Idle threads, the one used least recently first. */
  protected readonly idle = new Set<Thread>();
  readonly #effects: Effects<Request>;

  /** @param slots threads that a server can hold */
  constructor(effects: Effects<Request>, node: NodeSettings, functions: readonly string[], slots: number) {
    this.#effects = effects;
    this.node = node;
    this.queue = new FairQueue(node.queue);
    this.servers = Array.from({ length: node.servers }, (_, index) => {
      const limits = { maxThreads: slots, maxRequests: 0 };
      const server = new Server(index, limits, { index, busyThreads: 0 });
      server.stage = "open";
      return server;
    });
    const line = (name: string): Line => {
      return { spec: specOf(name, node), servers: new Set(), idle: 0, starting: 0, size: 0 };
    };
    this.lines = new Map(functions.map((name) => [name, line(name)]));
  }

  /** A request of the function waits, and no thread is free for it. */
  protected onShortage(_line: Line): void {}

  protected onTick(_nowMs: number): void {}

  acquire(functionName: string, nowMs: number): Thread | undefined {
    if (this.queue.waiting(functionName) > 0) return undefined;
    return this.#take(this.lines.get(functionName)!, nowMs);
  }

  wait(ticket: Ticket<Request>): void {
    const refused = this.queue.add(ticket);
    if (refused) this.#effects.refuse(refused, "full");
    if (refused !== ticket) this.onShortage(this.lines.get(ticket.pool)!);
  }

  release(thread: Thread, nowMs: number): void {
    const server = this.servers[thread.server]!;
    const wasFull = !this.#mayWork(server);
    server.put(thread, nowMs);
    if (thread.inFlight === 0) {
      this.lines.get(thread.functionName)!.idle++;
      this.idle.add(thread);
    }
    if (wasFull) this.resume(nowMs);
    else {
      this.serve(thread.functionName, nowMs);
      this.#relieve();
    }
  }

  loaded(thread: Thread, nowMs: number): void {
    const line = this.lines.get(thread.functionName)!;
    line.starting--;
    this.starting--;
    line.idle++;
    this.idle.add(thread);
    this.servers[thread.server]!.ready(thread, nowMs);
    this.serve(thread.functionName, nowMs);
    this.#relieve();
  }

  ended(thread: Thread): void {
    const server = this.servers[thread.server]!;
    server.freeing--;
    server.remove(thread);
    this.#relieve();
  }

  tick(nowMs: number): void {
    for (const ticket of this.queue.expire(nowMs, this.node.queueTimeoutMs))
      this.#effects.refuse(ticket, "timeout");
    this.onTick(nowMs);
  }

  resume(nowMs: number): void {
    for (const name of [...this.queue.waitingFunctions()]) this.serve(name, nowMs);
    this.#relieve();
  }

  protected serve(functionName: string, nowMs: number): void {
    const line = this.lines.get(functionName)!;
    while (this.queue.waiting(functionName) > 0) {
      const thread = this.#take(line, nowMs);
      if (thread === undefined) return;
      this.#effects.grant(this.queue.take(functionName)!, thread);
    }
  }

  /** What there is now may go to the function that has waited longest for its turn and has too little coming. */
  #relieve(): void {
    for (const name of this.queue.waitingFunctions()) {
      const line = this.lines.get(name)!;
      if (line.starting < this.wanted(line)) return this.onShortage(line);
    }
  }

  /** How many threads would serve all that wait for the function. */
  protected wanted(line: Line): number {
    return Math.ceil(this.queue.waiting(line.spec.pool) / this.node.concurrency);
  }

  /** The law of the pool, also where a server holds more threads than may be busy. */
  #mayWork(server: Server): boolean {
    return server.busyThreads < this.node.maxThreads;
  }

  #take(line: Line, nowMs: number): Thread | undefined {
    const able: Server[] = [];
    for (const server of line.servers) {
      const pool = server.pool(line.spec);
      if (pool && this.#mayWork(server) && server.hasRoom(pool)) able.push(server);
    }
    const server = leastBusy(able);
    if (server === undefined) return undefined;
    const thread = server.take(server.pool(line.spec)!, nowMs);
    if (this.idle.delete(thread)) line.idle--;
    return thread;
  }

  /** Starts a thread in the server with the fewest threads. Returns whether there was a slot. */
  protected start(line: Line): boolean {
    let server: Server | undefined;
    for (const one of this.servers)
      if (one.hasFreeSlot && (server === undefined || one.size < server.size)) server = one;
    if (server === undefined) return false;
    line.servers.add(server);
    line.starting++;
    this.starting++;
    line.size++;
    this.#effects.load(server.start(line.spec, "urgent")!);
    return true;
  }

  /** Retires an idle thread. */
  protected retire(thread: Thread): void {
    const server = this.servers[thread.server]!;
    const line = this.lines.get(thread.functionName)!;
    line.idle--;
    line.size--;
    this.idle.delete(thread);
    server.retire(thread);
    server.freeing++;
    this.#effects.retire(thread);
  }
}
