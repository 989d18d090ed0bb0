/**
 * What stands for a `workerd` process: one CPU for all isolates, and a loader that makes and ends them.
 *
 * The CPU serves turns first come, first served, and each runs to its end, as JavaScript on one event loop
 * does. So the end of a turn is known when it is asked for. The loader does what
 * scheduler/server/loader.ts does: one load at a time, awaited ones first, a rest after work that nobody
 * waits for.
 */
import type { Thread } from "../scheduler/policy/thread.ts";
import type { Calendar } from "./calendar.ts";
import type { Random } from "./random.ts";

/** Measured with workerd: what making and ending an isolate take of the server's CPU. */
const LOAD_MS = { least: 5, most: 8 };
const END_MS = { least: 1, most: 3 };
const REST_MS = 4;

export class Cpu {
  #freeAtMs = 0;
  #givenMs = 0;

  /** Queues a turn; returns when it will be done. */
  run(nowMs: number, turnMs: number): number {
    this.#givenMs += turnMs;
    this.#freeAtMs = Math.max(nowMs, this.#freeAtMs) + turnMs;
    return this.#freeAtMs;
  }

  /** For how long it has run until now. */
  busyMs(nowMs: number): number {
    return this.#givenMs - Math.max(0, this.#freeAtMs - nowMs);
  }
}

export interface ServerPorts {
  isAwaited(thread: Thread): boolean;
  hasWaiting(): boolean;
  /** The isolate begins to exist. */
  made(thread: Thread): void;
  loaded(thread: Thread): void;
  ended(thread: Thread): void;
  unstarted(thread: Thread): void;
}

export class SimulatedServer {
  readonly cpu = new Cpu();
  /** CPU time that isolates took to be made and ended. */
  isolatesMs = 0;
  /** Requests taken since the start. */
  requests = 0;
  readonly #calendar: Calendar;
  readonly #random: Random;
  readonly #ports: ServerPorts;
  readonly #loads: Thread[] = [];
  readonly #ends: Thread[] = [];
  #running = false;

  constructor(calendar: Calendar, random: Random, ports: ServerPorts) {
    this.#calendar = calendar;
    this.#random = random;
    this.#ports = ports;
  }

  load(thread: Thread, nowMs: number): void {
    this.#loads.push(thread);
    this.#wake(nowMs);
  }

  end(thread: Thread, nowMs: number): void {
    this.#ends.push(thread);
    this.#wake(nowMs);
  }

  /** The loader begins after what happens now, so that it sees all of it. */
  #wake(nowMs: number): void {
    if (this.#running) return;
    this.#running = true;
    this.#calendar.at(nowMs, () => this.#next(nowMs));
  }

  #next(nowMs: number): void {
    this.#dropRetired();
    const awaited = this.#loads.findIndex((thread) => this.#ports.isAwaited(thread));
    if (awaited < 0 && this.#ends.length > 0) {
      this.#endOne(this.#ends.shift()!, nowMs);
      return this.#rest(nowMs);
    }
    const [thread] = this.#loads.splice(Math.max(0, awaited), 1);
    if (thread === undefined) {
      this.#running = false;
      return;
    }
    this.#ports.made(thread);
    const doneMs = this.#take(nowMs, LOAD_MS);
    this.#calendar.at(doneMs, () => {
      this.#ports.loaded(thread);
      this.#rest(doneMs);
    });
  }

  #rest(nowMs: number): void {
    const nextMs = nowMs + (this.#isUrgent ? 0 : REST_MS);
    this.#calendar.at(nextMs, () => this.#next(nextMs));
  }

  get #isUrgent(): boolean {
    if (this.#loads.some((thread) => this.#ports.isAwaited(thread))) return true;
    return this.#ends.length > 0 && this.#ports.hasWaiting();
  }

  #dropRetired(): void {
    for (const thread of this.#loads.filter(({ state }) => state === "retiring")) {
      this.#loads.splice(this.#loads.indexOf(thread), 1);
      this.#ports.unstarted(thread);
    }
  }

  #endOne(thread: Thread, nowMs: number): void {
    this.#calendar.at(this.#take(nowMs, END_MS), () => this.#ports.ended(thread));
  }

  #take(nowMs: number, { least, most }: typeof LOAD_MS): number {
    const turnMs = this.#random.between(least, most);
    this.isolatesMs += turnMs;
    return this.cpu.run(nowMs, turnMs);
  }
}
