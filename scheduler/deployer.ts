/**
 * Brings new code to life: build, prove it in a thread, then switch. Whatever fails on the
 * way leaves the version that is live serving.
 */

import type { Exchange } from "./dispatch/exchange.ts";
import { DexterError } from "./errors.ts";
import { checkHealth, UnwellError } from "./health-check.ts";
import type { Fleet } from "./policy/fleet.ts";
import type { Thread } from "./policy/thread.ts";
import { type DeployedFunction, type FunctionRegistry, specOf } from "./registry.ts";
import { type SecretValues, withSecrets } from "./revision.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Version } from "./types.ts";

/** A version that works and is not live yet: `commit` or `abandon` it. */
export interface Candidate {
  readonly entry: DeployedFunction;
  readonly version: Version;
}

/** How many functions are built and proved at the same time: enough to keep two CPUs and the servers occupied. */
const AT_ONCE = 8;

export class Deployer {
  readonly #registry: FunctionRegistry;
  readonly #fleet: Fleet<Exchange>;
  readonly #supervisor: Supervisor<Exchange>;
  readonly #secretsOf: (functionName: string) => Promise<SecretValues>;

  constructor(
    registry: FunctionRegistry,
    fleet: Fleet<Exchange>,
    supervisor: Supervisor<Exchange>,
    secretsOf: (functionName: string) => Promise<SecretValues>,
  ) {
    this.#secretsOf = secretsOf;
    this.#registry = registry;
    this.#fleet = fleet;
    this.#supervisor = supervisor;
  }

  /**
   * Builds a function and makes the result live, if it differs from what is.
   * @returns the new version, or undefined when nothing changed
   * @throws BuildError, LoadError, SECRETS_DAMAGED, SECRETS_LOCKED; the function's `failure` keeps it
   */
  async update(entry: DeployedFunction): Promise<Version | undefined> {
    const candidate = await this.prepare(entry);
    if (candidate) this.commit(candidate);
    return candidate?.version;
  }

  /**
   * The first half of `update`: undefined when what is live is what was built, with the same secrets.
   * @param given what to take instead of what the builder builds
   */
  async prepare(entry: DeployedFunction, given?: Version): Promise<Candidate | undefined> {
    try {
      const built = given ?? (await entry.builder.build());
      const version = withSecrets(built, await this.#secretsOf(built.functionName));
      if (version.id === entry.live?.id) {
        delete entry.failure;
        return undefined;
      }
      this.#registry.keep(version);
      await this.#prove({ entry, version });
      return { entry, version };
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
  async prepareAll(entries: readonly DeployedFunction[], progress?: (done: number) => void) {
    const outcomes: PromiseSettledResult<Candidate | undefined>[] = [];
    const waiting = [...entries.entries()];
    let done = 0;
    const prepareInTurn = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [place, entry] = next;
        [outcomes[place]] = await Promise.allSettled([this.prepare(entry)]);
        progress?.(++done);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, prepareInTurn));
    await this.#registry.restBuilders();
    return {
      candidates: outcomes.flatMap((one) => (one.status === "fulfilled" ? (one.value ?? []) : [])),
      failures: outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : [])),
    };
  }

  /** The second half: requests go to the new version from now on. */
  commit({ entry, version }: Candidate): void {
    const nowMs = performance.now();
    entry.live = version;
    delete entry.failure;
    this.#fleet.promote(specOf(entry.config, version), nowMs);
    this.#fleet.activate(entry.config.name, nowMs);
    for (const id of this.#registry.prune()) this.#supervisor.forget(id);
  }

  /** Gives the threads back in which the version proved itself. */
  abandon({ entry, version }: Candidate): void {
    this.#fleet.unstage(specOf(entry.config, version));
  }

  /** Takes back what `prepareAll` did for entries that will not be used. */
  async abandonAll(entries: readonly DeployedFunction[], candidates: readonly Candidate[]): Promise<void> {
    for (const candidate of candidates) this.abandon(candidate);
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
   * Loads one thread of the version in every server, and waits for the first: what loads in one loads in all.
   * That one must be well, if the function has a way to ask. Without servers there is nothing to prove it in.
   */
  async #prove(candidate: Candidate): Promise<void> {
    const staged = this.#fleet.stage(specOf(candidate.entry.config, candidate.version));
    if (staged.length === 0) return;
    const outcomes = staged.map((thread) => this.#supervisor.outcome(thread).then(() => thread));
    try {
      await this.#ask(candidate, await Promise.any(outcomes));
    } catch (error) {
      this.abandon(candidate);
      throw error instanceof AggregateError ? error.errors[0] : error;
    }
  }

  /** Throws UnwellError. */
  async #ask({ entry, version }: Candidate, thread: Thread): Promise<void> {
    const { healthPath } = entry.config;
    const socket = this.#supervisor.member(thread.server)?.process.socketOf(thread.slot);
    if (healthPath === undefined || socket === undefined) return;
    const problem = await checkHealth(socket, healthPath, `${version.functionName}.localhost`);
    if (problem !== undefined) throw new UnwellError(version, healthPath, problem);
  }
}
