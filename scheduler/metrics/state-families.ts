/** What a node looks like at the moment, as gauges; and what the scheduler's own process has used. */
import type { ThreadState } from "../policy/thread.ts";
import type { NodeStatus } from "../status/status.ts";
import type { Family, Sample } from "./exposition.ts";

const STATES: readonly ThreadState[] = ["starting", "idle", "busy", "retiring"];

interface StateSources {
  readonly slots: readonly number[];
  readonly threadSlots: number;
  readonly responsive: ReadonlySet<number>;
  /** Functions that have series already. */
  readonly counted: ReadonlySet<string>;
}

export function stateFamilies(status: NodeStatus, sources: StateSources): Family[] {
  return [...threadFamilies(status, sources), ...serverFamilies(status, sources), ...schedulerFamilies()];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: "gauge", samples };
}

type StateCounts = Readonly<Record<ThreadState, number>>;

/** How many threads are in each state, by what `key` says of a thread and its server. */
function countStates<K>(
  servers: NodeStatus["servers"],
  key: (slot: number, functionName: string) => K,
): Map<K, StateCounts> {
  const counts = new Map<K, Record<ThreadState, number>>();
  for (const { slot, threads } of servers) {
    for (const { function: name, state } of threads) {
      const of = counts.get(key(slot, name)) ?? { starting: 0, idle: 0, busy: 0, retiring: 0 };
      of[state]++;
      counts.set(key(slot, name), of);
    }
  }
  return counts;
}

function byState(labels: Sample["labels"], counts: StateCounts | undefined): Sample[] {
  return STATES.map((state) => ({ labels: { ...labels, state }, value: counts?.[state] ?? 0 }));
}

function threadFamilies({ servers, functions }: NodeStatus, { slots, counted }: StateSources): Family[] {
  const bySlot = countStates(servers, (slot) => slot);
  const byFunction = countStates(servers, (_, name) => name);
  const shown = functions.filter(({ name }) => byFunction.has(name) || counted.has(name));
  return [
    gauge(
      "dexter_threads",
      "Threads in each server slot by state, in all its generations.",
      slots.flatMap((server) => byState({ server }, bySlot.get(server))),
    ),
    gauge(
      "dexter_function_threads",
      "Threads of each function by state.",
      shown.flatMap(({ name }) => byState({ function: name }, byFunction.get(name))),
    ),
    gauge(
      "dexter_queued_requests",
      "Requests that wait for a thread.",
      shown.map(({ name, queued }) => ({ labels: { function: name }, value: queued })),
    ),
  ];
}

function serverFamilies({ servers }: NodeStatus, { slots, threadSlots, responsive }: StateSources): Family[] {
  const each = (value: (slot: number) => number) =>
    slots.map((server) => ({ labels: { server }, value: value(server) }));
  return [
    gauge(
      "dexter_server_up",
      "Whether a server in the slot takes requests and answers its probes.",
      each((slot) => (responsive.has(slot) ? 1 : 0)),
    ),
    gauge(
      "dexter_server_thread_slots",
      "max_threads_per_child: the most threads of a server.",
      each(() => threadSlots),
    ),
    gauge(
      "dexter_server_resident_memory_bytes",
      "Resident memory of the processes in the slot.",
      each((slot) => sum(servers.filter((server) => server.slot === slot).map(({ rssBytes }) => rssBytes))),
    ),
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function schedulerFamilies(): Family[] {
  const { user, system } = process.cpuUsage();
  const alone = (value: number): Sample[] => [{ labels: {}, value }];
  return [
    {
      name: "dexter_scheduler_cpu_seconds_total",
      help: "CPU time of the scheduler.",
      type: "counter",
      samples: alone((user + system) / 1e6),
    },
    gauge(
      "dexter_scheduler_resident_memory_bytes",
      "Resident memory of the scheduler.",
      alone(process.memoryUsage.rss()),
    ),
    gauge(
      "dexter_scheduler_start_time_seconds",
      "When the scheduler started, in seconds since 1970.",
      alone(Math.round(performance.timeOrigin) / 1_000),
    ),
  ];
}
