/**
 * What becomes of servers that do not get on, or die of what they do; of the requests in them; and of functions that do
 * it again.
 */
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Exchange } from "../dispatch/exchange.ts";
import { DexterError } from "../errors.ts";
import type { Blame, Death } from "../limits/blame.ts";
import type { LimitsByFunction } from "../limits/function-limits.ts";
import type { Incidents } from "../limits/incidents.ts";
import { functionsOf, suspectsOf } from "../limits/suspects.ts";
import type { FunctionSpec } from "../policy/thread.ts";
import type { Condition } from "../server/health.ts";
import type { Member } from "../server/member.ts";
import type { Wards } from "./wards.ts";

interface GuardParts {
  readonly dispatcher: Dispatcher;
  readonly limits: LimitsByFunction;
  readonly incidents: Incidents;
  readonly blame: Blame;
  readonly wards: Wards;
  /** The function's live version, for the servers of all. */
  readonly liveSpec: (name: string) => FunctionSpec | undefined;
}

const seconds = (ms: number) => Math.round(ms / 100) / 10;

export class Guard {
  readonly #parts: GuardParts;
  /** Requests that may have caused a death, until they are over. */
  readonly #suspects = new WeakMap<Exchange, Death>();

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  /** The CPU time that what is in the server may take in a row: whose code runs is not known, so the longest counts. */
  cpuLimitMs(key: number, loading: string | undefined): number {
    const { dispatcher, limits } = this.#parts;
    const names = functionsOf(dispatcher.inside(key));
    if (loading !== undefined) names.push(loading);
    if (names.length === 0) names.push("");
    return Math.max(...names.map((name) => limits.of(name).cpuLimitMs));
  }

  /** The server is about to be killed. */
  hung({ key, process, health }: Member, condition: Exclude<Condition, "fine">): void {
    const { dispatcher, incidents } = this.#parts;
    const { slot: server, pid = 0 } = process;
    const took = seconds(health.silentMs);
    if (condition === "stopped") {
      const message = `a server stands still: it has not answered for ${took} s, and is ended`;
      return incidents.note("stopped_server", { server, pid }, message, true);
    }
    const suspects = suspectsOf(dispatcher.inside(key), health.owesSinceMs);
    const names = functionsOf(suspects);
    const [only] = suspects;
    if (suspects.length === 1) only!.verdict = new DexterError("CPU_LIMIT", { seconds: took });
    const details = { server, pid, ...(names.length === 1 ? detailsOf(only!) : {}) };
    const message = `code in a server ran for ${took} s without a pause, and the server is ended; ${whose(names)}`;
    incidents.note("cpu_limit", details, message, true);
    this.#died(suspects);
  }

  /** The server died by itself: it may be of a request in it. Its end is known before that of its connections. */
  crashed({ key }: Member): void {
    this.#died(this.#parts.dispatcher.inside(key));
  }

  #died(suspects: readonly Exchange[]): void {
    if (suspects.length === 0) return;
    const nowMs = performance.now();
    const death = this.#parts.blame.died(
      suspects.map(({ functionName }) => functionName),
      nowMs,
    );
    for (const exchange of suspects) {
      exchange.isSuspect = true;
      this.#suspects.set(exchange, death);
    }
    this.#convict(nowMs);
  }

  /** A suspect may run again. */
  suspected(exchange: Exchange): void {
    this.#parts.wards.trial.add(exchange);
  }

  /** A request is over. */
  finished(exchange: Exchange): void {
    if (!exchange.isSuspect) return;
    const ranAlone = this.#parts.wards.trial.finished(exchange);
    const death = this.#suspects.get(exchange);
    if (!death || !ranAlone || exchange.outcome !== "answered" || exchange.firstByteAtMs === 0) return;
    this.#parts.blame.cleared(death, exchange.functionName);
    this.#convict(performance.now());
  }

  #convict(nowMs: number): void {
    const { blame, incidents, wards } = this.#parts;
    for (const name of blame.convict(nowMs)) {
      const message = `${name} has made several servers die; from now on it has a server of its own`;
      incidents.note("quarantine", { function: name }, message, true);
      wards.confine(name);
    }
  }

  /** Once a second. */
  tick(nowMs: number): void {
    const { blame, wards } = this.#parts;
    for (const name of new Set([...blame.due(nowMs), ...wards.outdated()])) this.release(name);
  }

  /** Ends a function's quarantine. @returns whether it was in one */
  release(name: string): boolean {
    const { blame, dispatcher, liveSpec, wards } = this.#parts;
    if (!blame.release(name)) return false;
    const live = liveSpec(name);
    if (live) dispatcher.fleet.promote(live, performance.now());
    wards.free(name);
    return true;
  }
}

/** Whom it concerns. */
export function detailsOf({ functionName, servedBy, id, request }: Exchange) {
  return {
    function: functionName,
    version: servedBy?.version ?? "",
    requestId: id,
    path: request.head.facts.path,
  };
}

function whose(names: readonly string[]): string {
  if (names.length === 0) return "no request was in it";
  if (names.length === 1) return `it was that of ${names[0]}`;
  return `it was that of one of ${names.join(", ")}`;
}
