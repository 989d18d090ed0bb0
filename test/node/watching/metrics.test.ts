/** What Prometheus reads of a running node, and that the dashboard asks for nothing else. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { describe, it, type TestContext } from "node:test";
import { callControl } from "../../../scheduler/server/control.ts";
import { adminSocket } from "../../../scheduler/system/paths.ts";
import { Exposition } from "../../support/exposition.ts";
import { isAlive, startNode, type TestNode, until } from "../../support/node.ts";

const FUNCTIONS = {
  answer: `export default { async fetch(request) {
    const body = await request.text();
    const status = Number(new URL(request.url).searchParams.get("status") ?? 200);
    return new Response(body + "!", { status });
  } };`,
  throws: "export default { fetch() { throw new Error('on purpose'); } };",
  wait: "export default { async fetch(request) { await request.text(); return new Response('done'); } };",
};
/** A request has its thread before its body. */
const SMALL = {
  request_buffer: 0,
  num_servers: 1,
  start_threads: 1,
  min_spare_threads: 1,
  max_spare_threads: 2,
};

const start = (
  test: TestContext,
  directives: Record<string, unknown> = {},
  env: Record<string, string> = {},
) => startNode(test, { functions: FUNCTIONS, directives: { ...SMALL, ...directives }, env });

const admin = (node: TestNode, method: string, path: string) =>
  callControl(adminSocket(`${node.folder.dir}/.dexter`), method, path);

async function metricsOf(node: TestNode): Promise<Exposition> {
  const { status, text } = await admin(node, "GET", "/metrics");
  assert.equal(status, 200, text);
  return new Exposition(text);
}

/** Waits until the metrics are as they should be. */
const untilMetrics = (node: TestNode, what: string, hold: (metrics: Exposition) => boolean) =>
  until(what, async () => {
    const metrics = await metricsOf(node);
    return hold(metrics) && metrics;
  });

/** A request whose body does not end before `finish`: it keeps its thread. */
function waiting(node: TestNode, signal = new AbortController().signal) {
  let finish = () => {};
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("some"));
      finish = () => controller.close();
    },
  });
  const options: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half", signal };
  const answer = fetch(`${node.dexter.url}/wait`, options).then((response) => response.status);
  return { answer, finish };
}

describe("requests", () => {
  it("are counted by function and class of status, with their bytes and times", async (test) => {
    const node = await start(test);
    await node.get("/answer");
    await node.get("/answer?status=404");
    await node.get("/throws");
    await node.get("/nobody/is/here");
    assert.equal((await fetch(`${node.dexter.url}/answer`, { method: "BREW" })).status, 501);
    await fetch(`${node.dexter.url}/answer`, { method: "POST", body: "x".repeat(100_000) }).then((r) =>
      r.text(),
    );
    const metrics = await metricsOf(node);
    const count = (name: string, status: string) =>
      metrics.value("dexter_requests_total", { function: name, status });
    assert.deepEqual(
      ["2xx", "4xx", "5xx"].map((status) => count("answer", status)),
      [2, 1, 0],
    );
    assert.deepEqual(
      ["2xx", "4xx", "5xx"].map((status) => count("throws", status)),
      [0, 0, 1],
    );
    assert.equal(metrics.value("dexter_unrouted_requests_total"), 1);
    assert.equal(metrics.value("dexter_malformed_requests_total"), 1);
    assert.equal(metrics.value("dexter_request_body_bytes_total", { function: "answer" }), 100_000);
    assert.equal(metrics.value("dexter_response_body_bytes_total", { function: "answer" }), 100_003);
    for (const name of ["dexter_request_duration_seconds", "dexter_queue_wait_seconds"])
      assert.equal(metrics.value(`${name}_count`, { function: "answer" }), 3);
  });

  it("are counted when their client leaves", async (test) => {
    const node = await start(test);
    const leave = new AbortController();
    const left = waiting(node, leave.signal).answer.catch(() => "left");
    await until("it is in progress", async () => (await node.status()).totals.busy === 1);
    leave.abort();
    assert.equal(await left, "left");
    const aborted = { function: "wait", status: "aborted" };
    await untilMetrics(node, "it is counted", (now) => now.value("dexter_requests_total", aborted) === 1);
  });

  it("are counted as rejected by why, and as waiting while they wait", async (test) => {
    const limits = { max_threads_per_child: 1, start_threads: 1, min_spare_threads: 0 };
    const node = await start(test, { ...limits, listen_backlog: 1, queue_timeout: "500ms" });
    const first = waiting(node);
    await until("the thread is busy", async () => (await node.status()).totals.busy === 1);
    const second = node.get("/wait");
    await untilMetrics(node, "the second waits", (now) =>
      now.samples("dexter_queued_requests", { function: "wait" }).some(({ value }) => value === 1),
    );
    assert.equal((await node.get("/wait")).status, 503);
    assert.equal((await second).status, 503);
    const metrics = await metricsOf(node);
    const rejected = (reason: string) =>
      metrics.value("dexter_rejected_requests_total", { function: "wait", reason });
    assert.deepEqual(["queue-full", "queue-timeout", "load-failed"].map(rejected), [1, 1, 0]);
    assert.equal(metrics.value("dexter_threads", { server: 0, state: "busy" }), 1);
    assert.equal(metrics.value("dexter_function_threads", { function: "wait", state: "busy" }), 1);
    first.finish();
    assert.equal(await first.answer, 200);
  });
});

describe("threads", () => {
  it("are counted when they are loaded, and by who had to wait for that", async (test) => {
    // Three functions do not fit: none has a thread before its first request.
    const node = await start(test, { max_threads_per_child: 2, min_spare_threads: 0 });
    await node.get("/answer");
    await node.get("/answer");
    const metrics = await metricsOf(node);
    assert.equal(metrics.value("dexter_cold_starts_total", { function: "answer" }), 1);
    const loads = { function: "answer", outcome: "loaded" };
    assert.equal(metrics.value("dexter_thread_loads_total", loads), 1);
    assert.equal(metrics.value("dexter_thread_load_seconds_count"), 1);
    assert.deepEqual(metrics.samples("dexter_requests_total", { function: "throws" }), []);
  });
});

describe("servers", () => {
  const restarts = (metrics: Exposition, cause: string) =>
    metrics.value("dexter_server_restarts_total", { server: 0, cause });

  it("show what they use, and that they answer", async (test) => {
    const node = await start(test);
    const metrics = await metricsOf(node);
    assert.equal(metrics.value("dexter_server_up", { server: 0 }), 1);
    assert.equal(metrics.value("dexter_server_thread_slots", { server: 0 }), 64);
    // Where there is a /proc, a server takes megabytes and some CPU to start.
    assert.ok(metrics.value("dexter_server_resident_memory_bytes", { server: 0 }) > 1e6);
    assert.ok(metrics.value("dexter_server_cpu_seconds_total", { server: 0 }) > 0);
    assert.ok(metrics.value("dexter_scheduler_cpu_seconds_total") > 0);
    assert.ok(metrics.value("dexter_scheduler_resident_memory_bytes") > 1e6);
    const startedAtMs = metrics.value("dexter_scheduler_start_time_seconds") * 1_000;
    assert.ok(startedAtMs < Date.now() && startedAtMs > Date.now() - 60_000);
    await untilMetrics(
      node,
      "the event loop is looked at",
      (now) => now.value("dexter_scheduler_event_loop_delay_seconds_count") > 0,
    );
  });

  it("are counted as crashed when they die", async (test) => {
    const node = await start(test);
    const before = await metricsOf(node);
    const [pid] = node.readyPids();
    process.kill(pid!, "SIGKILL");
    const after = await untilMetrics(node, "it is replaced", (now) => {
      return restarts(now, "crash") === 1 && !isAlive(pid!) && now.value("dexter_server_up") === 1;
    });
    assert.equal(restarts(after, "reload"), 0);
    const cpu = (metrics: Exposition) => metrics.value("dexter_server_cpu_seconds_total", { server: 0 });
    assert.ok(cpu(after) >= cpu(before), "the slot's CPU time goes on");
  });

  it("are counted as reloaded, and as recycled", async (test) => {
    const node = await start(test, { max_requests_per_child: 10 });
    assert.equal((await admin(node, "POST", "/reload")).status, 200);
    await untilMetrics(node, "one was replaced", (now) => restarts(now, "reload") === 1);
    await until("the next one serves", async () => {
      const { servers } = await node.status();
      return servers.length === 1 && servers[0]!.generation === 2;
    });
    for (let count = 0; count < 8; count++) await node.get("/answer");
    const metrics = await untilMetrics(node, "it is recycled", (now) => restarts(now, "recycle") === 1);
    assert.equal(restarts(metrics, "crash"), 0);
    assert.equal(restarts(metrics, "reload"), 1);
  });
});

describe("a function that is removed", () => {
  it("loses its series", async (test) => {
    const node = await start(test);
    await node.get("/answer");
    await node.get("/throws");
    await rm(`${node.folder.dir}/functions/throws.js`);
    assert.equal((await admin(node, "POST", "/reload")).status, 200);
    const gone = (metrics: Exposition) =>
      !metrics.families.some(({ samples }) => samples.some(({ labels }) => labels.function === "throws"));
    await untilMetrics(node, "its series are gone", gone);
    assert.equal(
      (await metricsOf(node)).value("dexter_requests_total", { function: "answer", status: "2xx" }),
      1,
    );
  });
});

describe("over TCP", () => {
  it("probes need no token, and a token for certain functions reads theirs alone", async (test) => {
    const node = await start(test, { admin_listen: "127.0.0.1:0" });
    await node.get("/answer");
    await node.get("/throws");
    const [, url] = /the admin API is on (http:\/\/127\.0\.0\.1:\d+)"/.exec(node.dexter.output())!;
    const ask = (path: string, token?: string) =>
      fetch(`${url}${path}`, { headers: token ? { authorization: `Bearer ${token}` } : {} });
    for (const path of ["/healthz", "/readyz"]) assert.equal((await ask(path)).status, 200);
    assert.equal((await ask("/metrics")).status, 401);

    const body = JSON.stringify({ name: "limited", scope: "read", functions: ["answer"] });
    const made = await callControl(adminSocket(`${node.folder.dir}/.dexter`), "POST", "/tokens", { body });
    assert.equal(made.status, 201, made.text);
    const answer = await ask("/metrics", JSON.parse(made.text).token);
    assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const metrics = new Exposition(await answer.text());
    const labels = metrics.families.flatMap(({ samples }) => samples.map((sample) => sample.labels.function));
    assert.deepEqual([...new Set(labels)].sort(), ["answer", undefined]);
    assert.ok((await metricsOf(node)).samples("dexter_requests_total", { function: "throws" }).length > 0);
  });
});

describe("docs/watching.md", () => {
  it("names every metric, and no other", async (test) => {
    const node = await start(test, {}, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" });
    await node.get("/answer");
    const page = readFileSync(new URL("../../../docs/watching.md", import.meta.url), "utf8");
    const named = new Set([...page.matchAll(/`(dexter_\w+)`/g)].map(([, name]) => name));
    const { families } = await metricsOf(node);
    assert.deepEqual([...named].sort(), families.map(({ name }) => name).sort());
  });
});

describe("the dashboard", () => {
  const file = new URL("../../../packaging/grafana/dexter.json", import.meta.url);

  it("asks for metrics that there are, by labels that they have", async (test) => {
    const node = await start(test);
    await node.get("/answer");
    const metrics = await metricsOf(node);
    const text = readFileSync(file, "utf8");
    const dashboard = JSON.parse(text) as { panels: { title: string; targets?: { expr: string }[] }[] };
    const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const asked = new Set(text.match(/\bdexter_\w+/g));
    assert.ok(queries.length > 15 && asked.size > 15);
    for (const name of asked) assert.ok(metrics.names.has(name), `${name} is no metric`);
    for (const query of queries) {
      for (const [, name, selector = ""] of query.matchAll(/\b(dexter_\w+)(?:\{([^}]*)\})?/g)) {
        const labels = new Set(metrics.samples(name!).flatMap((sample) => Object.keys(sample.labels)));
        for (const [, label] of selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g))
          assert.ok(label === "instance" || labels.has(label!), `${name} has no label ${label}`);
      }
    }
  });
});
