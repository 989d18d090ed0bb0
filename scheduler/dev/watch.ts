/**
 * Hot reload: watches what the project is made of, and brings changes to life. A change of a source
 * rebuilds the functions that read it; a change of configuration, or a function that comes or goes, reads
 * the whole project again.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { DeployedFunction } from "../deploy/registry.ts";
import { DexterError } from "../errors.ts";
import type { Logger } from "../logs/logger.ts";
import type { DexterNode } from "../node/node.ts";
import { isSame } from "../system/same.ts";
import type { Project } from "../types.ts";
import { FolderWatcher } from "./folder-watcher.ts";
import { type Changes, WatchScope } from "./scope.ts";

/** Editors write a file in several steps; what follows within this time belongs to the same change. */
const GATHER_MS = 5;
/** But a change that goes on and on is taken up in between. */
const MAX_GATHER_MS = 100;
/** File times are counted in steps of the kernel's clock. */
const CLOCK_STEP_MS = 10;
/** A build command that writes something else each time is run no more often than this in a row for nothing. */
const MOST_IN_VAIN = 3;

interface HotReloadOptions {
  readonly log: Logger;
  readonly readProject: () => Promise<Project>;
}

/** Takes up changes until `close`. */
export class HotReload {
  readonly #node: DexterNode;
  readonly #options: HotReloadOptions;
  readonly #watcher: FolderWatcher;
  #changes = new Map<string, boolean>();
  #gatherSinceMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #closed = false;
  #projectIsBroken = false;
  /** What the last round took up, as it was then. */
  #before: ReadonlyMap<string, string> = new Map();
  /** Functions with a build command whose last builds in a row changed nothing, and how many: see `#takeUp`. */
  #inVain = new Map<DeployedFunction, number>();
  /** Those that were built in vain as often as they may be, and have changed again: perhaps by an edit. */
  #late = new Set<DeployedFunction>();

  constructor(node: DexterNode, options: HotReloadOptions) {
    this.#node = node;
    this.#options = options;
    this.#watcher = new FolderWatcher({
      onEvent: (file, comesOrGoes) => this.#onEvent(file, comesOrGoes),
      onError: (message) => options.log.error(message),
    });
    // The project was read after this process began.
    this.#watch(performance.timeOrigin);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watcher.close();
  }

  #onEvent(file: string, comesOrGoes: boolean): void {
    if (this.#scope.isNoise(file)) return;
    this.#changes.set(file, comesOrGoes || this.#changes.get(file) === true);
    this.#gather();
  }

  /** Waits for the end of a change, unless one is being taken up: then that comes first. */
  #gather(): void {
    if (this.#running || this.#closed) return;
    const nowMs = performance.now();
    if (this.#timer === undefined) this.#gatherSinceMs = nowMs;
    else if (nowMs - this.#gatherSinceMs > MAX_GATHER_MS) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), GATHER_MS);
  }

  async #run(): Promise<void> {
    this.#timer = undefined;
    this.#running = true;
    const changes = this.#changes;
    this.#changes = new Map();
    const sinceMs = Date.now();
    await this.#takeUp(changes);
    this.#watch(sinceMs);
    if (this.#changes.size === 0 && this.#late.size > 0) await this.#tryLast();
    this.#running = false;
    if (this.#changes.size > 0) return this.#gather();
    // What comes from now on was not written by a command that has ended.
    this.#inVain.clear();
  }

  /**
   * A build command writes files, which are changes again. They are taken up, for an edit may have come in
   * between, until a build in which the command ran changes nothing, and leaves what has changed as it was before.
   */
  async #takeUp(changes: Changes): Promise<void> {
    const inVain = this.#inVain;
    const before = this.#before;
    this.#inVain = new Map();
    this.#before = contentsOf(changes.keys());
    if (this.#scope.concernsProject(changes) && (await this.#takeUpProject())) return;
    const scope = this.#scope;
    const different = [...changes].filter(([file]) => this.#before.get(file) !== before.get(file));
    const concerned = new Set(scope.concerned(new Map(different)));
    const entries = scope.concerned(changes).filter((entry) => {
      const count = inVain.get(entry) ?? 0;
      if (count === MOST_IN_VAIN && concerned.has(entry)) this.#late.add(entry);
      return count === 0 || (count < MOST_IN_VAIN && concerned.has(entry));
    });
    if (entries.length === 0) return;
    const updated = await this.#node.changes.rebuild(entries);
    for (const entry of entries)
      if (entry.source?.build.command && !updated.includes(entry))
        this.#inVain.set(entry, (inVain.get(entry) ?? 0) + 1);
  }

  /** Nothing changes any more. What an edit has changed meanwhile is built now; what the command changes is not. */
  async #tryLast(): Promise<void> {
    const entries = [...this.#late];
    this.#late.clear();
    const updated = await this.#node.changes.rebuild(entries);
    for (const entry of entries) if (!updated.includes(entry)) this.#inVain.set(entry, MOST_IN_VAIN + 1);
  }

  /** Whether the project reads differently now, and has been taken up. One that is wrong changes nothing. */
  async #takeUpProject(): Promise<boolean> {
    const { log, readProject } = this.#options;
    const before = this.#node.project;
    const wasBroken = this.#projectIsBroken;
    this.#projectIsBroken = true;
    try {
      const project = await readProject();
      const differs = !isSame(project, before);
      if (differs) await this.#node.changes.apply(project);
      for (const warning of project.warnings) if (!before.warnings.includes(warning)) log.warn(warning);
      if (differs || wasBroken) log.info(whatIsNew(before, project));
      this.#projectIsBroken = false;
      return differs;
    } catch (error) {
      if (!(error instanceof DexterError)) throw error;
      log.error(`${error.message}\n(the previous version still serves)`);
      return false;
    }
  }

  /** Watches what the project is made of now. What changed since then in folders that are new was not seen. */
  #watch(sinceMs: number): void {
    const scope = this.#scope;
    const unseen = new Set(this.#watcher.watch(scope.folders()));
    if (unseen.size === 0) return;
    for (const file of scope.files()) {
      if (!unseen.has(path.dirname(file))) continue;
      const stats = statSync(file, { throwIfNoEntry: false });
      if (stats && stats.ctimeMs >= sinceMs - CLOCK_STEP_MS) this.#changes.set(file, true);
    }
    if (this.#changes.size > 0) this.#gather();
  }

  get #scope(): WatchScope {
    return new WatchScope(this.#node.project, this.#node.registry.functions.values());
  }
}

/** A digest of each file; empty for a folder, and for what is not there. */
function contentsOf(files: Iterable<string>): Map<string, string> {
  const digest = (file: string) => {
    try {
      return createHash("sha256").update(readFileSync(file)).digest("base64");
    } catch {
      return "";
    }
  };
  return new Map([...files].map((file) => [file, digest(file)]));
}

function whatIsNew(before: Project, after: Project): string {
  const names = ({ functions }: Project) => functions.map(({ name }) => name);
  const added = names(after).filter((name) => !names(before).includes(name));
  const removed = names(before).filter((name) => !names(after).includes(name));
  const parts = [
    ...(added.length > 0 ? [`new: ${added.join(", ")}`] : []),
    ...(removed.length > 0 ? [`removed: ${removed.join(", ")}`] : []),
  ];
  return `reloaded the project${parts.length > 0 ? ` (${parts.join("; ")})` : ""}`;
}
