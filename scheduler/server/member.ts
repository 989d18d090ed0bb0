/**
 * One server as the supervisor has it: its process, what loads threads in it, and how its end goes. A server that
 * drains ends when its requests and their `waitUntil` work are done, or its time is up.
 */
import { Health } from "./health.ts";
import type { OutputStream, ServerOptions } from "./launch.ts";
import { LoadMeter } from "./load.ts";
import { Loader, type LoaderPorts } from "./loader.ts";
import { ServerProcess } from "./process.ts";
import type { Resident } from "./residents.ts";

interface MemberOptions {
  readonly key: number;
  readonly epoch: number;
  readonly server: Omit<ServerOptions, "onLine">;
  readonly loads: LoaderPorts;
  onLine(line: string, stream: OutputStream, member: Member, cut: number): void;
}

interface DrainPorts {
  /** What is still open in the server will be cut off in a moment. */
  cut(): void;
  /** Another call is worth while. */
  wake(): void;
}

const MOST_GOODBYE_MS = 1_000;
/** A timer may be so much early by another clock. */
const TIMER_MS = 5;

/** How long before the end of `stop_timeout` open WebSockets are closed, so that both sides can still say so. */
export function goodbyeBefore(stopTimeoutMs: number): number {
  return Math.min(MOST_GOODBYE_MS, stopTimeoutMs / 4);
}

export class Member {
  /** What the fleet knows it by. */
  readonly key: number;
  readonly epoch: number;
  readonly process: ServerProcess;
  readonly loader: Loader;
  readonly load: LoadMeter;
  readonly health = new Health();
  /** What it was born with, in its first slots. */
  readonly residents: readonly Resident[];
  /** It did not get on, and is being killed. */
  isHung = false;
  #drainingSinceMs: number | undefined;
  /** Whether its `waitUntil` work is done; it is asked once, when it has no request any more. */
  #isSettled: "unknown" | "asked" | "yes" = "unknown";
  /** Whoever holds something open in it was told that it ends. */
  #cutAtMs: number | undefined;

  constructor({ key, epoch, server, loads, onLine }: MemberOptions) {
    this.key = key;
    this.epoch = epoch;
    const told = {
      onLine: (line: string, stream: OutputStream, cut: number) => onLine(line, stream, this, cut),
    };
    this.process = new ServerProcess({ ...server, ...told });
    this.loader = new Loader(this.process, loads);
    this.load = new LoadMeter(this.process.pid ?? 0);
    this.residents = server.residents;
  }

  get ageMs(): number {
    return Date.now() - this.process.startedAtMs;
  }

  get isDraining(): boolean {
    return this.#drainingSinceMs !== undefined;
  }

  /** Whether it lives, and is not about to end. */
  get isLasting(): boolean {
    return !this.isDraining && this.process.stage !== "exited";
  }

  /** It takes no new requests from now on. */
  drain(): void {
    this.process.drain();
    this.#drainingSinceMs ??= Date.now();
  }

  /**
   * Ends the server if it drains and may end now. May be called again.
   * @param busy requests in it
   */
  endDrained(busy: number, stopTimeoutMs: number, { cut, wake }: DrainPorts): void {
    if (this.#drainingSinceMs === undefined) return;
    const nowMs = Date.now();
    const goodbyeMs = goodbyeBefore(stopTimeoutMs);
    if (this.#cutAtMs === undefined && nowMs - this.#drainingSinceMs >= stopTimeoutMs - goodbyeMs) {
      this.#cutAtMs = nowMs;
      setTimeout(wake, goodbyeMs + TIMER_MS).unref();
      cut();
    }
    // A pass may come late: what was told has its time all the same.
    const isOver = this.#cutAtMs !== undefined && nowMs - this.#cutAtMs >= goodbyeMs;
    if (isOver && nowMs - this.#drainingSinceMs >= stopTimeoutMs) this.process.kill();
    else if (busy === 0 && this.#isSettled === "yes") this.process.term(stopTimeoutMs);
    else if (busy === 0 && this.#isSettled === "unknown") {
      this.#isSettled = "asked";
      this.loader.settle().then(() => {
        this.#isSettled = "yes";
        wake();
      });
    }
  }
}

/** Signals that come from outside; a process that dies of others, or exits, dies of what it does. */
export function isOwnDeath(how: string): boolean {
  return !/SIGKILL|SIGTERM|SIGINT|SIGHUP/.test(how);
}
