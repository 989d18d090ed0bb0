/**
 * Functions that were handed to the running node, and their versions in the store. A deployed function takes
 * the place of the project's function of the same name, until it is deleted.
 *
 * A new version goes live in this order: it proves itself in a thread, it is stored, the pointer names it, and
 * requests go to it. Whatever fails on the way leaves what is live as it is; a kill between two steps leaves
 * the old version or the new one.
 */
import { strict as assert } from "node:assert";
import { DexterError } from "../errors.ts";
import type { CanarySettings, Verdict } from "../policy/canary.ts";
import { hardConflicts } from "../policy/routes.ts";
import { orAbandon } from "../system/prepared.ts";
import type { Turns } from "../system/turns.ts";
import type { FunctionPackage } from "../versions/package.ts";
import type { Deployed, DeployOptions, Removed, VersionStatus } from "./answers.ts";
import type { Canaries } from "./canaries.ts";
import type { Change, Pointer } from "./pointer.ts";
import { type ProofPorts, prove } from "./proof.ts";
import { recover } from "./recovery.ts";
import type { FunctionRegistry } from "./registry.ts";
import type { Store } from "./store.ts";

interface DeploymentPorts extends ProofPorts {
  readonly canaries: Canaries;
  readonly store: Store;
  readonly registry: FunctionRegistry;
  keepVersions(): number;
  baseDomain(): string;
  /** Changes of the node happen one after the other. */
  readonly turns: Turns;
  /** Where the function answers now. */
  routesOf(name: string): string[];
  /** Functions came, went, or have other routes. */
  changed(): void;
  /** Removes the function's secrets. */
  forgetSecrets(name: string): Promise<void>;
  /** The project's own function of this name is built and serves again; undefined when it has none. */
  restore(name: string): Promise<"serves" | DexterError | undefined>;
}

export class Deployments {
  readonly #ports: DeploymentPorts;
  readonly #pointers = new Map<string, Pointer>();
  /** In the store, without a version that is good. */
  readonly #broken = new Set<string>();
  #revision = 0;

  constructor(ports: DeploymentPorts) {
    this.#ports = ports;
  }

  /** Whether the function comes from the store. */
  has(name: string): boolean {
    return this.#pointers.has(name);
  }

  /** Rises with each change. */
  get revision(): number {
    return this.#revision;
  }

  get pointers(): ReadonlyMap<string, Pointer> {
    return this.#pointers;
  }

  /** How the function's versions came to be live; undefined when it was not deployed. */
  pointer(name: string): Pointer | undefined {
    return this.#pointers.get(name);
  }

  /** Takes up what is in the store. @returns the functions with a version that is good, those deployed first in front */
  async load(): Promise<FunctionPackage[]> {
    const { found, broken } = await recover(this.#ports.store, this.#ports.log);
    for (const name of broken) this.#broken.add(name);
    for (const { pointer, given } of found) this.#pointers.set(given.settings.name, pointer);
    return found.map(({ given }) => given);
  }

  /** Makes a version live that has come from outside. @throws whatever is wrong with it */
  deploy(given: FunctionPackage, { by, dryRun = false, canary }: DeployOptions): Promise<Deployed> {
    return this.#ports.turns.run(async () => {
      const { id, functionName } = given.version;
      this.#checkRoutes(given);
      if (this.#pointers.get(functionName)?.version === id && this.#isLive(given))
        return this.#outcome(given, id);
      if (canary && !dryRun) return await this.#tryOut(given, canary, by);
      return await this.#switch(given, { action: "deploy", by }, dryRun);
    });
  }

  /** Makes the version that is on trial live for all requests. Throws NO_CANARY. */
  promote(name: string, by: string): Promise<Deployed> {
    return this.#ports.turns.run(async () => {
      const running = this.#ports.canaries.of(name);
      if (running === undefined) throw new DexterError("NO_CANARY", { function: name });
      return await this.#switch(running.given, { action: "promote", by }, false);
    });
  }

  /** Does what a canary's comparison has shown. */
  async carryOut(name: string, { decision, reason }: Verdict): Promise<void> {
    const { canaries, log } = this.#ports;
    const id = canaries.of(name)?.given.version.id;
    if (id === undefined) return;
    const about = { function: name, version: id };
    if (decision === "promote") {
      log.info(about, `canary of ${name}: version ${id} is promoted: ${reason}`);
      await this.promote(name, "canary");
    } else {
      log.warn(about, `canary of ${name}: version ${id} is rolled back: ${reason}`);
      canaries.end(name);
    }
  }

  /**
   * Makes a kept version live again; without an id, the one before, or, while a canary runs, the one beside it.
   * Throws NO_DEPLOYED, NO_VERSION, VERSION_DAMAGED.
   */
  rollback(name: string, id: string | undefined, by: string): Promise<Deployed> {
    return this.#ports.turns.run(async () => {
      const pointer = this.#known(name);
      if (id === undefined && this.#ports.canaries.of(name)) return this.#giveUp(name);
      const target = id ?? (await this.#before(name, pointer));
      const given = await this.#ports.store.read(name, target);
      this.#checkRoutes(given);
      if (target === pointer.version && this.#isLive(given)) return this.#outcome(given, target);
      return await this.#switch(given, { action: "rollback", by }, false);
    });
  }

  /**
   * Forgets a deployed function and its secrets; the project's own one takes its place. The secrets go first: cut
   * short, a delete must leave none for another function of that name.
   */
  remove(name: string): Promise<Removed> {
    return this.#ports.turns.run(async () => {
      if (!this.#broken.has(name)) this.#known(name);
      const { store, deployer, canaries, textOf } = this.#ports;
      canaries.end(name);
      await this.#ports.forgetSecrets(name);
      await store.remove(name);
      this.#broken.delete(name);
      this.#pointers.delete(name);
      this.#revision++;
      const own = await this.#ports.restore(name);
      if (own === undefined) await deployer.remove(name);
      this.#ports.changed();
      if (own === undefined || own === "serves") return { restored: own === "serves" };
      return { restored: false, failure: textOf(own) };
    });
  }

  async versions(name: string): Promise<VersionStatus[]> {
    const { version, changes } = this.#known(name);
    const live = this.#liveId(name) ?? version;
    return (await this.#ports.store.versions(name)).map(({ id, storedAtMs, bytes }) => {
      const last = changes.find(({ version }) => version === id);
      const storedAt = new Date(storedAtMs).toISOString();
      return { version: id, live: id === live, bytes, storedAt, ...(last ? { last } : {}) };
    });
  }

  #known(name: string): Pointer {
    const pointer = this.#pointers.get(name);
    if (pointer === undefined) throw new DexterError("NO_DEPLOYED", { function: name });
    return pointer;
  }

  /** The version that was live before this one, of those that are kept. Throws NO_VERSION. */
  async #before(name: string, { version: live, changes }: Pointer): Promise<string> {
    const { store } = this.#ports;
    for (const version of new Set(changes.map((change) => change.version))) {
      if (version === live) continue;
      // One that is damaged, or not kept, is nothing to go back to.
      const given = await store.read(name, version).catch(() => undefined);
      if (given) return version;
    }
    throw new DexterError("NO_VERSION_BEFORE", { function: name });
  }

  #isLive({ settings, version }: FunctionPackage): boolean {
    return this.#liveId(settings.name) === version.id;
  }

  /** The id of the content that is live, whatever its secrets are. */
  #liveId(name: string): string | undefined {
    return this.#ports.registry.functions.get(name)?.live?.id;
  }

  /** Throws NOTHING_TO_COMPARE. */
  async #tryOut(given: FunctionPackage, settings: CanarySettings, by: string): Promise<Deployed> {
    const { registry, store, canaries, log } = this.#ports;
    const { name } = given.settings;
    const { id } = given.version;
    const previous = this.#liveId(name);
    if (previous === undefined || !this.#pointers.has(name))
      throw new DexterError("NOTHING_TO_COMPARE", { function: name });
    canaries.end(name);
    const candidate = await prove(this.#ports, registry.trialOf(given), "a deploy");
    assert(candidate);
    await orAbandon(candidate, () => store.add(given));
    canaries.begin(candidate, given, settings, by);
    log.info(
      { function: name, version: id, by },
      `canary of ${name}: version ${id} gets ${settings.percent} %`,
    );
    await this.#prune(name);
    this.#revision++;
    return { ...this.#outcome(given, previous), canaryPercent: settings.percent };
  }

  /** Ends a canary without promoting it. */
  #giveUp(name: string): Deployed {
    const { canaries, log, routesOf } = this.#ports;
    const previous = canaries.end(name)!;
    const { version } = this.#known(name);
    log.info({ function: name }, `canary of ${name}: given up; version ${version} gets all requests`);
    return { function: name, version, previous, changed: true, routes: routesOf(name) };
  }

  async #switch(
    given: FunctionPackage,
    { action, by }: Pick<Change, "action" | "by">,
    dryRun: boolean,
  ): Promise<Deployed> {
    const { registry, canaries, log } = this.#ports;
    const { name } = given.settings;
    const { id } = given.version;
    const entry = registry.entryOf(given);
    const previous = this.#liveId(name);
    const candidate = await prove(this.#ports, entry, "a deploy");
    if (dryRun) {
      candidate?.abandon();
      return this.#outcome(given, previous);
    }
    const change = { action, version: id, at: new Date().toISOString(), by };
    await orAbandon(candidate, () => this.#store(given, change));
    registry.put(entry);
    candidate?.finish();
    canaries.end(name);
    this.#ports.changed();
    log.info({ function: name, version: id, by }, `${action} of ${name}: version ${id} is live`);
    await this.#prune(name);
    this.#revision++;
    return this.#outcome(given, previous);
  }

  /** Stores the version, and then that it is live. Throws STORE_FULL, STORE_FAILED. */
  async #store(given: FunctionPackage, change: Change): Promise<void> {
    const { store } = this.#ports;
    const { name } = given.settings;
    await store.add(given);
    this.#pointers.set(name, await store.point(name, change));
    this.#broken.delete(name);
  }

  /** What is kept of old versions is no reason for a deploy to fail. */
  async #prune(name: string): Promise<void> {
    const { store, keepVersions, log, canaries } = this.#ports;
    const trial = canaries.of(name)?.given.version.id;
    await store
      .prune(name, keepVersions(), trial === undefined ? [] : [trial])
      .catch((error: Error) => log.warn(`old versions of ${name} cannot be removed: ${error.message}`));
  }

  /** Throws ROUTE_TAKEN when another function has one of these routes, be it given or by name. */
  #checkRoutes({ settings }: FunctionPackage): void {
    const { name } = settings;
    const others = [...this.#ports.registry.functions.values()].map(({ config }) => config);
    const all = [...others.filter((other) => other.name !== name), settings];
    for (const { pattern, owners } of hardConflicts(all, this.#ports.baseDomain())) {
      const owner = owners.find((one) => one !== name)!;
      if (owners.includes(name)) throw new DexterError("ROUTE_TAKEN", { function: name, pattern, owner });
    }
  }

  #outcome({ settings: { name }, version }: FunctionPackage, previous: string | undefined): Deployed {
    return {
      function: name,
      version: version.id,
      ...(previous === undefined ? {} : { previous }),
      changed: previous !== version.id,
      routes: this.#ports.routesOf(name),
    };
  }
}
