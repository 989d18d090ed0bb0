/** A server that is kept apart from the others, for what may make it die. */
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Exchange } from "../dispatch/exchange.ts";
import type { Fleet } from "../policy/fleet.ts";
import type { FunctionSpec } from "../policy/thread.ts";
import type { Supervisor } from "../server/supervisor.ts";

interface WardParts {
  readonly dispatcher: Dispatcher;
  /** A supervisor of one server, for this fleet. */
  supervise(fleet: Fleet<Exchange>): Supervisor<Exchange>;
  /** The version that the pool's requests go to. */
  specOf(pool: string): FunctionSpec | undefined;
  onClose(): void;
}

/** A server that has requests is asked before, and answers at once. */
const SILENT_MS = 350;

/** No more threads than there are requests: each is a thread that may never answer. */
const FEW = { startThreads: 0, minSpareThreads: 0, maxSpareThreads: 1 };

export class Ward {
  readonly fleet: Fleet<Exchange>;
  readonly supervisor: Supervisor<Exchange>;
  readonly #parts: WardParts;
  readonly #ready: Promise<boolean>;
  readonly #pools = new Map<string, FunctionSpec>();

  constructor(parts: WardParts) {
    this.#parts = parts;
    this.fleet = parts.dispatcher.openApart();
    this.supervisor = parts.supervise(this.fleet);
    this.#ready = this.supervisor.start(Promise.resolve()).then(
      () => true,
      () => false,
    );
  }

  /** Whether what is in it may hold it up. */
  get isSilent(): boolean {
    return [...this.supervisor.members].some(({ health }) => health.silentMs >= SILENT_MS);
  }

  /** The version of the pool that it serves. */
  specOf(pool: string): FunctionSpec | undefined {
    return this.#pools.get(pool);
  }

  /** Lets it serve the pool's version. @returns whether it can, as soon as it can */
  async serve(pool: string): Promise<boolean> {
    const spec = this.#parts.specOf(pool);
    if (spec === undefined) return false;
    if (this.#pools.get(pool)?.revision !== spec.revision) {
      this.#pools.set(pool, spec);
      this.fleet.promote({ ...spec, threads: { ...spec.threads, ...FEW } }, performance.now());
    }
    return await this.#ready;
  }

  /** Ends its server. Resolves when that is gone. */
  async close(): Promise<void> {
    this.#parts.dispatcher.closeApart(this.fleet, [...this.#pools.keys()]);
    await this.supervisor.stop(false);
    this.#parts.onClose();
  }
}
