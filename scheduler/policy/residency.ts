/**
 * Which functions earn resident threads, and when a server is replaced for their sake. A generation costs 0.1 to
 * 0.5 s of CPU and cold caches, so what is decided here changes slowly: a function stays what it is for long,
 * and of those that want a place, the first to come keeps it.
 */
import type { Functions } from "./functions.ts";
import type { Members } from "./members.ts";
import type { ServerLimits } from "./server.ts";
import type { FunctionSpec } from "./thread.ts";

/** A server lives at least so long, and a version is live at least so long, before one gives way for the other. */
export const RESIDENTS_AFTER_MS = 5_000;

/** A server whose resident threads serve no more, and would not be replaced by others, lives at least so long. */
const DEAD_WEIGHT_MS = 60_000;

/** Of a server's slots: resident threads cannot give way to other functions, so some slots must be left to these. */
const MOST_RESIDENTS = 0.5;

/** The start threads of these functions, in this order, as far as there is room: one of each, then a second of each. */
function startThreadsOf(specs: readonly FunctionSpec[], maxThreads: number): FunctionSpec[] {
  const room = Math.floor(maxThreads * MOST_RESIDENTS);
  const most = Math.max(0, ...specs.map(({ threads }) => threads.startThreads));
  const rounds = Array.from({ length: most }, (_, round) =>
    specs.filter(({ threads }) => threads.startThreads > round),
  );
  return rounds.flat().slice(0, room);
}

export class Residency {
  readonly #functions: Functions;
  readonly #members: Members;

  constructor(functions: Functions, members: Members) {
    this.#functions = functions;
    this.#members = members;
  }

  /** The threads that a generation should be born with: the start threads of hot functions, or of all active ones. */
  wanted(
    whose: "hot" | "all",
    { maxThreads }: ServerLimits,
    allowed: (spec: FunctionSpec) => boolean,
  ): FunctionSpec[] {
    const chosen = [...this.#functions.active].filter(
      ({ heat, spec }) => (whose === "all" || heat.wasHot) && allowed(spec),
    );
    chosen.sort((one, other) => one.heat.before(other.heat));
    return startThreadsOf(
      chosen.map(({ spec }) => spec),
      maxThreads,
    );
  }

  /**
   * Whether a server should be replaced because the next generation would be born with other threads.
   * @param wanted those of `wanted`
   * @param restMs for so long servers and versions are left alone, so that several changes make one replacement
   */
  isOutdated(
    key: number,
    wanted: readonly FunctionSpec[],
    nowMs: number,
    restMs: number = RESIDENTS_AFTER_MS,
  ): boolean {
    const server = this.#members.get(key);
    const ageMs = server ? nowMs - server.sinceMs : 0;
    if (server === undefined || ageMs < restMs) return false;
    const born = server.residents;
    const liveForMs = (pool: string) => nowMs - (this.#functions.get(pool)?.promotedMs ?? nowMs);
    const isBorn = (spec: FunctionSpec) =>
      born.some(({ pool, revision }) => pool === spec.pool && revision === spec.revision);
    if (wanted.some((spec) => !isBorn(spec) && liveForMs(spec.pool) >= restMs)) return true;
    if (ageMs < DEAD_WEIGHT_MS) return false;
    return born.some((thread) => {
      const fn = this.#functions.get(thread.pool);
      if (fn === undefined) return true;
      const serves = this.#functions.active.has(fn) && this.#functions.isCurrent(thread);
      return !serves && liveForMs(thread.pool) >= restMs;
    });
  }
}
