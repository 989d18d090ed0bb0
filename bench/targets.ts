/** What is aimed at, and whether a measurement meets it. The numbers are for 2 cores and 32 connections. */

import type { LatencyFigures } from "./figures/index.ts";
import type { LoadFigures } from "./rounds.ts";

export interface Verdict {
  readonly figure: string;
  readonly measured: number;
  readonly limit: number;
  readonly sense: "at least" | "at most";
  readonly unit: string;
  readonly met: boolean;
}

function atLeast(figure: string, measured: number | undefined, limit: number, unit: string): Verdict[] {
  if (measured === undefined || Number.isNaN(measured)) return [];
  return [{ figure, measured, limit, sense: "at least", unit, met: measured >= limit }];
}

function atMost(figure: string, measured: number | undefined, limit: number, unit: string): Verdict[] {
  if (measured === undefined || Number.isNaN(measured)) return [];
  return [{ figure, measured, limit, sense: "at most", unit, met: measured <= limit }];
}

/** Verdicts on the load section; a ratio needs both of its peers, and is left out without them. */
export function judgeLoad(figures: LoadFigures): Verdict[] {
  if (figures.workload !== "hello") return [];
  const of = (name: string) => figures.peers.find((one) => one.peer === name);
  const [dexter, plain, miniflare] = [of("dexter"), of("plain"), of("miniflare")];
  if (!dexter) return [];
  const rate = dexter.requestsPerSecond;
  const scheduler = dexter.groups.scheduler?.cpuMicrosPerRequest;
  return [
    ...atLeast("hello: throughput ÷ plain", plain && rate / plain.requestsPerSecond, 0.35, "×"),
    ...atMost("hello: p99 ÷ plain", plain && dexter.p99Ms / plain.p99Ms, 1, "×"),
    ...atLeast("hello: throughput ÷ miniflare", miniflare && rate / miniflare.requestsPerSecond, 1.2, "×"),
    ...atMost("hello: scheduler CPU per request", scheduler, 40, "µs"),
  ];
}

/** Verdicts on the section of single requests and memory at rest. */
export function judgeLatency({ reload, cold, startup, idle }: LatencyFigures): Verdict[] {
  return [
    ...atMost("dev: save to served, median", reload.median, 60, "ms"),
    ...atMost("first request to a cold function, max", cold.max, 30, "ms"),
    ...atMost("start with 10 functions to the first 200, median", startup.median, 700, "ms"),
    ...atMost("idle: scheduler", idle?.schedulerMiB, 120, "MiB"),
    ...atMost("idle: server without its threads", idle?.serverBaseMiB, 60, "MiB"),
    ...atMost("idle: one thread", idle?.perThreadMiB, 2.5, "MiB"),
  ];
}
