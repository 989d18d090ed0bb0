/** What is counted, without processes: histograms, functions, server slots, and the text that they become. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { renderExposition } from "../../scheduler/metrics/exposition.ts";
import { type FinishedRequest, FunctionCounts } from "../../scheduler/metrics/function-counts.ts";
import { functionFamilies } from "../../scheduler/metrics/function-families.ts";
import { Histogram } from "../../scheduler/metrics/histogram.ts";
import { ServerCounts } from "../../scheduler/metrics/server-counts.ts";
import { Exposition } from "../support/exposition.ts";

/** A request of `f` that was answered with 200 after 20 ms, 3 of them in the queue. */
const request = (
  other: Partial<Omit<FinishedRequest, "request">> & { status?: number } = {},
): FinishedRequest => {
  const { status = 200, ...rest } = other;
  return {
    functionName: "f",
    request: { status },
    outcome: "answered",
    startedAtMs: 1_000,
    grantedAtMs: 1_003,
    cold: false,
    requestBytes: 0,
    responseBytes: 0,
    ...rest,
  };
};

function counted(...requests: readonly FinishedRequest[]): Exposition {
  const counts = new FunctionCounts();
  for (const one of requests) counts.finished(one, 1_020);
  return new Exposition(renderExposition(functionFamilies(counts.entries)));
}

describe("the text", () => {
  it("escapes what labels and help may hold", () => {
    const value = 'a "b"\\\nc';
    const text = renderExposition([
      { name: "x", help: "one\\two\nthree", type: "gauge", samples: [{ labels: { l: value }, value: 1.5 }] },
    ]);
    assert.equal(text, '# HELP x one\\\\two\\nthree\n# TYPE x gauge\nx{l="a \\"b\\"\\\\\\nc"} 1.5\n');
    assert.equal(new Exposition(text).value("x", { l: value }), 1.5);
  });
});

describe("a histogram", () => {
  it("counts a value in the bucket whose bound it reaches, and in all above", () => {
    const histogram = new Histogram();
    for (const seconds of [0, 0.001, 0.0011, 10, 31]) histogram.observe(seconds);
    const family = { name: "h", help: "h", type: "histogram" as const, samples: histogram.samples({ a: 1 }) };
    const read = new Exposition(renderExposition([family]));
    const bucket = (le: string) => read.value("h_bucket", { le, a: 1 });
    assert.deepEqual(["0.001", "0.0025", "5", "10", "30", "+Inf"].map(bucket), [2, 3, 3, 4, 4, 5]);
    assert.equal(read.value("h_count"), 5);
    assert.ok(Math.abs(read.value("h_sum") - 41.0021) < 1e-9);
  });
});

describe("what is counted of a function", () => {
  it("has a series for each class of status, and for answers that never came", () => {
    const read = counted(
      request(),
      request({ status: 404 }),
      request({ status: 503 }),
      request({ status: 200, outcome: "aborted" }),
      request({ status: 0, outcome: "lost" }),
      request({ status: 599 }),
    );
    const byStatus = Object.fromEntries(
      read.samples("dexter_requests_total").map(({ labels, value }) => [labels.status, value]),
    );
    assert.deepEqual(byStatus, {
      "1xx": 0,
      "2xx": 1,
      "3xx": 0,
      "4xx": 1,
      "5xx": 2,
      aborted: 1,
      lost: 1,
    });
  });

  it("tells the wait for a thread from the whole", () => {
    const read = counted(request());
    const bucket = (name: string, le: string) => read.value(`${name}_bucket`, { function: "f", le });
    assert.equal(bucket("dexter_request_duration_seconds", "0.01"), 0);
    assert.equal(bucket("dexter_request_duration_seconds", "0.025"), 1);
    assert.equal(bucket("dexter_queue_wait_seconds", "0.0025"), 0);
    assert.equal(bucket("dexter_queue_wait_seconds", "0.005"), 1);
  });

  it("counts a wait that was in vain up to its end", () => {
    const read = counted(request({ grantedAtMs: 0, status: 503 }));
    assert.ok(Math.abs(read.value("dexter_queue_wait_seconds_sum") - 0.02) < 1e-9);
  });

  it("leaves out how long WebSockets were open", () => {
    const read = counted(request({ status: 101 }));
    assert.equal(read.value("dexter_requests_total", { status: "1xx" }), 1);
    assert.equal(read.value("dexter_request_duration_seconds_count"), 0);
  });

  it("counts as cold starts only requests that got a thread in the end", () => {
    const read = counted(request({ cold: true }), request({ cold: true, grantedAtMs: 0 }));
    assert.equal(read.value("dexter_cold_starts_total"), 1);
  });

  it("adds bytes up", () => {
    const read = counted(request({ requestBytes: 5, responseBytes: 7 }), request({ responseBytes: 1 }));
    assert.equal(read.value("dexter_request_body_bytes_total"), 5);
    assert.equal(read.value("dexter_response_body_bytes_total"), 8);
  });

  it("goes with the function", () => {
    const counts = new FunctionCounts();
    counts.answered("gone", 500);
    counts.answered("here", 500);
    counts.keep((name) => name === "here");
    assert.deepEqual(
      [...counts.entries].map(([name]) => name),
      ["here"],
    );
  });
});

describe("what is counted of a server slot", () => {
  it("never falls while processes come and go", () => {
    const used = new Map([
      [10, 1],
      [11, 2],
    ]);
    const counts = new ServerCounts((pid) => used.get(pid) ?? 0);
    const cpu = (...pids: readonly number[]) => {
      counts.read(pids.map((pid) => ({ slot: pid % 2, pid })));
      const read = new Exposition(renderExposition(counts.families([0, 1])));
      return [0, 1].map((server) => read.value("dexter_server_cpu_seconds_total", { server }));
    };
    assert.deepEqual(cpu(10, 11), [1, 2]);
    used.set(10, 4).set(12, 0.5);
    assert.deepEqual(cpu(10, 11, 12), [4.5, 2]);
    // Process 10 has ended, and the file of 11 cannot be read.
    used.delete(11);
    assert.deepEqual(cpu(11, 12), [4.5, 2]);
    used.set(12, 1);
    assert.deepEqual(cpu(12), [5, 2]);
  });

  it("has a series for each cause from the start", () => {
    const counts = new ServerCounts(() => 0);
    counts.restarted(1, "crash");
    counts.restarted(1, "crash");
    const read = new Exposition(renderExposition(counts.families([0, 1])));
    assert.equal(read.samples("dexter_server_restarts_total").length, 10);
    assert.equal(read.value("dexter_server_restarts_total", { server: 1, cause: "crash" }), 2);
    assert.equal(read.value("dexter_server_restarts_total", { server: 0, cause: "recycle" }), 0);
  });
});
