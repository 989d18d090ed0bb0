/**
 * Brings new code to life: build, prove it in a thread, then switch. Whatever fails on the
 * way leaves the version that is live serving.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Exchange } from "../dispatch/exchange.ts";
import { DexterError } from "../errors.ts";
import type { Fleet } from "../policy/fleet.ts";
import type { Thread } from "../policy/thread.ts";
import { LoadError } from "../server/load-error.ts";
import type { LoadOutcome } from "../server/outcomes.ts";
import type { Supervisor } from "../server/supervisor.ts";
import { orAbandon, type Prepared } from "../system/prepared.ts";
import type { Version } from "../types.ts";
import { type Revision, type SecretValues, withSecrets } from "../versions/revision.ts";
import { checkHealth, UnwellError } from "./health-check.ts";
import { type DeployedFunction, type FunctionRegistry, specOf } from "./registry.ts";

/** A version that works, and is live when it is finished. */
export interface Candidate extends Prepared {
  readonly entry: DeployedFunction;
  readonly version: Revision;
}

/** How many functions are built and proved at the same time: enough to keep two CPUs and the servers occupied. */
const AT_ONCE = 8;

/** A version that takes longer to load, or to find room, is not live; a module scope that never ends is ended. */
const LOAD_WITHIN_MS = 30_000;
/** A version whose servers end while others are at fault is loaded so many times. */
const TRIES = 3;
/** How often it is looked whether a thread slot has become free. */
const LOOK_MS = 20;

export class Deployer {
  readonly #registry: FunctionRegistry;
  readonly #fleet: Fleet<Exchange>;
  readonly #supervisor: Supervisor<Exchange>;
  readonly #secretsOf: (functionName: string) => Promise<SecretValues>;
  readonly #loadWithinMs: number;
  /** In the order in which they proved themselves. */
  readonly #candidates = new Set<Candidate>();
  /** Of candidates, and of what is on the way to be one. */
  readonly #inWork = new Set<string>();

  constructor(
    registry: FunctionRegistry,
    fleet: Fleet<Exchange>,
    supervisor: Supervisor<Exchange>,
    secretsOf: (functionName: string) => Promise<SecretValues>,
    loadWithinMs: number = LOAD_WITHIN_MS,
  ) {
    this.#loadWithinMs = loadWithinMs;
    this.#secretsOf = secretsOf;
    this.#registry = registry;
    this.#fleet = fleet;
    this.#supervisor = supervisor;
  }

  /**
   * Builds a function and proves the result: undefined when what is live is what was built, with the same secrets.
   * @param given what to take instead of what the builder builds
   * @param where `nowhere` while there are no servers yet: their first loads are the proof
   */
  async prepare(
    entry: DeployedFunction,
    given?: Version,
    where: "server" | "nowhere" = "server",
  ): Promise<Candidate | undefined> {
    try {
      const built = given ?? (await entry.builder.build());
      const version = withSecrets(built, await this.#secretsOf(built.functionName));
      if (version.revision === entry.live?.revision) {
        delete entry.failure;
        return undefined;
      }
      this.#registry.keep(version);
      const candidate: Candidate = {
        entry,
        version,
        finish: () => this.#commit(candidate),
        abandon: () => this.#abandon(candidate),
      };
      this.#inWork.add(version.revision);
      if (where === "server") await orAbandon(candidate, () => this.#prove(candidate));
      this.#candidates.add(candidate);
      return candidate;
    } catch (error) {
      if (!(error instanceof DexterError)) throw error;
      entry.failure = error;
      throw error;
    }
  }

  /**
   * Prepares several, a few at a time. Nothing is thrown: what failed keeps its failure, and is listed.
   * @param progress is told how many are done
   */
  async prepareAll(
    entries: readonly DeployedFunction[],
    progress?: (done: number) => void,
    where: "server" | "nowhere" = "server",
  ) {
    const outcomes: Promise<Candidate | undefined>[] = [];
    const waiting = [...entries.entries()];
    let done = 0;
    const prepareInTurn = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [place, entry] = next;
        const outcome = this.prepare(entry, undefined, where);
        outcomes[place] = outcome;
        await outcome.catch(() => {});
        progress?.(++done);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, prepareInTurn));
    await this.#registry.restBuilders();
    const settled = await Promise.allSettled(outcomes);
    return {
      candidates: settled.flatMap((one) => (one.status === "fulfilled" ? (one.value ?? []) : [])),
      failures: settled.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : [])),
    };
  }

  /** Makes what was prepared live: requests go to the new version from now on. */
  #commit(candidate: Candidate): void {
    const { entry, version } = candidate;
    const nowMs = performance.now();
    entry.live = version;
    delete entry.failure;
    this.#candidates.delete(candidate);
    const spec = specOf(entry, version);
    this.#fleet.spread(spec);
    this.#fleet.promote(spec, nowMs);
    this.#fleet.activate(entry.pool, nowMs);
    this.#done(version);
  }

  /** Gives the threads back in which the version proved itself. */
  #abandon(candidate: Candidate): void {
    this.#candidates.delete(candidate);
    this.#giveBack(candidate);
    this.#done(candidate.version);
  }

  /** What is in work no longer is forgotten sooner or later, live or not. */
  #done(version: Revision): void {
    this.#inWork.delete(version.revision);
    for (const revision of this.#registry.prune(this.#inWork)) this.#supervisor.forget(revision);
  }

  #giveBack({ entry, version }: Candidate): void {
    this.#fleet.unstage(specOf(entry, version));
  }

  /** A function that is not fit to be served: it keeps its failure, and servers are not given it any more. */
  suspend(entry: DeployedFunction, failure: DexterError): void {
    delete entry.live;
    entry.failure = failure;
    for (const ticket of this.#fleet.drop(entry.pool)) ticket.request.fail(failure);
  }

  /** Takes back what `prepareAll` did for entries that will not be used. */
  async abandonAll(entries: readonly DeployedFunction[], candidates: readonly Candidate[]): Promise<void> {
    for (const candidate of candidates) candidate.abandon();
    const { functions } = this.#registry;
    const unused = entries.filter((entry) => functions.get(entry.config.name) !== entry);
    // Nothing has changed for those that stay: what failed was to take the place of what works.
    for (const entry of entries) if (!unused.includes(entry) && entry.live) delete entry.failure;
    await Promise.all(unused.map((entry) => entry.builder.dispose()));
  }

  /** Forgets every function but these. */
  async removeAllBut(names: readonly string[]): Promise<void> {
    const others = [...this.#registry.functions.keys()].filter((name) => !names.includes(name));
    await Promise.all(others.map((name) => this.remove(name)));
  }

  /** Forgets a function, and refuses what waits for it. */
  async remove(name: string): Promise<void> {
    await this.#registry.remove(name);
    for (const ticket of this.#fleet.drop(name)) {
      ticket.request.fail(new DexterError("NO_FUNCTION", { host: name, path: "" }));
    }
  }

  /**
   * Loads a thread of the version in one server. It must be well, if the function has a way to ask. A server that
   * ends for another reason says nothing of the version, which is loaded in another one then.
   */
  async #prove(candidate: Candidate): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const thread = await this.#stage(candidate);
      if ((await this.outcome(thread)) === "loaded" && (await this.#ask(candidate, thread))) return;
      this.#giveBack(candidate);
    }
    throw new DexterError("PROOF_LOST", { function: candidate.version.functionName });
  }

  /** Waits for a slot, for which others that have proved themselves make room. Throws NO_ROOM, STOPPING. */
  async #stage({ entry, version }: Candidate): Promise<Thread> {
    const deadlineMs = performance.now() + this.#loadWithinMs;
    const proved = [...this.#candidates];
    for (;;) {
      if (this.#supervisor.isStopping) throw new DexterError("STOPPING");
      const thread = this.#fleet.stage(specOf(entry, version));
      if (thread !== undefined) return thread;
      const other = proved.shift();
      if (other) this.#giveBack(other);
      if (performance.now() > deadlineMs)
        throw new DexterError("NO_ROOM", { function: version.functionName });
      await sleep(LOOK_MS);
    }
  }

  /**
   * As the supervisor's, but in time: a server that does not get on with the thread is ended.
   * @throws LoadError also when it is the thread's own module scope that does not end
   */
  async outcome(thread: Thread): Promise<LoadOutcome> {
    const timer = new AbortController();
    const late = sleep(this.#loadWithinMs, "late" as const, { signal: timer.signal });
    late.catch(() => {});
    const outcome = await Promise.race([this.#supervisor.outcome(thread), late]).finally(() => timer.abort());
    if (outcome !== "late") return outcome;
    const atFault = this.#supervisor.member(thread.server)?.loader.loading === thread;
    await this.#supervisor.kill(thread.server);
    if (!atFault) return "lost";
    const reason = `it did not finish loading within ${this.#loadWithinMs / 1_000} s; does its module scope end?`;
    throw new LoadError(thread.functionName, reason);
  }

  /** False when its server ended before it could be asked. Throws UnwellError. */
  async #ask({ entry, version }: Candidate, thread: Thread): Promise<boolean> {
    const { healthPath } = entry.config;
    if (healthPath === undefined) return true;
    const socket = this.#supervisor.member(thread.server)?.process.socketOf(thread.slot);
    if (socket === undefined) return false;
    const problem = await checkHealth(socket, healthPath, `${version.functionName}.localhost`);
    if (problem === undefined) return true;
    // What the question has begun may never end.
    if (this.#fleet.server(thread.server)?.responsive === false) await this.#supervisor.kill(thread.server);
    throw new UnwellError(version, healthPath, problem);
  }
}
