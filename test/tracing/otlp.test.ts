/** Spans on their way to a collector: what is in them, and what becomes of them when the collector is ill. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { SpanExporter } from "../../scheduler/tracing/exporter.ts";
import { attributesOf, startCollector } from "../support/collector.ts";
import { httpGet, startNode, until } from "../support/node.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const FUNCTIONS = {
  seen: "export default { fetch: (request) => Response.json([...request.headers]) };",
  throws: "export default { fetch() { throw new Error('on purpose'); } };",
};

async function nodeWith(test: TestContext, env: Record<string, string>) {
  return startNode(test, { functions: FUNCTIONS, directives: { num_servers: 1 }, env });
}

async function traceparentOf(port: number, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/seen?secret=1`, { headers });
  return Object.fromEntries((await response.json()) as [string, string][]).traceparent!;
}

describe("a node with OTEL_EXPORTER_OTLP_ENDPOINT", () => {
  it("sends a span for each request, which is the parent of what the function does", async (test) => {
    const collector = await startCollector(test);
    const node = await nodeWith(test, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20x",
      OTEL_SERVICE_NAME: "edge",
    });
    const beforeMs = Date.now();
    const root = await traceparentOf(node.dexter.port);
    const child = await traceparentOf(node.dexter.port, { traceparent: `00-${TRACE}-${SPAN}-01` });
    const unrecorded = await traceparentOf(node.dexter.port, { traceparent: `00-${TRACE}-${SPAN}-00` });
    assert.equal((await node.get("/throws")).status, 500);
    assert.equal(await node.dexter.stop("SIGTERM"), 0);

    const { path, headers, body } = collector.posted[0]!;
    assert.equal(path, "/v1/traces");
    assert.equal(headers.authorization, "Bearer x");
    assert.equal(attributesOf(body.resourceSpans[0].resource)["service.name"], "edge");
    const [first, second, third, ...others] = collector.spans();
    assert.deepEqual(others, []);
    assert.match(unrecorded, new RegExp(`^00-${TRACE}-(?!${SPAN})[\\da-f]{16}-00$`));

    assert.equal(root, `00-${first.traceId}-${first.spanId}-01`);
    assert.equal(first.parentSpanId, undefined);
    assert.equal(child, `00-${TRACE}-${second.spanId}-01`);
    assert.equal(second.parentSpanId, SPAN);
    assert.notEqual(second.spanId, SPAN);

    assert.equal(first.name, "GET seen");
    assert.equal(first.kind, 2);
    assert.deepEqual(first.status, {});
    const {
      "dexter.version": version,
      "dexter.request_id": id,
      "dexter.thread": thread,
      ...rest
    } = attributesOf(first);
    assert.match(String(version), /^[\da-f]{16}$/);
    assert.match(String(id), /^[\da-z]+-1$/);
    assert.match(String(thread), /^\d+$/);
    assert.deepEqual(rest, {
      "http.request.method": "GET",
      "url.path": "/seen",
      "http.response.status_code": "200",
      "dexter.function": "seen",
      "dexter.server": "0",
    });
    const ms = (nanoseconds: string) => Number(BigInt(nanoseconds) / 1_000_000n);
    assert.ok(ms(first.startTimeUnixNano) >= beforeMs - 1 && ms(first.endTimeUnixNano) <= Date.now());
    const [granted] = first.events;
    assert.equal(granted.name, "thread granted");
    assert.ok(BigInt(granted.timeUnixNano) >= BigInt(first.startTimeUnixNano));
    assert.ok(BigInt(granted.timeUnixNano) <= BigInt(first.endTimeUnixNano));
    assert.equal(typeof attributesOf(granted)["dexter.queue_wait_seconds"], "number");

    assert.equal(third.name, "GET throws");
    assert.deepEqual(third.status, { code: 2 });
    assert.equal(attributesOf(third)["error.type"], "500");
  });

  it("sends none that are not to be recorded", async (test) => {
    const collector = await startCollector(test);
    const node = await nodeWith(test, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: "always_off",
    });
    assert.match(await traceparentOf(node.dexter.port), /-00$/);
    assert.equal(await node.dexter.stop("SIGTERM"), 0);
    assert.deepEqual(collector.posted, []);
  });

  it("serves and stops as ever when nobody listens there, and says so once", async (test) => {
    const node = await nodeWith(test, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" });
    assert.equal((await httpGet(node.dexter.port, "/seen")).status, 200);
    assert.equal(await node.dexter.stop("SIGTERM"), 0);
    const said = node
      .log()
      .filter(({ msg }) => msg.startsWith("traces are lost: http://127.0.0.1:1/v1/traces: "));
    assert.equal(said.length, 1);
  });

  it("warns of an endpoint that is none, and serves", async (test) => {
    const node = await nodeWith(test, { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" });
    assert.equal((await httpGet(node.dexter.port, "/seen")).status, 200);
    assert.ok(node.log().some(({ msg }) => msg.startsWith("OTEL_EXPORTER_OTLP_ENDPOINT must be a URL")));
  });
});

describe("the exporter", () => {
  const exporterTo = (url: string, timeoutMs = 10_000) => {
    const warnings: string[] = [];
    const settings = { url, headers: {}, timeoutMs, resource: { 'a"b': "c\n" } };
    const exporter = new SpanExporter(settings, (warning) => warnings.push(warning));
    const add = (count: number, from = 0) => {
      for (let n = from; n < from + count; n++) exporter.add(`{"n":${n}}`);
    };
    return { exporter, add, warnings };
  };
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));

  it("sends a whole batch at once, and the rest at the end, in order", async (test) => {
    const collector = await startCollector(test);
    const { exporter, add, warnings } = exporterTo(collector.url);
    add(600);
    await until("the batch is there", () => collector.posted.length === 1);
    assert.equal(collector.spans().length, 512);
    await exporter.close(5_000);
    assert.deepEqual(collector.spans(), numbers(600));
    assert.deepEqual(exporter.counts, { exported: 600, dropped: 0 });
    assert.deepEqual(attributesOf(collector.posted[0]!.body.resourceSpans[0].resource), { 'a"b': "c\n" });
    assert.deepEqual(warnings, []);
  });

  it("tries again what is refused for the moment", async (test) => {
    const collector = await startCollector(test, (count) => (count === 1 ? 503 : 200));
    const { exporter, add } = exporterTo(collector.url);
    add(3);
    await exporter.close(20_000);
    assert.equal(collector.posted.length, 2);
    assert.deepEqual(collector.posted[1]!.body, collector.posted[0]!.body);
    assert.deepEqual(exporter.counts, { exported: 3, dropped: 0 });
  });

  it("drops what is refused for good, and says so once until it is taken again", async (test) => {
    const collector = await startCollector(test, (count) => (count === 3 ? 200 : 400));
    const { exporter, add, warnings } = exporterTo(collector.url);
    for (let batch = 1; batch <= 4; batch++) {
      add(512);
      await until("it was posted", () => exporter.counts.exported + exporter.counts.dropped === batch * 512);
    }
    await exporter.close(5_000);
    assert.equal(collector.posted.length, 4);
    assert.deepEqual(exporter.counts, { exported: 512, dropped: 3 * 512 });
    assert.deepEqual(warnings, [
      `traces are lost: ${collector.url}: it answered 400`,
      `traces are lost: ${collector.url}: it answered 400`,
    ]);
  });

  it("holds no more than 2,048 for a collector that does not answer, and ends in time", async (test) => {
    const collector = await startCollector(test, () => 0);
    const { exporter, add, warnings } = exporterTo(collector.url);
    add(512);
    await until("the first batch is on its way", () => collector.posted.length === 1);
    add(2_050);
    assert.deepEqual(exporter.counts, { exported: 0, dropped: 2 });
    assert.match(warnings.join(), /the queue is full$/);
    const startedAtMs = performance.now();
    await exporter.close(50);
    assert.ok(performance.now() - startedAtMs < 5_000);
    assert.deepEqual(exporter.counts, { exported: 0, dropped: 2_562 });
  });

  it("gives a call up that takes longer than the time limit", async (test) => {
    const collector = await startCollector(test, (count) => (count === 1 ? 0 : 200));
    const { exporter, add } = exporterTo(collector.url, 100);
    add(1);
    await exporter.close(20_000);
    assert.deepEqual(exporter.counts, { exported: 1, dropped: 0 });
  });
});
