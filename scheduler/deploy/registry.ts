/**
 * The functions of a node: their builders, the version that is live for each, and the versions that running
 * threads may still come from.
 */
import type { VersionModule, VersionPayload } from "../../runtime/protocol.ts";
import { type Builder, createBuilder, endBundler } from "../bundle/builder.ts";
import type { DexterError } from "../errors.ts";
import { canaryPool } from "../policy/canary.ts";
import type { FunctionSpec } from "../policy/thread.ts";
import { canHide } from "../server/hidden-file.ts";
import { runtimeModule } from "../system/built-file.ts";
import { isSame } from "../system/same.ts";
import type { FunctionConfig, FunctionSettings, Version } from "../types.ts";
import type { FunctionPackage } from "../versions/package.ts";
import { hasSecrets, type Revision } from "../versions/revision.ts";

export interface DeployedFunction {
  readonly config: FunctionSettings;
  /** What the fleet keeps its threads and requests under. */
  readonly pool: string;
  /** What it is built from; absent for a function from the store. */
  readonly source?: FunctionConfig;
  readonly builder: Builder;
  /** What requests get; absent until a build has worked. */
  live?: Revision;
  /** Why the newest code is not live. */
  failure?: DexterError;
}

/** Superseded versions kept per function, for threads that still finish and for their stacks. */
const SUPERSEDED_VERSIONS = 5;

export class FunctionRegistry {
  readonly functions = new Map<string, DeployedFunction>();
  /** By function, the new version that gets a part of its requests. */
  readonly canaries = new Map<string, DeployedFunction>();
  /** By what servers know them by. */
  readonly #versions = new Map<string, Revision>();
  /** What `mayReside` found: it is asked every second, and a version may be megabytes. */
  readonly #mayReside = new WeakMap<Revision, boolean>();
  readonly #dev: boolean;
  readonly #inspect: boolean;
  readonly #prelude: Readonly<Record<string, VersionModule>>;

  constructor(options: { readonly dev: boolean; readonly inspect?: boolean }) {
    this.#dev = options.dev;
    this.#inspect = options.inspect ?? false;
    this.#prelude = {
      "dexter-prelude.js": { js: runtimeModule("prelude") },
      "dexter-console.js": { js: runtimeModule("console") },
      "dexter-fetch.js": { js: runtimeModule("fetch") },
      "dexter-turn.js": { js: runtimeModule("turn") },
    };
  }

  /**
   * The entry of a function with this configuration: the one that is there, or a new one, which the registry
   * does not know until `put`. What is live stays live.
   */
  entryFor(config: FunctionConfig): DeployedFunction {
    const known = this.functions.get(config.name);
    if (known && isSame(known.source, config)) return known;
    const builder = createBuilder(config, { dev: this.#dev });
    return {
      config,
      pool: config.name,
      source: config,
      builder,
      ...(known?.live ? { live: known.live } : {}),
    };
  }

  /** An entry as `entryFor` makes it, for a version that is built already. */
  entryOf({ settings, version }: FunctionPackage): DeployedFunction {
    const live = this.functions.get(settings.name)?.live;
    const builder = { inputs: [], build: async () => version, dispose: async () => {} };
    return { config: settings, pool: settings.name, builder, ...(live ? { live } : {}) };
  }

  /** An entry for a version on trial: its threads are in a pool of their own, and it has no routes. */
  trialOf(given: FunctionPackage): DeployedFunction {
    const { live: _, ...entry } = this.entryOf(given);
    const pool = canaryPool(given.settings.name);
    return { ...entry, pool, config: { ...given.settings, routes: [], catchAll: false } };
  }

  /** Makes an entry the function's own. The one that it replaces is disposed of. */
  put(entry: DeployedFunction): void {
    const known = this.functions.get(entry.config.name);
    this.functions.set(entry.config.name, entry);
    if (known && known !== entry) void known.builder.dispose();
  }

  /** Brings the functions into this order, in which the first of several that want all the rest gets it. */
  arrange(names: readonly string[]): void {
    for (const name of names) {
      const entry = this.functions.get(name);
      if (entry === undefined) continue;
      this.functions.delete(name);
      this.functions.set(name, entry);
    }
  }

  async remove(name: string): Promise<void> {
    const entry = this.functions.get(name);
    this.functions.delete(name);
    await entry?.builder.dispose();
  }

  /** What the fleet keeps threads and requests of the function under. */
  poolsOf(name: string): string[] {
    const entries = [this.functions.get(name), this.canaries.get(name)];
    return entries.flatMap((entry) => entry?.pool ?? []);
  }

  /** Makes a version known, so that servers can be given it. */
  keep(version: Revision): void {
    this.#versions.delete(version.revision);
    this.#versions.set(version.revision, version);
  }

  /**
   * The revisions that are kept no longer. Of functions that are not here, a few of the latest failures are kept,
   * for their stacks.
   * @param inWork versions that prove themselves, or have
   */
  prune(inWork: ReadonlySet<string> = new Set()): string[] {
    const entries = [...this.functions.values(), ...this.canaries.values()];
    const live = new Set(entries.map((entry) => entry.live?.revision));
    const counts = new Map<string, number>();
    const pruned: string[] = [];
    for (const version of [...this.#versions.values()].reverse()) {
      if (live.has(version.revision) || inWork.has(version.revision)) continue;
      const owner = this.functions.has(version.functionName) ? version.functionName : "";
      const count = (counts.get(owner) ?? 0) + 1;
      counts.set(owner, count);
      if (count > SUPERSEDED_VERSIONS) pruned.push(version.revision);
    }
    for (const id of pruned) this.#versions.delete(id);
    return pruned;
  }

  version(revision: string): Revision | undefined {
    return this.#versions.get(revision);
  }

  /** The newest version of a function that is kept, live or not. */
  latest(name: string): Version | undefined {
    return [...this.#versions.values()].reverse().find((version) => version.functionName === name);
  }

  /** In a resident thread `abortIsolate` would end the whole server. What it is made of must be fit for disks. */
  mayReside(spec: FunctionSpec): boolean {
    const version = this.#versions.get(spec.revision);
    if (version === undefined || (hasSecrets(spec) && !canHide())) return false;
    // A generation outlives a trial.
    for (const { live } of this.canaries.values()) if (live === version) return false;
    const known = this.#mayReside.get(version) ?? !mentions(version, "abortIsolate");
    this.#mayReside.set(version, known);
    return known;
  }

  /** What a server needs to load isolates of a version: the prelude in front of the user's modules. */
  payload(revision: string): VersionPayload | undefined {
    const version = this.#versions.get(revision);
    if (version === undefined) return undefined;
    const main = JSON.stringify(`./${version.mainModule}`);
    const user = `import * as user from ${main};\nexport * from ${main};\nexport default user.default;\n`;
    return {
      mainModule: "dexter-prelude.js",
      modules: {
        ...version.modules,
        ...(this.#inspect ? withMap(version) : {}),
        ...this.#prelude,
        "dexter-user.js": { js: user },
      },
      compatibilityDate: version.compatibilityDate,
      compatibilityFlags: withOwnFlags(version),
      allowExperimental: false,
      env: version.env,
    };
  }

  /** No build is under way, and outside dev none is to be expected soon. */
  async restBuilders(): Promise<void> {
    if (!this.#dev) await endBundler();
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.functions.values()].map((entry) => entry.builder.dispose()));
  }
}

/** The main module with its source map in it, for debuggers. */
function withMap({ mainModule, modules, sourceMap }: Version): Record<string, VersionModule> {
  const main = modules[mainModule];
  if (sourceMap === undefined || !main || !("js" in main)) return {};
  const url = `data:application/json;base64,${Buffer.from(sourceMap).toString("base64")}`;
  return { [mainModule]: { js: `${main.js}\n//# sourceMappingURL=${url}\n` } };
}

/** Whether the word stands in any script of the version. */
function mentions({ modules }: Version, word: string): boolean {
  return Object.values(modules).some((module) => {
    const script = "js" in module ? module.js : "cjs" in module ? module.cjs : "";
    return script.includes(word);
  });
}

/** From this date on, a promise of one request may be resolved by another. */
const CROSS_REQUEST_DATE = "2024-10-14";

/**
 * The prelude follows a request through asynchronous code, which needs AsyncLocalStorage and nothing else. And one
 * request tells the next that it is its turn.
 */
function withOwnFlags({ compatibilityFlags, compatibilityDate }: Version): readonly string[] {
  const flags = [...compatibilityFlags];
  if (!flags.includes("nodejs_compat") && !flags.includes("nodejs_als")) flags.push("nodejs_als");
  const isSet = flags.some((flag) => flag.endsWith("handle_cross_request_promise_resolution"));
  if (compatibilityDate < CROSS_REQUEST_DATE && !isSet) flags.push("handle_cross_request_promise_resolution");
  return flags;
}

export function specOf({ config, pool }: DeployedFunction, { id, revision }: Revision): FunctionSpec {
  return { functionName: config.name, pool, version: id, revision, threads: config.threads };
}
