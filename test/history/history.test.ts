/** What a node remembers of its last 15 minutes, with a clock of the test's own. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { recentDeploys } from "../../scheduler/admin/recent-deploys.ts";
import { RecentFailures } from "../../scheduler/history/failures.ts";
import { EVERY_MS, History } from "../../scheduler/history/history.ts";
import { quantileMs } from "../../scheduler/history/tally.ts";
import type { ExceptionEvent } from "../../scheduler/logs/tail-event.ts";
import { FunctionCounts } from "../../scheduler/metrics/function-counts.ts";
import { BOUNDS_S } from "../../scheduler/metrics/histogram.ts";

function watched() {
  const counts = new FunctionCounts();
  let now = 0;
  const names = new Set<string>();
  const history = new History({
    counts: () => counts.entries,
    clock: () => now,
    status: () => ({
      totals: { requests: 0, busy: 2, idle: 3, starting: 0, queued: 1, rejected: 0 },
      functions: [...names].map((name) => ({
        name,
        version: "",
        routes: [],
        idle: 1,
        busy: 0,
        starting: 0,
        queued: 0,
      })),
    }),
  });
  return {
    history,
    counts,
    serve(functionName: string, ms: number, { status = 200, times = 1 } = {}) {
      names.add(functionName);
      const request = {
        functionName,
        request: { status },
        outcome: "answered",
        startedAtMs: 0,
        grantedAtMs: 0,
      } as const;
      for (let i = 0; i < times; i++)
        counts.finished({ ...request, cold: false, requestBytes: 0, responseBytes: 0 }, ms);
    },
    pass(intervals = 1) {
      for (let i = 0; i < intervals; i++) {
        now += EVERY_MS;
        history.note();
      }
    },
    wait(ms: number) {
      now += ms;
    },
  };
}

describe("samples", () => {
  it("tell what came in their seconds, and how the node was at the end of them", () => {
    const { history, serve, pass } = watched();
    serve("a", 4, { times: 9 });
    serve("b", 400, { status: 500 });
    pass();
    serve("a", 4, { times: 5 });
    pass();
    const [first, second] = history.samples();
    assert.deepEqual([first!.requests, first!.perSecond, first!.errors], [10, 2, 1]);
    assert.deepEqual([first!.busy, first!.idle, first!.queued], [2, 3, 1]);
    assert(first!.p50Ms! > 2.5 && first!.p50Ms! <= 5, "in the bucket of 4 ms");
    assert(first!.p99Ms! > 250 && first!.p99Ms! <= 500, "in the bucket of 400 ms");
    assert.deepEqual([second!.requests, second!.errors], [5, 0]);
    assert.equal(first!.at, new Date(EVERY_MS).toISOString());
  });

  it("reach back 15 minutes, and can be had from one on", () => {
    const { history, pass } = watched();
    pass(200);
    assert.equal(history.samples().length, 180);
    const { seq } = history;
    pass(2);
    assert.equal(history.samples(seq).length, 2);
    assert.equal(history.samples()[0]!.p99Ms, null, "without a request there is no duration");
  });

  it("are of some functions only, for who sees only these", () => {
    const { history, serve, pass } = watched();
    serve("a", 4, { times: 3 });
    serve("b", 4, { times: 7 });
    pass();
    const [sample] = history.samples(0, (name) => name === "a");
    assert.deepEqual([sample!.requests, sample!.busy, sample!.idle], [3, 0, 1]);
  });

  it("remember of many functions those with the most requests, and the sum of all", () => {
    const { history, serve, pass } = watched();
    for (let i = 0; i < 80; i++) serve(`f${i}`, 1, { times: i + 1 });
    pass();
    assert.equal(history.samples(0, (name) => name === "f0")[0]!.requests, 1, "all of them for a minute");
    pass(12);
    assert.equal(history.samples(0, (name) => name === "f0")[0]!.requests, 0);
    assert.equal(history.samples(0, (name) => name === "f79")[0]!.requests, 80);
    assert.equal(history.samples()[0]!.requests, (80 * 81) / 2);
  });

  it("count anew for a function that was removed and came back", () => {
    const { history, counts, serve, pass } = watched();
    serve("a", 4, { times: 9 });
    pass();
    counts.keep(() => false);
    pass();
    serve("a", 4, { times: 2 });
    pass();
    assert.deepEqual(
      history.samples().map(({ requests }) => requests),
      [9, 0, 2],
    );
  });
});

describe("figures", () => {
  it("are of the last minute, and their rate of the last seconds", () => {
    const { history, serve, pass, wait } = watched();
    serve("a", 4, { status: 503, times: 4 });
    pass(4);
    serve("a", 4, { times: 10 });
    wait(2_500);
    const { node, functions } = history.figures();
    assert.deepEqual([node.errors, node.perSecond], [4, 0.8]);
    assert.deepEqual(functions.a, node);
    pass(13);
    assert.deepEqual(history.figures().node, { perSecond: 0, errors: 0, p50Ms: null, p99Ms: null });
  });
});

describe("a quantile", () => {
  const buckets = (counts: Record<number, number>) =>
    Array.from({ length: BOUNDS_S.length + 1 }, (_, place) => counts[place] ?? 0);

  it("lies between the bounds of its bucket", () => {
    assert.equal(quantileMs(buckets({ 0: 100 }), 0.5), 0.5);
    assert.equal(quantileMs(buckets({ 0: 99, 3: 1 }), 0.99), 1);
    assert.equal(quantileMs(buckets({ 0: 50, 3: 50 }), 0.75), 7.5);
  });

  it("is at most the last bound, and none without a request", () => {
    assert.equal(quantileMs(buckets({ [BOUNDS_S.length]: 1 }), 0.99), 30_000);
    assert.equal(quantileMs(buckets({}), 0.5), null);
  });
});

const exception = (functionName: string, text: string, path = "/"): ExceptionEvent => ({
  type: "exception",
  time: "2026-11-01T00:00:00.000Z",
  id: "id",
  function: functionName,
  method: "GET",
  host: "h",
  path,
  status: 500,
  text,
});

describe("failures", () => {
  it("that are alike are one, with a count, and the latest comes first", () => {
    const failures = new RecentFailures();
    failures.add(exception("a", "one"));
    failures.add(exception("a", "two"));
    const { seq } = failures;
    failures.add(exception("a", "one", "/again"));
    const told = failures.list();
    assert.deepEqual(
      told.map(({ text, count, path }) => [text, count, path]),
      [
        ["one", 2, "/again"],
        ["two", 1, "/"],
      ],
    );
    assert.deepEqual(failures.list(seq), [told[0]]);
  });

  it("are 50 at most, and those of a function that fails a lot go first", () => {
    const failures = new RecentFailures();
    failures.add(exception("quiet", "once"));
    for (let i = 0; i < 200; i++) failures.add(exception("loud", `number ${i}`));
    const told = failures.list();
    assert.equal(told.length, 50);
    assert.equal(told.at(-1)!.function, "quiet");
    assert.equal(told[0]!.text, "number 199");
    assert.deepEqual(
      failures.list(0, (name) => name === "quiet").map((one) => one.text),
      ["once"],
    );
  });

  it("are cut when they are long", () => {
    const failures = new RecentFailures();
    failures.add(exception("a", "x".repeat(1_000_000), "/".repeat(10_000)));
    assert(JSON.stringify(failures.list()).length < 10_000);
  });
});

describe("deploys", () => {
  it("of all functions are in one list, which tells what is live and what is kept", async () => {
    const change = (version: string, minute: number) => ({
      action: "deploy" as const,
      version,
      at: `2026-11-01T00:0${minute}:00.000Z`,
      by: "local",
    });
    const pointers = new Map([
      ["a", { version: "a2", since: "", changes: [change("a2", 3), change("a1", 1)] }],
      ["b", { version: "b1", since: "", changes: [change("b1", 2)] }],
    ]);
    const versions = async (name: string) =>
      name === "a"
        ? [{ version: "a2", live: true, bytes: 1, storedAt: "" }]
        : Promise.reject(new Error("deleted"));
    const told = await recentDeploys({ pointers, versions });
    assert.deepEqual(
      told.map(({ version, live, kept }) => [version, live, kept]),
      [
        ["a2", true, true],
        ["b1", true, false],
        ["a1", false, false],
      ],
    );
    assert.equal((await recentDeploys({ pointers, versions }, (name) => name === "b")).length, 1);
  });
});
