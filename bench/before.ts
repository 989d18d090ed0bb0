/**
 * This dexter beside an earlier one (`--before`). What is compared are the turns of one round, which follow each other,
 * and the middle of these ratios: the machine's drift falls on both.
 */

import type { LoadFigures } from "./rounds.ts";
import { spread } from "./statistics.ts";
import { fixed, type Table } from "./tables.ts";
import type { Turn } from "./turn.ts";

const figures: Readonly<Record<string, (turn: Turn) => number | undefined>> = {
  "req/s": ({ rates }) => rates?.requestsPerSecond,
  p50: ({ rates }) => rates?.p50Ms,
  p99: ({ rates }) => rates?.p99Ms,
  "scheduler CPU/req": ({ groups }) => groups.scheduler?.cpuMicrosPerRequest,
  "servers CPU/req": ({ groups }) => groups.servers?.cpuMicrosPerRequest,
};

/** @returns no table when no earlier dexter took part */
export function beforeTables(load: readonly LoadFigures[]): Table[] {
  const rows = load.flatMap(({ workload, turns }) =>
    turns.some(({ peer }) => peer === "before") ? rowsOf(workload, turns) : [],
  );
  if (rows.length === 0) return [];
  const ratios = Object.keys(figures).map((name) => `${name} ÷ before`);
  return [{ head: ["median (least to most) of the rounds", "rounds", ...ratios], rows }];
}

function rowsOf(workload: string, turns: readonly Turn[]): string[][] {
  const names = [...new Set(turns.map(({ peer }) => peer))].filter((name) => name.startsWith("dexter"));
  return names.map((name) => {
    const pairs = turns
      .filter(({ peer }) => peer === name)
      .flatMap((now) => {
        const before = turns.find(({ peer, round }) => peer === "before" && round === now.round);
        return before ? [{ now, before }] : [];
      });
    return [
      `${workload}: ${name}`,
      `${pairs.length}`,
      ...Object.values(figures).map((of) =>
        quotients(pairs.map(({ now, before }) => (of(now) ?? Number.NaN) / (of(before) ?? Number.NaN))),
      ),
    ];
  });
}

function quotients(values: readonly number[]): string {
  const { min, median, max } = spread(values);
  return Number.isNaN(median) ? "–" : `${fixed(median, 3)} (${fixed(min, 2)}–${fixed(max, 2)})`;
}
