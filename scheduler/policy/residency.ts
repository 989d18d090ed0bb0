/**
 * Which functions earn resident threads, and when a server is replaced for their sake. A generation costs 0.1 to
 * 0.5 s of CPU and cold caches, so what is decided here changes slowly: a function stays what it is for long,
 * and of those that want a place, the first to come keeps it.
 */
import type { FunctionSpec, Thread } from "./thread.ts";

/**
 * A function becomes hot with so many requests of late, and is no longer so below the other number. A resident
 * thread saves about 0.1 ms a request, the generation that makes it costs 0.1 to 0.5 s.
 */
const HOT = 2_000;
const COLD = 100;
/** Of the heat, what is left a second later. */
const COOLING = 0.97;

/** A server lives at least so long, and a version is live at least so long, before one gives way for the other. */
export const RESIDENTS_AFTER_MS = 5_000;

/** A server whose resident threads serve no more, and would not be replaced by others, lives at least so long. */
export const DEAD_WEIGHT_MS = 60_000;

/** Of a server's slots: resident threads cannot give way to other functions, so some slots must be left to these. */
const MOST_RESIDENTS = 0.5;

/** How much a function is asked for, and since when that has been much. */
export class Heat {
  #requests = 0;
  #hot = false;
  #hotSinceMs = Number.POSITIVE_INFINITY;

  count(): void {
    this.#requests++;
  }

  /** Once a second: what is long ago counts less. A function that is not `active` any more starts anew. */
  cool(active: boolean, nowMs: number): void {
    this.#requests *= COOLING;
    this.#hot = this.#requests >= HOT || (this.#hot && this.#requests >= COLD);
    if (this.#hot) this.#hotSinceMs = Math.min(this.#hotSinceMs, nowMs);
    else if (!active) this.#hotSinceMs = Number.POSITIVE_INFINITY;
  }

  get isHot(): boolean {
    return this.#hot;
  }

  /** Whether it is hot, or was since it last was inactive. */
  get wasHot(): boolean {
    return this.#hotSinceMs < Number.POSITIVE_INFINITY;
  }

  /**
   * For sorting: hot ones before those that were, and then those that have been so for longer. Not the hottest
   * first: that order changes all the time.
   */
  before(other: Heat): number {
    return Number(other.#hot) - Number(this.#hot) || this.#hotSinceMs - other.#hotSinceMs || 0;
  }
}

/** The start threads of these functions, in this order, as far as there is room: one of each, then a second of each. */
export function startThreadsOf(specs: readonly FunctionSpec[], maxThreads: number): FunctionSpec[] {
  const room = Math.floor(maxThreads * MOST_RESIDENTS);
  const most = Math.max(0, ...specs.map(({ threads }) => threads.startThreads));
  const rounds = Array.from({ length: most }, (_, round) =>
    specs.filter(({ threads }) => threads.startThreads > round),
  );
  return rounds.flat().slice(0, room);
}

/** What of a server and its functions counts for `isOutdated`. */
export interface Residency {
  /** How long the server has been there. */
  readonly ageMs: number;
  /** Its resident threads. */
  readonly born: readonly Thread[];
  /** What the next generation would be born with. */
  readonly wanted: readonly FunctionSpec[];
  /** The version that is live, and for how long; undefined when the function is gone. */
  live(
    name: string,
  ): { readonly version: string; readonly ageMs: number; readonly active: boolean } | undefined;
}

/**
 * Whether a server should be replaced by one that is born with other threads.
 * @param restMs how long servers and versions are left alone: `RESIDENTS_AFTER_MS`
 */
export function isOutdated({ ageMs, born, wanted, live }: Residency, restMs: number): boolean {
  if (ageMs < restMs) return false;
  const isSettled = (name: string) => (live(name)?.ageMs ?? 0) >= restMs;
  const has = ({ name, version }: FunctionSpec) =>
    born.some((thread) => thread.functionName === name && thread.version === version);
  if (wanted.some((spec) => !has(spec) && isSettled(spec.name))) return true;
  return born.some(({ functionName, version }) => {
    const now = live(functionName);
    if (now?.active && now.version === version) return false;
    return ageMs >= Math.max(restMs, DEAD_WEIGHT_MS) && (now === undefined || now.ageMs >= restMs);
  });
}
