/** What the simulation does with tiny loads whose outcome can be told by hand, and the laws that hold in any. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Arrival, listed } from "../../simulate/arrivals.ts";
import { settingsOf } from "../../simulate/options.ts";
import { policies } from "../../simulate/policies/index.ts";
import type { NodeSettings } from "../../simulate/policies/policy.ts";
import { scenarios, synthesize } from "../../simulate/scenarios.ts";
import { simulate } from "../../simulate/simulation.ts";

const NAMES = Object.keys(policies);

/** One server with one function, which keeps no spare threads. */
const BARE: NodeSettings = {
  servers: 1,
  maxThreads: 4,
  startThreads: 0,
  minSpareThreads: 0,
  maxSpareThreads: 1,
  concurrency: 1,
  idleTimeoutMs: 5_000,
  queue: 100,
  queueTimeoutMs: 10_000,
};

const request = (atMs: number, cpuMs: number, ioMs = 0, fn = 0): Arrival => ({ atMs, fn, cpuMs, ioMs });

function run(policy: string, settings: Partial<NodeSettings>, given: readonly Arrival[], functions = ["a"]) {
  return simulate(policies[policy]!, { ...BARE, ...settings }, listed(functions, given), 1);
}

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} instead of ${expected}`);
const isLoad = (ms: number) => assert.ok(ms >= 5 && ms < 8, `${ms} ms is not what making an isolate takes`);

describe("a simulated server", () => {
  it("runs the turns of its threads one after another, and lets them wait side by side", () => {
    // CPU: a 0–5, b 5–10; then both wait for 10 ms, until 15 and 20; CPU: a 15–20, b 20–25.
    const { waitMs, responseMs, lastedMs } = run("static", { startThreads: 2 }, [
      request(0, 10, 10),
      request(0, 10, 10),
    ]);
    assert.equal(waitMs.max, 0);
    near(responseMs.p50, 20);
    near(responseMs.max, 25);
    near(lastedMs, 25);
  });

  it("does one request after the other in one thread", () => {
    const figures = run("static", { startThreads: 1 }, [
      request(0, 0, 10),
      request(1, 0, 10),
      request(2, 0, 10),
    ]);
    near(figures.waitMs.p50, 9);
    near(figures.waitMs.max, 18);
    assert.equal(figures.mostInProgress, 1);
    assert.deepEqual(figures.threads, { mean: 1, peak: 1 });
    near(figures.memoryMb.peak, 46 + 9 + 2.1);
  });

  it("makes isolates one at a time, on the CPU that requests need", () => {
    const { responseMs, waitMs, loads, coldStarts, isolatesCpuShare, lastedMs } = run("on-demand", {}, [
      request(0, 100),
      request(0, 100),
    ]);
    // The first request has the CPU before the second isolate is made, so its thread takes the second one too.
    assert.deepEqual([loads, coldStarts], [2, 1]);
    isLoad(waitMs.p50);
    near(waitMs.max, waitMs.p50 + 100);
    isLoad(lastedMs - waitMs.p50 - 200);
    near(lastedMs, responseMs.max);
    near(isolatesCpuShare, (lastedMs - 200) / lastedMs);
  });
});

describe("static pools", () => {
  it("never start cold when they are big enough", () => {
    const arrivals = synthesize(scenarios[0]!, { servers: 2, functions: 3, requests: 2_000, seed: 1 });
    const node = { ...BARE, servers: 2, startThreads: 64, maxThreads: 128 };
    const { coldStarts, loads, waitMs, threads, served } = simulate(policies.static!, node, arrivals, 1);
    assert.equal(served, 2_000);
    assert.equal(coldStarts + loads, 0);
    assert.equal(waitMs.max, 0);
    assert.deepEqual(threads, { mean: 192, peak: 192 });
  });

  it("let requests wait, and refuse them after queue_timeout, when they are too small", () => {
    const figures = run("static", { startThreads: 1, queueTimeoutMs: 1_500 }, [
      request(0, 0, 5_000),
      request(0, 0, 5_000),
    ]);
    assert.deepEqual([figures.served, figures.refused], [1, { full: 0, timeout: 1 }]);
  });

  it("refuse what the queue has no room for", () => {
    const figures = run(
      "static",
      { startThreads: 1, queue: 1 },
      [0, 1, 2].map((atMs) => request(atMs, 0, 50)),
    );
    assert.deepEqual([figures.served, figures.refused], [2, { full: 1, timeout: 0 }]);
  });
});

describe("threads on demand", () => {
  it("start cold with the first request, and not with the next", () => {
    const figures = run("on-demand", {}, [request(0, 2), request(100, 2)]);
    assert.deepEqual([figures.coldStarts, figures.loads, figures.waitMs.p50], [1, 1, 0]);
    isLoad(figures.waitMs.max);
  });

  it("start cold again after idle_timeout", () => {
    const idle = [request(0, 2), request(7_500, 2)];
    assert.equal(run("on-demand", {}, idle).coldStarts, 2);
    assert.equal(run("on-demand", { idleTimeoutMs: 9_000 }, idle).coldStarts, 1);
  });

  it("give the coldest thread's place to another function in a full node", () => {
    const figures = run(
      "on-demand",
      { maxThreads: 2 },
      [
        request(0, 2),
        request(100, 2, 0, 1),
        request(200, 2, 0, 2),
        request(300, 2, 0, 1),
        request(400, 2, 0, 0),
      ],
      ["a", "b", "c"],
    );
    assert.deepEqual([figures.coldStarts, figures.served], [4, 5]);
    assert.equal(figures.threads.peak, 2);
  });
});

describe("php-fpm's dynamic pools", () => {
  // 40 requests at once, each of 10 s: growth is 1, 2, 4 threads in the first seconds, then min_spare_threads.
  const crowd = Array.from({ length: 40 }, () => request(0, 0, 10_000));
  const settings = { startThreads: 1, minSpareThreads: 6, maxSpareThreads: 8, maxThreads: 64 };

  it("start 1, 2, 4 threads in successive seconds, and never more than are spare", () => {
    const started = (queueTimeoutMs: number) => run("dynamic", { ...settings, queueTimeoutMs }, crowd).loads;
    // What still waits when the time is up is refused before that second's look.
    const growth = [2_000, 3_000, 4_000, 5_000, 6_000].map(
      (ms) => crowd.length - run("dynamic", { ...settings, queueTimeoutMs: ms }, crowd).refused.timeout,
    );
    assert.deepEqual(growth, [2, 4, 8, 14, 20]);
    assert.ok(started(2_000) >= 1);
  });

  it("end one idle thread a second", () => {
    const lonely = [request(0, 0, 1), request(3_500, 0, 1)];
    const { threads } = run(
      "dynamic",
      { ...settings, startThreads: 12, minSpareThreads: 1, maxSpareThreads: 2 },
      lonely,
    );
    assert.equal(threads.peak, 12);
    // 12 for a second, then 11, 10, and 9 for half a second; each end takes up to 3 ms.
    assert.ok(Math.abs(threads.mean - (12 + 11 + 10 + 9 / 2) / 3.5) < 0.01, `${threads.mean}`);
  });
});

describe("dexter's policy", () => {
  it("has its start threads before the first request", () => {
    const figures = run("dexter", { startThreads: 2, minSpareThreads: 0, maxSpareThreads: 2 }, [
      request(0, 2),
      request(0, 2),
    ]);
    assert.deepEqual([figures.coldStarts, figures.loads, figures.waitMs.max], [0, 0, 0]);
  });

  it("starts cold when the start threads of all functions do not fit", () => {
    const figures = run("dexter", { startThreads: 3 }, [request(0, 2)], ["a", "b"]);
    assert.deepEqual([figures.coldStarts, figures.loads], [1, 1]);
  });

  it("makes spare threads ahead of need", () => {
    const settings = { startThreads: 1, minSpareThreads: 1, maxSpareThreads: 2 };
    const pair = [request(0, 0, 100), request(50, 0, 100)];
    assert.deepEqual(run("dexter", settings, pair).waitMs.max, 0);
    isLoad(run("dexter", { ...settings, minSpareThreads: 0 }, pair).waitMs.max);
  });
});

describe("any policy", () => {
  const node = settingsOf(2, ["max_threads_per_child=8", "listen_backlog=50", "queue_timeout=1s"]);

  for (const scenario of scenarios) {
    const arrivals = synthesize(scenario, { servers: 6, functions: 7, requests: 3_000, seed: 3 });
    for (const name of NAMES) {
      it(`keeps the law of the pool: ${name}, ${scenario.name}`, () => {
        // The simulation's own books: it throws where two requests meet in one thread.
        const figures = simulate(policies[name]!, node, arrivals, 1);
        assert.ok(figures.mostInProgress <= 2 * 8, `${figures.mostInProgress} requests in progress`);
        assert.equal(figures.served + figures.refused.full + figures.refused.timeout, 3_000);
        if (name === "dexter" || name === "on-demand") assert.ok(figures.threads.peak <= 2 * 8);
      });
    }
  }

  it("that gives a thread twice is found out", () => {
    const twice: (typeof policies)[string] = (effects, settings, functions) => {
      const policy = policies.static!(effects, settings, functions);
      const acquire = policy.acquire.bind(policy);
      let first: ReturnType<typeof acquire>;
      policy.acquire = (functionName, nowMs) => (first ??= acquire(functionName, nowMs));
      return policy;
    };
    const pair = listed(["a"], [request(0, 5), request(1, 5)]);
    assert.throws(
      () => simulate(twice, { ...BARE, startThreads: 1 }, pair, 1),
      /too many requests in one thread/,
    );
  });

  it("serves more than one request in a thread where concurrency allows it", () => {
    for (const name of ["dexter", "static"]) {
      const { waitMs, threads } = run(
        name,
        { startThreads: 1, concurrency: 3 },
        [0, 0, 0].map((ms) => request(ms, 0, 10)),
      );
      assert.deepEqual([waitMs.max, threads.peak], [0, 1]);
    }
  });
});

describe("a seed", () => {
  const all = (seed: number) =>
    scenarios.slice(0, 2).map((scenario) => {
      const arrivals = synthesize(scenario, { servers: 2, functions: 20, requests: 2_000, seed });
      return NAMES.map((name) => simulate(policies[name]!, settingsOf(2, []), arrivals, seed));
    });

  it("gives the same result again", () => assert.deepEqual(all(7), all(7)));

  it("gives another result than another one", () => assert.notDeepEqual(all(7), all(8)));
});
