/** The result as tables of text, whatever they are then written as. */

import { LONGEST } from "./drives/burst.ts";
import type { ForwardingResult } from "./figures/forwarding.ts";
import type { IdleFigures } from "./figures/idle.ts";
import type { LatencyFigures } from "./figures/index.ts";
import type { LoadFigures, PeerFigures } from "./rounds.ts";
import type { Spread } from "./statistics.ts";
import type { Verdict } from "./targets.ts";

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What has to be said of the figures. */
  readonly notes?: readonly string[];
}

export function fixed(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? "–" : value.toFixed(digits);
}

/** All workloads and all peers in one table. */
export function overview(load: readonly LoadFigures[]): Table {
  const peers = [...new Set(load.flatMap((one) => one.peers.map(({ peer }) => peer)))];
  const rows = load.map((one) => [
    one.title,
    ...peers.map((name) => inShort(one.peers.find(({ peer }) => peer === name))),
  ]);
  return { head: ["requests/s (p99 in ms), or as said", ...peers], rows };
}

function inShort(figures: PeerFigures | undefined): string {
  if (figures === undefined) return "–";
  const { rates, extras, groups } = figures;
  if (rates) return `${fixed(rates.requestsPerSecond, 0)} (${fixed(rates.p99Ms, rates.p99Ms < 10 ? 1 : 0)})`;
  if (LONGEST in extras) return `longest wait ${fixed(extras[LONGEST], 0)} ms`;
  return `${fixed((groups.servers ?? groups.workerd)?.largestProcessMiB, 0)} MiB`;
}

/** One table of rates and latencies, and one of what the processes used. */
export function loadTables(load: LoadFigures): Table[] {
  const notes = load.peers.flatMap(residencyNote);
  return [{ head: [load.title, ...figureHeads(load)], rows: figureRows(load), notes }, usage(load)];
}

/** The peers that others are compared with, as far as they took part. */
function comparedWith(peers: readonly PeerFigures[]): string[] {
  return ["plain", "miniflare", "wrangler"].filter((name) => peers.some(({ peer }) => peer === name));
}

function figureHeads({ peers }: LoadFigures): string[] {
  const ratios = comparedWith(peers).map((name) => `rate ÷ ${name}`);
  const rates = ["req/s", "p50 ms", "p99 ms", "p99 ÷ plain", ...ratios];
  return ["rounds", ...(hasRates(peers) ? rates : []), ...extraNames(peers)];
}

function figureRows({ peers }: LoadFigures): string[][] {
  const of = (name: string) => peers.find(({ peer }) => peer === name)?.rates;
  const names = extraNames(peers);
  return peers.map(({ peer, rounds, rates, extras }) => [
    peer,
    `${rounds}`,
    ...(hasRates(peers)
      ? [
          fixed(rates?.requestsPerSecond, 0),
          fixed(rates?.p50Ms, 2),
          fixed(rates?.p99Ms, 2),
          fixed(quotient(rates?.p99Ms, of("plain")?.p99Ms), 2),
          ...comparedWith(peers).map((name) =>
            fixed(quotient(rates?.requestsPerSecond, of(name)?.requestsPerSecond), 2),
          ),
        ]
      : []),
    ...names.map((name) => plainNumber(extras[name])),
  ]);
}

const hasRates = (peers: readonly PeerFigures[]) => peers.some(({ rates }) => rates !== undefined);

function extraNames(peers: readonly PeerFigures[]): string[] {
  return [...new Set(peers.flatMap(({ extras }) => Object.keys(extras)))];
}

function quotient(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one / other;
}

/** Two digits where there are any. */
function plainNumber(value: number | undefined): string {
  return fixed(value, Number.isInteger(value) ? 0 : 2);
}

function residencyNote({ peer, residency }: PeerFigures): string[] {
  if (residency === undefined) return [];
  const { servers, withResidents, warmupSeconds, share } = residency;
  const where = `resident threads in ${withResidents} of ${servers} servers`;
  const warned = withResidents < servers ? `NOT AS IT SHOULD BE, only ${where}` : where;
  return [
    `${peer}: ${warned} after ${fixed(warmupSeconds, 1)} s of warm-up; ` +
      `they served ${fixed(share * 100, 0)} % of the requests of the servers alive at the end`,
  ];
}

function usage({ title, peers }: LoadFigures): Table {
  const rows = peers.flatMap(({ peer, groups }) =>
    Object.entries(groups).map(([name, group]) => [
      `${peer}: ${name}`,
      fixed(group.processes, 0),
      fixed(group.cpuMicrosPerRequest, 1),
      fixed(group.peakPssMiB, 1),
      fixed(group.largestProcessMiB, 1),
    ]),
  );
  const head = [`${title}: processes`, "most", "CPU µs/req", "peak MiB (Pss, sum)", "largest MiB (VmHWM)"];
  return { head, rows };
}

/** Single requests, and memory at rest where it can be read. */
export function latencyTables({ reload, cold, startup, deploy, idle }: LatencyFigures): Table[] {
  const row = (name: string, of: Spread) => [
    name,
    `${of.count}`,
    fixed(of.min, 1),
    fixed(of.median, 1),
    fixed(of.max, 1),
  ];
  const times = {
    head: ["times in ms", "count", "min", "median", "max"],
    rows: [
      row("dev: save to served", reload),
      row("first request to a cold function", cold),
      row("start with 10 functions to the first 200", startup),
      row("deploy of 100 KB: upload to live", deploy.live),
      row("deploy of 100 KB: the whole command", deploy.command),
    ],
  };
  return idle ? [times, idleTable(idle)] : [times];
}

function idleTable(idle: IdleFigures): Table {
  return {
    head: ["idle, MiB (VmRSS; Pss in brackets)", "threads a server", "scheduler", "server"],
    rows: [idle.few, idle.many].map((rest) => [
      "dexter start",
      fixed(rest.threadsPerServer, 0),
      fixed(rest.schedulerMiB, 1),
      `${fixed(rest.serverMiB, 1)} (${fixed(rest.serverPssMiB, 1)})`,
    ]),
  };
}

/** A row for each way to forward a request. */
export function forwardingTable({ connections, servers, threads, ways }: ForwardingResult): Table {
  const behind = servers === 1 ? "one server" : `${servers} servers`;
  return {
    head: [
      `forwarding to ${threads} threads of ${behind}, ${connections} connections`,
      "rounds",
      "req/s",
      "p50 ms",
      "p99 ms",
      "proxy CPU µs/req",
      "servers CPU µs/req",
    ],
    rows: ways.map((way) => [
      way.title,
      `${way.rounds}`,
      fixed(way.requestsPerSecond, 0),
      fixed(way.p50Ms, 2),
      fixed(way.p99Ms, 2),
      fixed(way.proxyMicros, 1),
      fixed(way.serversMicros, 1),
    ]),
  };
}

/** A row for each target, a column for each dexter that was measured. */
export function targetTable(verdicts: readonly Verdict[]): Table {
  const peers = [...new Set(verdicts.map(({ peer }) => peer))];
  const figures = [...new Map(verdicts.map((verdict) => [verdict.figure, verdict])).values()];
  const cell = (figure: string, peer: string) => {
    const found = verdicts.find((one) => one.figure === figure && one.peer === peer);
    return found ? `${fixed(found.measured, 2)} ${found.met ? "met" : "MISSED"}` : "–";
  };
  return {
    head: ["target", "aim", ...peers],
    rows: figures.map(({ figure, sense, limit, unit }) => [
      figure,
      `${sense} ${limit} ${unit}`,
      ...peers.map((peer) => cell(figure, peer)),
    ]),
  };
}
