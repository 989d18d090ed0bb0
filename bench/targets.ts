/** What is aimed at, and whether a measurement meets it. The numbers are for 2 cores and 32 connections. */

import { CREATIONS, NEEDLESS } from "./drives/burst.ts";
import { IN_PROGRESS } from "./drives/in-progress.ts";
import type { LatencyFigures } from "./figures/index.ts";
import type { LoadFigures, PeerFigures } from "./rounds.ts";

export interface Verdict {
  /** Which dexter was measured. */
  readonly peer: string;
  readonly figure: string;
  readonly measured: number;
  readonly limit: number;
  readonly sense: "at least" | "at most";
  readonly unit: string;
  readonly met: boolean;
}

interface Target {
  readonly workload: string;
  readonly figure: string;
  readonly sense: Verdict["sense"];
  readonly limit: number;
  readonly unit: string;
  /** Undefined, or not a number, without a peer that the figure needs. */
  measure(dexter: PeerFigures, other: (peer: string) => PeerFigures | undefined): number | undefined;
}

type Figure = (of: PeerFigures) => number | undefined;

const rate: Figure = ({ rates }) => rates?.requestsPerSecond;
const p50: Figure = ({ rates }) => rates?.p50Ms;
const p99: Figure = ({ rates }) => rates?.p99Ms;
const serverPeak: Figure = ({ groups }) => (groups.servers ?? groups.workerd)?.largestProcessMiB;

/** How many times the other peer's figure dexter's is. */
function ratio(figure: Figure, peer: string): Target["measure"] {
  return (dexter, other) => {
    const [own, its] = [figure(dexter), figure(other(peer) ?? dexter)];
    return other(peer) === undefined || own === undefined || its === undefined ? undefined : own / its;
  };
}

const added: Target["measure"] = (dexter, other) => {
  const plain = other("plain");
  return plain && (p50(dexter) ?? Number.NaN) - (p50(plain) ?? Number.NaN);
};

const extra =
  (name: string): Target["measure"] =>
  ({ extras }) =>
    extras[name];

const schedulerCpu: Target["measure"] = ({ groups }) => groups.scheduler?.cpuMicrosPerRequest;

const least = { sense: "at least", unit: "×" } as const;
const most = { sense: "at most", unit: "×" } as const;

const targets: readonly Target[] = [
  { workload: "hello", figure: "throughput ÷ plain", ...least, limit: 1, measure: ratio(rate, "plain") },
  { workload: "hello", figure: "p99 ÷ plain", ...most, limit: 0.25, measure: ratio(p99, "plain") },
  {
    workload: "hello",
    figure: "throughput ÷ miniflare",
    ...least,
    limit: 3,
    measure: ratio(rate, "miniflare"),
  },
  {
    workload: "hello",
    figure: "throughput ÷ wrangler dev",
    ...least,
    limit: 15,
    measure: ratio(rate, "wrangler"),
  },
  {
    workload: "hello",
    figure: "scheduler CPU per request",
    ...most,
    limit: 28,
    unit: "µs",
    measure: schedulerCpu,
  },
  {
    workload: "hello-1-server",
    figure: "throughput ÷ plain",
    ...least,
    limit: 0.9,
    measure: ratio(rate, "plain"),
  },
  {
    workload: "hello-1-connection",
    figure: "p50 added over plain",
    ...most,
    limit: 0.12,
    unit: "ms",
    measure: added,
  },
  {
    workload: "memory",
    figure: "a server's peak (VmHWM) ÷ plain",
    ...most,
    limit: 0.5,
    measure: ratio(serverPeak, "plain"),
  },
  { workload: "download", figure: "throughput ÷ plain", ...least, limit: 0.8, measure: ratio(rate, "plain") },
  { workload: "upload", figure: "throughput ÷ plain", ...least, limit: 0.8, measure: ratio(rate, "plain") },
  { workload: "wait", figure: IN_PROGRESS, ...least, limit: 1, measure: extra(IN_PROGRESS) },
  {
    workload: "mixed",
    figure: "p99 of light requests ÷ plain",
    ...most,
    limit: 0.3,
    measure: ratio(p99, "plain"),
  },
  { workload: "burst", figure: NEEDLESS, ...most, limit: 0, unit: "requests", measure: extra(NEEDLESS) },
  { workload: "burst", figure: CREATIONS, ...most, limit: 1, measure: extra(CREATIONS) },
];

function judge(target: Omit<Verdict, "met" | "measured">, measured: number | undefined): Verdict[] {
  if (measured === undefined || Number.isNaN(measured)) return [];
  const met = target.sense === "at least" ? measured >= target.limit : measured <= target.limit;
  return [{ ...target, measured, met }];
}

/** Verdicts on the load section; a figure that needs a peer which did not run is left out. */
export function judgeLoad(figures: LoadFigures): Verdict[] {
  const other = (name: string) => figures.peers.find((one) => one.peer === name);
  const own = targets.filter(({ workload }) => workload === figures.workload);
  const dexters = figures.peers.filter(({ peer }) => peer.startsWith("dexter"));
  return own.flatMap(({ workload, figure, measure, ...target }) =>
    dexters.flatMap((dexter) =>
      judge({ ...target, peer: dexter.peer, figure: `${workload}: ${figure}` }, measure(dexter, other)),
    ),
  );
}

/** Verdicts on the section of single requests and memory at rest, which is measured with dexter's defaults. */
export function judgeLatency({ reload, cold, startup, deploy, idle }: LatencyFigures): Verdict[] {
  const atMost = (figure: string, measured: number | undefined, limit: number, unit: string) =>
    judge({ peer: "dexter", figure, sense: "at most", limit, unit }, measured);
  return [
    ...atMost("dev: save to served, median", reload.median, 60, "ms"),
    ...atMost("first request to a cold function, max", cold.max, 30, "ms"),
    ...atMost("start with 10 functions to the first 200, median", startup.median, 700, "ms"),
    ...atMost("deploy of 100 KB: upload to live, median", deploy.live.median, 150, "ms"),
    ...atMost("idle: scheduler", idle?.schedulerMiB, 120, "MiB"),
    ...atMost("idle: server without its threads", idle?.serverBaseMiB, 60, "MiB"),
    ...atMost("idle: one thread", idle?.perThreadMiB, 2.5, "MiB"),
  ];
}
