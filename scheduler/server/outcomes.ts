/**
 * What comes of the threads that servers load and end: told to the fleet, and to who waits for one of them, such as
 * a deploy whose version proves itself in it.
 */
import type { VersionPayload } from "../../runtime/protocol.ts";
import type { DexterError } from "../errors.ts";
import type { Fleet } from "../policy/fleet.ts";
import type { Thread } from "../policy/thread.ts";
import { LoadError } from "./load-error.ts";
import type { LoaderPorts } from "./loader.ts";
import type { Member } from "./member.ts";
import type { SupervisorPorts } from "./supervision.ts";

/** What became of a thread; `lost` with its server, or retired before its turn, for no fault of its own. */
export type LoadOutcome = "loaded" | "lost";

interface OutcomePorts extends Pick<SupervisorPorts, "payload" | "onLoaded" | "onLoadFailed"> {
  /** Whether the server with this key lives, and is not about to end. */
  isLasting(key: number): boolean;
  /** Something happened that may ask for a change. */
  wake(): void;
}

interface Waiting {
  resolve(outcome: LoadOutcome): void;
  reject(reason: DexterError): void;
}

export class Outcomes<T> implements LoaderPorts {
  readonly #fleet: Fleet<T>;
  readonly #ports: OutcomePorts;
  readonly #waiting = new Map<Thread, Waiting>();

  constructor(fleet: Fleet<T>, ports: OutcomePorts) {
    this.#fleet = fleet;
    this.#ports = ports;
  }

  /** Rejects with LOAD_FAILED when the thread cannot be loaded, or its server died of it. */
  of(thread: Thread): Promise<LoadOutcome> {
    return new Promise((resolve, reject) => this.#waiting.set(thread, { resolve, reject }));
  }

  /** What a server ran as it died is the likeliest reason. @param how it died; undefined when it was to end */
  lost({ key, loader }: Member, how: string | undefined): void {
    for (const thread of [...this.#waiting.keys()]) {
      if (thread.server !== key) continue;
      const isAtFault = how !== undefined && thread === loader.loading;
      this.#settle(
        thread,
        isAtFault
          ? new LoadError(thread.functionName, `the server in which it was loaded ended (${how})`)
          : "lost",
      );
    }
  }

  payload(revision: string): VersionPayload | undefined {
    return this.#ports.payload(revision);
  }

  /** By a request, by who wants to know its outcome, or by a generation that does not serve before it is warm. */
  isAwaited(thread: Thread): boolean {
    if (this.#fleet.queue.waiting(thread.pool) > 0 || this.#waiting.has(thread)) return true;
    return this.#isWarming(thread);
  }

  hasWaiting(): boolean {
    return this.#fleet.queue.size > 0;
  }

  loaded(thread: Thread, tookMs: number): void {
    this.#ports.onLoaded(thread, tookMs);
    this.#settle(thread, "loaded");
    this.#fleet.loaded(thread, performance.now());
    if (this.#isWarming(thread)) this.#ports.wake();
  }

  failed(thread: Thread, reason: DexterError): void {
    // What is loaded in a server that ends may fail because of that, and its version would be blamed.
    if (!this.#ports.isLasting(thread.server)) return this.ended(thread);
    this.#settle(thread, reason);
    // First, because whoever answers the requests that waited asks what is known of the function.
    this.#ports.onLoadFailed(thread, reason);
    this.#fleet.loadFailed(thread, String(reason.details.reason ?? reason.message), performance.now());
    this.#ports.wake();
  }

  ended(thread: Thread): void {
    this.#settle(thread, "lost");
    this.#fleet.ended(thread, performance.now());
    if (this.#isWarming(thread)) this.#ports.wake();
  }

  #isWarming(thread: Thread): boolean {
    return this.#fleet.server(thread.server)?.stage === "warming";
  }

  #settle(thread: Thread, outcome: LoadOutcome | DexterError): void {
    const waiting = this.#waiting.get(thread);
    this.#waiting.delete(thread);
    if (typeof outcome === "string") waiting?.resolve(outcome);
    else waiting?.reject(outcome);
  }
}
