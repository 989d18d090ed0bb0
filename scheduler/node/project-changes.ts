/**
 * The project as a node serves it, and its changes while the node runs: other settings, functions that are new, changed
 * or gone. A change is prepared beside what serves, and then taken as a whole, or refused.
 */
import type { AdminDoors } from "../admin/doors.ts";
import type { Deployer } from "../deploy/deployer.ts";
import type { Deployments } from "../deploy/deployments.ts";
import type { DeployedFunction, FunctionRegistry } from "../deploy/registry.ts";
import { DexterError } from "../errors.ts";
import type { Reporter } from "../failures/reporter.ts";
import type { Listeners } from "../http/listeners.ts";
import { checkIdentity, needsRestart, supervisorSettings } from "../server/settings.ts";
import { allOf, orAbandon, type Prepared } from "../system/prepared.ts";
import type { Turns } from "../system/turns.ts";
import type { NodeConfig, Project } from "../types.ts";
import type { Builds } from "./builds.ts";
import type { Engine } from "./engine.ts";
import type { Front } from "./front.ts";
import type { NodeOptions } from "./options.ts";

interface ProjectParts {
  readonly options: NodeOptions;
  readonly registry: FunctionRegistry;
  readonly reporter: Reporter;
  readonly engine: Engine;
  readonly deployer: Deployer;
  readonly builds: Builds;
  readonly front: Front;
  readonly listeners: Listeners;
  readonly admin: AdminDoors;
  readonly turns: Turns;
  readonly deployments: Deployments;
}

export class ProjectChanges {
  readonly #parts: ProjectParts;
  #project: Project;

  constructor(project: Project, parts: ProjectParts) {
    this.#project = project;
    this.#parts = parts;
  }

  /** As it is served now. */
  get project(): Project {
    return this.#project;
  }

  /**
   * Takes a new state of the project: new, changed and removed functions, settings, listeners. Servers are
   * restarted when asked, or when a setting of theirs changed. Rejects, and changes nothing, when a setting
   * cannot be taken or (outside dev) a function does not work; in dev that is reported, and the rest taken.
   */
  async apply(project: Project, { restart }: { restart?: "one by one" | "at once" } = {}): Promise<void> {
    const { options, registry, reporter, engine, deployer, turns } = this.#parts;
    await turns.run(async () => {
      checkIdentity(this.#project.node, project.node);
      const servers = supervisorSettings(project.node, options);
      const opened = await allOf(
        () => options.logs.change(project.node),
        () => this.openListeners(project.node),
      );
      const { entries, candidates, failures } = await orAbandon(opened, () => this.#prepare(project));
      const changed = needsRestart(engine.supervisor.settings, servers);
      opened.finish();
      this.#project = project;
      reporter.logRate = project.node.logRate;
      for (const entry of entries) registry.put(entry);
      for (const candidate of candidates) candidate.finish();
      const names = entries.map(({ config }) => config.name);
      await deployer.removeAllBut(names);
      registry.arrange(names);
      this.configureFront();
      engine.supervisor.configure(servers);
      if (restart || changed) engine.supervisor.restart(restart ?? "one by one");
      if (options.inspect) await engine.supervisor.settled();
      for (const failure of failures) reporter.failure(failure);
    });
  }

  /**
   * Builds functions again, as they are on disk now. Failures are logged, and what is live stays.
   * @returns those whose code is new
   */
  rebuild(entries: readonly DeployedFunction[]): Promise<DeployedFunction[]> {
    const { options, reporter, engine, deployer, turns } = this.#parts;
    return turns.run(async () => {
      const startedAtMs = performance.now();
      const broken = entries.filter(({ failure }) => failure);
      const { candidates, failures } = await deployer.prepareAll(entries);
      for (const candidate of candidates) candidate.finish();
      if (options.inspect) await engine.supervisor.settled();
      const ms = Math.round(performance.now() - startedAtMs);
      const updated = candidates.map(({ entry }) => entry);
      const { log } = options.logs;
      for (const { config } of updated) log.info(`${config.name} updated in ${ms} ms`);
      for (const entry of broken)
        if (!entry.failure && !updated.includes(entry)) log.info(`${entry.config.name} builds again`);
      for (const failure of failures) reporter.failure(failure);
      return updated;
    });
  }

  /** When the project's own function does not work, it keeps its failure until it is mended and built again. */
  async restore(name: string): Promise<"serves" | DexterError | undefined> {
    const { registry, reporter, deployer } = this.#parts;
    const config = this.#project.functions.find((own) => own.name === name);
    if (config === undefined) return undefined;
    const entry = registry.entryFor(config);
    try {
      const candidate = await deployer.prepare(entry);
      registry.put(entry);
      candidate?.finish();
      return "serves";
    } catch (error) {
      if (!(error instanceof DexterError)) throw error;
      registry.put(entry);
      deployer.suspend(entry, error);
      reporter.failure(error);
      return error;
    }
  }

  /** Functions came, went, or have other routes. */
  configureFront(): void {
    const functions = [...this.#parts.registry.functions.values()].map(({ config }) => config);
    this.#parts.front.configure(functions, this.#project.node);
  }

  /** Opens the addresses that are new, for clients and for the operator: all of them, or none. */
  openListeners(node: NodeConfig): Promise<Prepared> {
    const { listeners, admin } = this.#parts;
    return allOf(
      () => listeners.change(node),
      () => admin.change(node),
    );
  }

  /** Builds and proves the project's functions. Throws what is wrong with them, if it is a reason to refuse the project. */
  async #prepare(project: Project) {
    const { reporter, deployer, builds } = this.#parts;
    const entries = this.#entriesOf(project);
    const { candidates, failures } = await deployer.prepareAll(entries, builds.progress(entries.length));
    // A deployed function that fails is no reason.
    const deployed = new Set<unknown>(
      entries.flatMap(({ source, failure }) => (source ? [] : (failure ?? []))),
    );
    const fatal = builds.fatal(failures.filter((failure) => !deployed.has(failure)));
    if (fatal.length > 0) {
      await deployer.abandonAll(entries, candidates);
      throw reporter.combined(fatal);
    }
    return { entries, candidates, failures };
  }

  /** The project's functions, but for those in whose place others were deployed; and these. */
  #entriesOf({ functions }: Project): DeployedFunction[] {
    const { registry, deployments } = this.#parts;
    const deployed = [...registry.functions.values()].filter(({ config }) => deployments.has(config.name));
    const own = functions.filter(({ name }) => !deployments.has(name));
    return [...own.map((config) => registry.entryFor(config)), ...deployed];
  }
}
