/**
 * What the fleet knows of its functions: the version that is live, how much it is asked for, whether it is active.
 * There may be ten thousand of them, so what happens with every request does not look at them all.
 */
import { Heat } from "./heat.ts";
import type { FunctionSpec, Identity } from "./thread.ts";

/** After a failed load no spare threads are started for this long. */
const LOAD_RETRY_MS = 1_000;

/** For so long a function keeps its place in the order of requests: a hot one need not be moved with each. */
const PLACED_FOR_MS = 100;

export class FunctionState {
  spec: FunctionSpec;
  /** Since when requests go to this version. */
  promotedMs: number;
  readonly heat = new Heat();
  lastRequestMs = Number.NEGATIVE_INFINITY;
  noSparesBeforeMs = 0;
  /** Its neighbours in the order of their latest requests: see `Functions.latest`. */
  newer: FunctionState | undefined;
  older: FunctionState | undefined;
  /** When it got its place in that order. */
  placedMs = Number.NEGATIVE_INFINITY;

  constructor(spec: FunctionSpec, nowMs: number) {
    this.spec = spec;
    this.promotedMs = nowMs;
  }

  get pool(): string {
    return this.spec.pool;
  }
}

export class Functions {
  /** By pool. */
  readonly #all = new Map<string, FunctionState>();
  /** Functions with a request within `idle_timeout`, in the order in which they became active. */
  readonly #active = new Set<FunctionState>();
  readonly #hot = new Set<FunctionState>();
  #latest: FunctionState | undefined;

  get(pool: string): FunctionState | undefined {
    return this.#all.get(pool);
  }

  /** How many there are. */
  get size(): number {
    return this.#all.size;
  }

  get active(): ReadonlySet<FunctionState> {
    return this.#active;
  }

  /** Those that are hot; some of them may not be active any more. */
  get hot(): ReadonlySet<FunctionState> {
    return this.#hot;
  }

  /** Of the active functions that keep spare threads, the one with the latest request; `older` leads to the others. */
  get latest(): FunctionState | undefined {
    return this.#latest;
  }

  /** Whether this is the version that requests go to. */
  isCurrent({ pool, revision }: Identity): boolean {
    return this.#all.get(pool)?.spec.revision === revision;
  }

  promote(spec: FunctionSpec, nowMs: number): void {
    const known = this.#all.get(spec.pool);
    if (known === undefined) return void this.#all.set(spec.pool, new FunctionState(spec, nowMs));
    Object.assign(known, { spec, promotedMs: nowMs });
    if (spec.threads.minSpareThreads === 0) this.#unlink(known);
    known.placedMs = Number.NEGATIVE_INFINITY;
  }

  drop(pool: string): void {
    const fn = this.#all.get(pool);
    if (fn === undefined) return;
    this.#deactivate(fn);
    this.#hot.delete(fn);
    this.#all.delete(pool);
  }

  /** The function is, or might be, asked for now: it is active from now on. */
  activate(fn: FunctionState, nowMs: number): void {
    fn.lastRequestMs = nowMs;
    if (nowMs - fn.placedMs < PLACED_FOR_MS) return;
    this.#active.add(fn);
    this.#place(fn, nowMs);
  }

  /** The function is in use: if it is active, it stays so. */
  use(fn: FunctionState, nowMs: number): void {
    fn.lastRequestMs = nowMs;
    if (this.#active.has(fn)) this.#place(fn, nowMs);
  }

  #place(fn: FunctionState, nowMs: number): void {
    fn.placedMs = nowMs;
    if (this.#latest === fn || fn.spec.threads.minSpareThreads === 0) return;
    this.#unlink(fn);
    fn.older = this.#latest;
    if (this.#latest) this.#latest.newer = fn;
    this.#latest = fn;
  }

  deactivateAll(): void {
    for (const fn of [...this.#active]) this.#deactivate(fn);
  }

  /** Once a second: functions without a request for `idle_timeout` are active no more, and heat goes down. */
  cool(nowMs: number): void {
    for (const fn of this.#all.values()) {
      if (nowMs - fn.lastRequestMs >= fn.spec.threads.idleTimeoutMs) this.#deactivate(fn);
      fn.heat.cool(this.#active.has(fn), nowMs);
      if (fn.heat.isHot) this.#hot.add(fn);
      else this.#hot.delete(fn);
    }
  }

  /** The function's isolate could not be made: the next try has time. */
  failed(fn: FunctionState, nowMs: number): void {
    fn.noSparesBeforeMs = nowMs + LOAD_RETRY_MS;
  }

  #deactivate(fn: FunctionState): void {
    this.#active.delete(fn);
    fn.placedMs = Number.NEGATIVE_INFINITY;
    this.#unlink(fn);
  }

  #unlink(fn: FunctionState): void {
    if (this.#latest === fn) this.#latest = fn.older;
    if (fn.newer) fn.newer.older = fn.older;
    if (fn.older) fn.older.newer = fn.newer;
    fn.newer = undefined;
    fn.older = undefined;
  }
}
