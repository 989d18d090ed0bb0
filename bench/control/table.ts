/** The control section as a table: for each kind of function, with and without. */

import { MOST_BUSY } from "../drives/in-progress.ts";
import type { LoadFigures, PeerFigures } from "../rounds.ts";
import { fixed, type Table } from "../tables.ts";

const HEAD = [
  "in-flight control",
  "rounds",
  "req/s",
  "p50 ms",
  "p99 ms",
  "servers CPU µs/req",
  "largest server MiB",
  "all servers MiB (Pss)",
  "threads with a request, most",
];

export function controlTable(control: readonly LoadFigures[]): Table {
  const rows = control.flatMap(({ title, peers }) =>
    peers.map((figures) => [`${title}: ${figures.peer}`, ...cells(figures)]),
  );
  return { head: HEAD, rows };
}

function cells({ rounds, rates, groups, extras }: PeerFigures): string[] {
  const { servers } = groups;
  return [
    `${rounds}`,
    fixed(rates?.requestsPerSecond, 0),
    fixed(rates?.p50Ms, 2),
    fixed(rates?.p99Ms, 2),
    fixed(servers?.cpuMicrosPerRequest, 0),
    fixed(servers?.largestProcessMiB, 0),
    fixed(servers?.peakPssMiB, 0),
    fixed(extras[MOST_BUSY], 0),
  ];
}
