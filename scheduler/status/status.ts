/** The node's state, in the shape that `dexter status --json` prints and the scoreboard file has. */
import type { Exchange } from "../dispatch/exchange.ts";
import type { CanaryStatus } from "../policy/canary.ts";
import type { Fleet } from "../policy/fleet.ts";
import { LETTERS, type Thread, type ThreadKind, type ThreadState } from "../policy/thread.ts";
import type { Supervisor } from "../server/supervisor.ts";
import { residentBytes } from "../server/usage.ts";

export interface ThreadStatus {
  readonly slot: number;
  readonly state: ThreadState;
  readonly letter: string;
  readonly function: string;
  readonly version: string;
  readonly kind: ThreadKind;
  readonly requests: number;
  /** With `connection_status` on: what a busy thread is doing. */
  readonly serving?: readonly RequestStatus[];
}

interface RequestStatus {
  readonly id: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly client: string;
  readonly seconds: number;
}

export interface ServerStatus {
  readonly slot: number;
  readonly pid: number;
  /** Counts the processes that have run in the slot, from 1. */
  readonly generation: number;
  readonly state: "starting" | "running" | "draining";
  readonly requests: number;
  readonly rssBytes: number;
  readonly threads: readonly ThreadStatus[];
}

export interface FunctionStatus {
  readonly name: string;
  /** Empty while no build has worked. */
  readonly version: string;
  readonly routes: readonly string[];
  readonly idle: number;
  readonly busy: number;
  readonly starting: number;
  readonly queued: number;
  /** While a new version gets a part of the requests; they count in the numbers before. */
  readonly canary?: CanaryStatus;
}

export interface NodeStatus {
  readonly pid: number;
  readonly uptimeSeconds: number;
  /** How often all servers were restarted since the node's start. */
  readonly restarts: number;
  readonly totals: {
    readonly requests: number;
    readonly busy: number;
    readonly idle: number;
    readonly starting: number;
    readonly queued: number;
    readonly rejected: number;
  };
  readonly servers: readonly ServerStatus[];
  readonly functions: readonly FunctionStatus[];
}

interface FunctionSource extends Pick<FunctionStatus, "name" | "version" | "routes" | "canary"> {
  /** What the fleet keeps its requests under. */
  readonly pools: readonly string[];
}

interface Servers {
  readonly fleet: Fleet<Exchange>;
  readonly supervisor: Supervisor<Exchange>;
}

interface StatusSources extends Servers {
  /** Servers that are kept apart. */
  readonly apart: Iterable<Servers>;
  readonly exchanges: Iterable<Exchange>;
  readonly totals: { readonly requests: number; readonly rejected: number };
  readonly functions: readonly FunctionSource[];
  readonly connectionStatus: boolean;
}

export function nodeStatus(sources: StatusSources): NodeStatus {
  const serving = new Map<Thread, RequestStatus[]>();
  if (sources.connectionStatus) {
    for (const exchange of sources.exchanges) {
      const { thread } = exchange;
      if (thread) serving.set(thread, [...(serving.get(thread) ?? []), requestStatus(exchange)]);
    }
  }
  const servers = [sources, ...sources.apart]
    .flatMap((each) => serverStatuses(each, serving))
    .sort((a, b) => a.slot - b.slot || a.generation - b.generation);
  const threads = servers.flatMap((server) => server.threads);
  const count = (state: ThreadState, of = threads) => of.filter((thread) => thread.state === state).length;
  return {
    pid: process.pid,
    uptimeSeconds: Math.round(process.uptime() * 10) / 10,
    restarts: sources.supervisor.restarts,
    totals: {
      requests: sources.totals.requests,
      busy: count("busy"),
      idle: count("idle"),
      starting: count("starting"),
      queued: sources.fleet.queue.size,
      rejected: sources.totals.rejected,
    },
    servers,
    functions: sources.functions.map(({ pools, ...fn }) => {
      const own = threads.filter((thread) => thread.function === fn.name);
      return {
        ...fn,
        idle: count("idle", own),
        busy: count("busy", own),
        starting: count("starting", own),
        queued: pools.reduce((sum, pool) => sum + sources.fleet.queue.waiting(pool), 0),
      };
    }),
  };
}

function serverStatuses(
  { supervisor, fleet }: Servers,
  serving: ReadonlyMap<Thread, readonly RequestStatus[]>,
): ServerStatus[] {
  return [...supervisor.members].map(({ key, process }) => {
    const server = fleet.server(key);
    const threads = (server?.threads ?? []).filter((thread) => thread !== undefined);
    return {
      slot: process.slot,
      pid: process.pid ?? 0,
      generation: process.generation,
      state:
        process.stage === "running" || process.stage === "starting" ? process.stage : ("draining" as const),
      requests: server?.requests ?? 0,
      rssBytes: residentBytes(process.pid),
      threads: threads.map((thread) => threadStatus(thread, serving.get(thread))),
    };
  });
}

function threadStatus(thread: Thread, serving: readonly RequestStatus[] | undefined): ThreadStatus {
  return {
    slot: thread.slot,
    state: thread.state,
    letter: LETTERS[thread.state],
    function: thread.functionName,
    version: thread.version,
    kind: thread.kind,
    requests: thread.requests,
    ...(serving ? { serving } : {}),
  };
}

function requestStatus({ id, request, client, startedAtMs }: Exchange): RequestStatus {
  const { facts } = request.head;
  return {
    id,
    method: request.method,
    host: facts.host,
    path: facts.path,
    client: client.ip,
    seconds: Math.round(performance.now() - startedAtMs) / 1000,
  };
}
