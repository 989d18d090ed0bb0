/**
 * Which functions earn resident threads, and when a server is replaced for their sake. A generation costs 0.1 to
 * 0.5 s of CPU and cold caches, so what is decided here changes slowly: a function stays what it is for long,
 * and of those that want a place, the first to come keeps it.
 */
import type { Functions } from "./functions.ts";
import type { Server } from "./server.ts";
import type { FunctionSpec, Thread } from "./thread.ts";

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

/** What of a server and its functions counts for `isOutdated`. */
interface Residency {
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
function isOutdated({ ageMs, born, wanted, live }: Residency, restMs: number): boolean {
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

/** The threads that a generation should be born with: the start threads of hot functions, or of all active ones. */
export function residentsOf(
  functions: Functions,
  whose: "hot" | "all",
  allowed: (spec: FunctionSpec) => boolean,
  maxThreads: number,
): FunctionSpec[] {
  const chosen = [...functions.active].filter(
    ({ heat, spec }) => (whose === "all" || heat.wasHot) && allowed(spec),
  );
  chosen.sort((one, other) => one.heat.before(other.heat));
  return startThreadsOf(
    chosen.map(({ spec }) => spec),
    maxThreads,
  );
}

/** Whether the server should be replaced by one that is born with the `wanted` threads. */
export function wantsOthers(
  server: Server,
  functions: Functions,
  wanted: readonly FunctionSpec[],
  nowMs: number,
  restMs: number = RESIDENTS_AFTER_MS,
): boolean {
  const live = (name: string) => {
    const fn = functions.get(name);
    if (fn === undefined) return undefined;
    return { version: fn.spec.version, ageMs: nowMs - fn.promotedMs, active: functions.active.has(fn) };
  };
  return isOutdated({ ageMs: nowMs - server.sinceMs, born: server.residents, wanted, live }, restMs);
}
