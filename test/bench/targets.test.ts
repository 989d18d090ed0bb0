/** The benchmark's verdicts: each target on each dexter, from the figures of the same run. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LoadFigures, PeerFigures } from "../../bench/rounds.ts";
import { judgeLoad } from "../../bench/targets.ts";

function peer(name: string, [requestsPerSecond, p50Ms, p99Ms]: number[], more: Partial<PeerFigures> = {}) {
  const rates = { requestsPerSecond: requestsPerSecond!, p50Ms: p50Ms!, p99Ms: p99Ms! };
  return { peer: name, rounds: 5, rates, extras: {}, groups: {}, ...more };
}

function group(cpuMicrosPerRequest: number, largestProcessMiB: number) {
  return { cpuMicrosPerRequest, largestProcessMiB, peakPssMiB: 0, processes: 1 };
}

/** `figure: measured met`, by dexter. */
function judge(workload: string, peers: readonly PeerFigures[]): Record<string, string[]> {
  const figures: LoadFigures = { workload, title: workload, peers, turns: [] };
  const verdicts: Record<string, string[]> = {};
  for (const { peer, figure, measured, met } of judgeLoad(figures)) {
    verdicts[peer] ??= [];
    verdicts[peer].push(`${figure} ${Number(measured.toFixed(3))} ${met ? "met" : "missed"}`);
  }
  return verdicts;
}

describe("the benchmark's targets", () => {
  it("are judged for every dexter, against the peers of the run", () => {
    const plain = peer("plain", [10_000, 2, 100]);
    const others = [peer("miniflare", [4_000, 8, 200]), peer("wrangler", [500, 30, 90])];
    const fast = peer("dexter-resident", [12_000, 2, 20], { groups: { scheduler: group(27, 80) } });
    const slow = peer("dexter", [7_000, 4, 26], { groups: { scheduler: group(29, 80) } });
    assert.deepEqual(judge("hello", [plain, ...others, slow, fast]), {
      dexter: [
        "hello: throughput ÷ plain 0.7 missed",
        "hello: p99 ÷ plain 0.26 missed",
        "hello: throughput ÷ miniflare 1.75 missed",
        "hello: throughput ÷ wrangler dev 14 missed",
        "hello: scheduler CPU per request 29 missed",
      ],
      "dexter-resident": [
        "hello: throughput ÷ plain 1.2 met",
        "hello: p99 ÷ plain 0.2 met",
        "hello: throughput ÷ miniflare 3 met",
        "hello: throughput ÷ wrangler dev 24 met",
        "hello: scheduler CPU per request 27 met",
      ],
    });
  });

  it("are left out where the peer that they need did not run", () => {
    assert.deepEqual(judge("hello", [peer("dexter", [7_000, 4, 26])]), {});
    assert.deepEqual(judge("hello", [peer("plain", [7_000, 4, 26])]), {});
  });

  it("compare the largest process of the servers with plain workerd's", () => {
    const plain = peer("plain", [1, 1, 1], { groups: { workerd: group(40, 300) } });
    const servers = { scheduler: group(28, 900), servers: group(100, 150) };
    assert.deepEqual(judge("memory", [plain, peer("dexter", [1, 1, 1], { groups: servers })]), {
      dexter: ["memory: a server's peak (VmHWM) ÷ plain 0.5 met"],
    });
  });

  it("take a difference, and what was counted, as they are", () => {
    assert.deepEqual(
      judge("hello-1-connection", [peer("plain", [1, 0.1, 1]), peer("dexter", [1, 0.23, 1])]),
      { dexter: ["hello-1-connection: p50 added over plain 0.13 missed"] },
    );
    const extras = { "waited though spares were idle": 0, "longest wait in creations ÷ own turn": 1.2 };
    assert.deepEqual(judge("burst", [peer("dexter", [1, 1, 1], { extras })]), {
      dexter: [
        "burst: waited though spares were idle 0 met",
        "burst: longest wait in creations ÷ own turn 1.2 missed",
      ],
    });
  });
});
