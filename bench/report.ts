/** Renders the result for people. `--json` prints the same `Result` as it is. */

import Table from "cli-table3";
import pc from "picocolors";
import type { IdleFigures } from "./figures/idle.ts";
import type { LatencyFigures } from "./figures/index.ts";
import type { Machine } from "./machine.ts";
import type { LoadFigures } from "./rounds.ts";
import type { Spread } from "./statistics.ts";
import type { Verdict } from "./targets.ts";

export interface Result {
  readonly machine: Machine;
  readonly options: Readonly<Record<string, unknown>>;
  readonly generator?: string;
  readonly load?: readonly LoadFigures[];
  readonly latency?: LatencyFigures;
  readonly targets: readonly Verdict[];
}

const style = { head: [], border: [] };

function fixed(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? "–" : value.toFixed(digits);
}

function table(head: string[], rows: readonly string[][]): string {
  const columns: ("left" | "right")[] = head.map((_, index) => (index === 0 ? "left" : "right"));
  const made = new Table({ head, style, colAligns: columns });
  made.push(...rows);
  return made.toString();
}

function loadTables(load: LoadFigures): string {
  const plain = load.peers.find((one) => one.peer === "plain");
  const miniflare = load.peers.find((one) => one.peer === "miniflare");
  const rates = load.peers.map((one) => [
    one.peer,
    fixed(one.requestsPerSecond, 0),
    fixed(one.p50Ms, 2),
    fixed(one.p99Ms, 2),
    fixed(plain && one.requestsPerSecond / plain.requestsPerSecond, 2),
    fixed(plain && one.p99Ms / plain.p99Ms, 2),
    fixed(miniflare && one.requestsPerSecond / miniflare.requestsPerSecond, 2),
  ]);
  const groups = load.peers.flatMap((one) =>
    Object.entries(one.groups).map(([name, group]) => [
      `${one.peer}: ${name}`,
      fixed(group.processes, 0),
      fixed(group.cpuMicrosPerRequest, 1),
      fixed(group.peakPssMiB, 1),
      fixed(group.largestProcessMiB, 1),
    ]),
  );
  const rateHead = [
    load.workload,
    "req/s",
    "p50 ms",
    "p99 ms",
    "rate ÷ plain",
    "p99 ÷ plain",
    "rate ÷ miniflare",
  ];
  const groupHead = ["processes of", "most", "CPU µs/req", "peak MiB (Pss, sum)", "largest MiB (VmHWM)"];
  return `${table(rateHead, rates)}\n${table(groupHead, groups)}`;
}

function latencyTable({ reload, cold, startup, idle }: LatencyFigures): string {
  const row = (name: string, of: Spread) => [
    name,
    `${of.count}`,
    fixed(of.min, 1),
    fixed(of.median, 1),
    fixed(of.max, 1),
  ];
  const times = table(
    ["times in ms", "count", "min", "median", "max"],
    [
      row("dev: save to served", reload),
      row("first request to a cold function", cold),
      row("start with 10 functions to the first 200", startup),
    ],
  );
  return idle ? `${times}\n${idleTable(idle)}` : times;
}

function idleTable(idle: IdleFigures): string {
  return table(
    ["idle, MiB (VmRSS; Pss in brackets)", "threads a server", "scheduler", "server"],
    [idle.few, idle.many].map((rest) => [
      "dexter start",
      fixed(rest.threadsPerServer, 0),
      fixed(rest.schedulerMiB, 1),
      `${fixed(rest.serverMiB, 1)} (${fixed(rest.serverPssMiB, 1)})`,
    ]),
  );
}

function targetTable(targets: readonly Verdict[]): string {
  return table(
    ["target", "aim", "measured", "met"],
    targets.map(({ figure, sense, limit, unit, measured, met }) => [
      figure,
      `${sense} ${limit} ${unit}`,
      `${fixed(measured, 2)} ${unit}`,
      met ? pc.green("yes") : pc.red("NO"),
    ]),
  );
}

/** The whole report as text. */
export function render({ machine, options, generator, load, latency, targets }: Result): string {
  const { cpus, model, loadAverage, node, workerd } = machine;
  const parts = [
    `${cpus} × ${model}, Node.js ${node}, workerd ${workerd}, load average ${fixed(loadAverage, 2)} at the start`,
  ];
  if (load) {
    parts.push(
      `${options.connections} connections by ${generator}; medians of ${options.rounds} rounds × ${options.seconds} s`,
      ...load.map(loadTables),
    );
  }
  if (latency) parts.push(latencyTable(latency));
  if (targets.length > 0) parts.push(targetTable(targets));
  return parts.join("\n\n");
}
