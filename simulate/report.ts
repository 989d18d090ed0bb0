/** Renders the result for people. `--json` prints the same `Result` as it is. */
import Table from "cli-table3";
import type { Figures, Spread } from "./figures.ts";

export interface Outcome {
  readonly policy: string;
  /** The settings that this row varies; empty for none. */
  readonly settings: string;
  readonly figures: Figures;
}

export interface Run {
  readonly load: string;
  readonly says: string;
  readonly functions: number;
  readonly outcomes: readonly Outcome[];
}

export interface Result {
  readonly options: Readonly<Record<string, unknown>>;
  readonly runs: readonly Run[];
}

const HEAD = [
  "",
  "cold\nstarts %",
  "refused\n%",
  "wait ms\np50",
  "\np90",
  "\np99",
  "\nmax",
  "response\np50",
  "ms\np99",
  "threads\nmean",
  "\npeak",
  "MB\nmean",
  "\npeak",
  "isolates\nmade",
  "their\nCPU %",
];

/** The whole report as text. */
export function render({ runs }: Result): string {
  return runs.map(renderRun).join("\n\n");
}

function renderRun({ load, says, functions, outcomes }: Run): string {
  const made = new Table({
    head: HEAD,
    style: { head: [], border: [], compact: true },
    colAligns: HEAD.map((_, column) => (column === 0 ? "left" : "right")),
  });
  for (const { policy, settings, figures } of outcomes)
    made.push([[policy, ...settings.split(" ")].join("\n").trim(), ...cells(figures)]);
  const { requests, lastedMs } = outcomes[0]!.figures;
  const rate = requests / (lastedMs / 1_000);
  return [
    `${load}: ${says}`,
    `${functions} functions, ${requests} requests in ${(lastedMs / 1_000).toFixed(0)} s (${rate.toPrecision(3)} a second)`,
    made.toString(),
  ].join("\n");
}

function cells(of: Figures): string[] {
  const refused = of.refused.full + of.refused.timeout;
  return [
    percent(of.coldShare),
    percent(refused / of.requests),
    ...spreadCells(of.waitMs),
    milliseconds(of.responseMs.p50),
    milliseconds(of.responseMs.p99),
    of.threads.mean.toFixed(0),
    `${of.threads.peak}`,
    of.memoryMb.mean.toFixed(0),
    of.memoryMb.peak.toFixed(0),
    `${of.loads}`,
    percent(of.isolatesCpuShare),
  ];
}

function spreadCells({ p50, p90, p99, max }: Spread): string[] {
  return [p50, p90, p99, max].map(milliseconds);
}

function milliseconds(ms: number): string {
  return ms.toFixed(ms > 0 && ms < 100 ? 1 : 0);
}

function percent(share: number): string {
  return (share * 100).toFixed(2);
}
