/** This dexter beside an earlier one: what is compared, round by round. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { beforeTables } from "../../bench/before.ts";
import type { Turn } from "../../bench/turn.ts";

function turn(peer: string, round: number, requestsPerSecond: number, cpuMicrosPerRequest: number): Turn {
  const group = { cpuMicrosPerRequest, peakPssMiB: 0, largestProcessMiB: 0, processes: 1 };
  const rates = { requestsPerSecond, p50Ms: 1, p99Ms: 2 };
  return { peer, round, requests: 1, rates, groups: { scheduler: group, servers: group } };
}

describe("the comparison with an earlier dexter", () => {
  const load = (turns: Turn[]) => [{ workload: "hello", title: "hello", peers: [], turns }];

  it("takes the ratios of each round, and then the median of them", () => {
    // The machine becomes faster all the time: the quotient of the medians would be 1.10.
    const turns = [
      ...[turn("before", 0, 1_000, 40), turn("dexter-resident", 0, 900, 36)],
      ...[turn("dexter-resident", 1, 2_200, 22), turn("before", 1, 2_000, 20)],
      ...[turn("before", 2, 3_000, 10), turn("dexter-resident", 2, 2_700, 9)],
    ];
    const [table] = beforeTables(load(turns));
    assert.deepEqual(table?.rows, [
      [
        ...["hello: dexter-resident", "3", "0.900 (0.90–1.10)", "1.000 (1.00–1.00)", "1.000 (1.00–1.00)"],
        ...["0.900 (0.90–1.10)", "0.900 (0.90–1.10)"],
      ],
    ]);
  });

  it("is left out where no earlier one took part", () => {
    assert.deepEqual(beforeTables(load([turn("dexter-resident", 0, 1_000, 40)])), []);
  });
});
