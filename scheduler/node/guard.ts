/** What becomes of servers that do not get on, and of the requests in them. */
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Exchange } from "../dispatch/exchange.ts";
import { DexterError } from "../errors.ts";
import type { LimitsByFunction } from "../limits/function-limits.ts";
import type { Incidents } from "../limits/incidents.ts";
import { functionsOf, suspectsOf } from "../limits/suspects.ts";
import type { Condition } from "../server/health.ts";
import type { Member } from "../server/member.ts";

interface GuardParts {
  readonly dispatcher: Dispatcher;
  readonly limits: LimitsByFunction;
  readonly incidents: Incidents;
}

const seconds = (ms: number) => Math.round(ms / 100) / 10;

export class Guard {
  readonly #parts: GuardParts;

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  /** The CPU time that what is in the server may take in a row: whose code runs is not known, so the longest counts. */
  cpuLimitMs(key: number, loading: string | undefined): number {
    const { dispatcher, limits } = this.#parts;
    const pools = dispatcher.fleet.server(key)?.pools ?? [];
    const names = pools.filter(({ busy }) => busy > 0).map(({ spec }) => spec.functionName);
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
    const isKnown = names.length === 1;
    if (suspects.length === 1) only!.condemn(new DexterError("CPU_LIMIT", { seconds: took }));
    incidents.note(
      "cpu_limit",
      { server, pid, ...(isKnown ? detailsOf(only!) : {}) },
      `code in a server ran for ${took} s without a pause, and the server is ended; ${whose(names)}`,
      true,
    );
  }
}

function detailsOf({ functionName, servedBy, id, request }: Exchange) {
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
