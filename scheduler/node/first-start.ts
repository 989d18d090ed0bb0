/**
 * The first builds and loads of a node, before it listens: what does not work is found now. Outside dev a function of
 * the project that does not work ends the start; a deployed one is reported, and the others serve.
 */
import { fitsAllAtOnce } from "../config/threads.ts";
import type { Deployer } from "../deploy/deployer.ts";
import type { DeployedFunction, FunctionRegistry } from "../deploy/registry.ts";
import { DexterError } from "../errors.ts";
import type { Reporter } from "../failures/reporter.ts";
import type { Thread } from "../policy/thread.ts";
import type { NodeConfig } from "../types.ts";
import type { Builds } from "./builds.ts";
import type { Engine } from "./engine.ts";
import type { NodeOptions } from "./options.ts";

interface FirstStartParts {
  readonly options: Pick<NodeOptions, "dev">;
  readonly registry: FunctionRegistry;
  readonly reporter: Reporter;
  readonly engine: Engine;
  readonly deployer: Deployer;
  readonly builds: Builds;
  isStopping(): boolean;
}

export class FirstStart {
  readonly #parts: FirstStartParts;

  constructor(parts: FirstStartParts) {
    this.#parts = parts;
  }

  /** Builds every function. Throws what is wrong with them. */
  async build(node: NodeConfig): Promise<void> {
    const { registry, engine, deployer, builds } = this.#parts;
    const entries = [...registry.functions.values()];
    const progress = builds.progress(entries.length);
    const { candidates, failures } = await deployer.prepareAll(entries, progress, "nowhere");
    this.#throwIfStopping();
    builds.throwOrReport(failures);
    for (const candidate of candidates) candidate.finish();
    const functions = entries.map(({ config }) => config);
    if (!fitsAllAtOnce(functions, node)) engine.dispatcher.fleet.deactivateAll();
  }

  /**
   * Waits until a first thread of each active function is ready: a function that cannot load is found now, and one
   * that never ends loading, or of which servers die, is not given to them any more. Throws what is wrong with them.
   */
  async load(): Promise<void> {
    const { options, registry, reporter, engine, builds } = this.#parts;
    const { dev } = options;
    const unfit: DeployedFunction[] = [];
    for (let found = await this.#findUnfit(); found.length > 0; found = await this.#findUnfit()) {
      unfit.push(...found);
      // What was to be loaded after them has still to show itself.
      await engine.supervisor.settled();
    }
    // What has no version has been reported, but for those whose version was taken away.
    const failing = [...registry.functions.values()].filter(
      (entry) => entry.failure && (entry.live || unfit.includes(entry)),
    );
    const report = dev ? unfit : failing.filter(({ source }) => !source);
    if (!dev) builds.throwOrReport(failing.flatMap(({ source, failure }) => (source && failure) ?? []));
    // The others of a node must not go without service for a deployed one that has become unable to load.
    for (const { failure } of report) reporter.failure(failure);
  }

  /** Functions of which a server died, or did not get on; they are suspended. */
  async #findUnfit(): Promise<DeployedFunction[]> {
    const { registry, deployer } = this.#parts;
    const starting = this.#firstThreads().filter((thread) => thread.state === "starting");
    const outcomes = await Promise.allSettled(starting.map((thread) => deployer.outcome(thread)));
    this.#throwIfStopping();
    const unfit: DeployedFunction[] = [];
    for (const [place, outcome] of outcomes.entries()) {
      const entry = registry.functions.get(starting[place]!.functionName);
      if (outcome.status === "fulfilled" || !entry || entry.failure) continue;
      await this.#suspend(entry, outcome.reason as DexterError);
      unfit.push(entry);
    }
    return unfit;
  }

  /** Also the servers that are busy with it, which nobody has waited for, are replaced. */
  async #suspend(entry: DeployedFunction, reason: DexterError): Promise<void> {
    const { deployer, engine } = this.#parts;
    const { supervisor } = engine;
    deployer.suspend(entry, reason);
    const stuck = [...supervisor.members].filter(
      ({ loader }) => loader.loading?.functionName === entry.config.name,
    );
    await Promise.all(stuck.map(({ key }) => supervisor.kill(key)));
  }

  /** One of each function; they take turns with the servers, each of which loads one after the other. */
  #firstThreads(): Thread[] {
    const { registry, engine } = this.#parts;
    const servers = [...engine.dispatcher.fleet.servers];
    const first = new Map<string, Thread>();
    for (const [turn, name] of [...registry.functions.keys()].entries()) {
      const inTurn = [...servers.slice(turn % servers.length), ...servers.slice(0, turn % servers.length)];
      const threads = inTurn.flatMap((server) => server.threads);
      const thread = threads.find((one) => one?.functionName === name);
      if (thread) first.set(name, thread);
    }
    return [...first.values()];
  }

  #throwIfStopping(): void {
    if (this.#parts.isStopping()) throw new DexterError("STOPPING");
  }
}
