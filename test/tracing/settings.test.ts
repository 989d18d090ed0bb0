/** OpenTelemetry's environment variables: what they mean here, and what becomes of those that cannot be used. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newTraceId } from "../../scheduler/http/trace-context.ts";
import { tracingSettings } from "../../scheduler/tracing/settings.ts";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };
const TRACE = "0af7651916cd43dd8448eb211c80319c";

function read(env: Record<string, string>) {
  const warnings: string[] = [];
  const settings = tracingSettings(env, "1.2.3", (warning) => warnings.push(warning));
  return { ...settings, warnings };
}

/** Without warnings. */
function exporting(env: Record<string, string>) {
  const { export: settings, warnings } = read(env);
  assert.deepEqual(warnings, []);
  return settings;
}

describe("where traces go", () => {
  it("is nowhere unless a variable says so", () => {
    assert.equal(exporting({}), undefined);
    assert.equal(exporting({ OTEL_EXPORTER_OTLP_ENDPOINT: "" }), undefined);
    assert.equal(exporting({ ...ENDPOINT, OTEL_SDK_DISABLED: "true" }), undefined);
    assert.equal(exporting({ ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" }), undefined);
  });

  it("is below the endpoint, or just where the variable for traces says", () => {
    assert.equal(exporting(ENDPOINT)?.url, "http://collector:4318/v1/traces");
    const below = { OTEL_EXPORTER_OTLP_ENDPOINT: "https://c/otlp/" };
    assert.equal(exporting(below)?.url, "https://c/otlp/v1/traces");
    const own = { ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://other/here" };
    assert.equal(exporting(own)?.url, "http://other/here");
  });

  it("has headers, a time limit and a description of the node", () => {
    const settings = exporting({
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_HEADERS: "api-key=a%20b=, x=1",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x=2",
      OTEL_EXPORTER_OTLP_TIMEOUT: "2000",
      OTEL_SERVICE_NAME: "edge",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=other,deployment.environment.name=test",
    });
    assert.deepEqual(settings?.headers, { "api-key": "a b=", x: "2" });
    assert.equal(settings?.timeoutMs, 2_000);
    const { "host.name": host, ...resource } = settings!.resource;
    assert.ok(host);
    assert.deepEqual(resource, {
      "service.name": "edge",
      "service.version": "1.2.3",
      "deployment.environment.name": "test",
    });
  });
});

describe("what cannot be used", () => {
  const cases: [what: string, env: Record<string, string>, warning: RegExp, exports: boolean][] = [
    [
      "an endpoint without scheme",
      { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" },
      /ENDPOINT must be a URL.*"collector:4318"/,
      false,
    ],
    [
      "an endpoint that is no URL",
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a b" },
      /ENDPOINT must be a URL/,
      false,
    ],
    ["grpc", { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /grpc/, false],
    [
      "a header without value",
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: "secret" },
      /^OTEL_EXPORTER_OTLP_HEADERS: (?!.*secret)/,
      true,
    ],
    [
      "a header that is not encoded",
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: "a=%zz" },
      /^OTEL_EXPORTER_OTLP_HEADERS: (?!.*zz)/,
      true,
    ],
    ["an unknown sampler", { ...ENDPOINT, OTEL_TRACES_SAMPLER: "toString" }, /no sampler "toString"/, true],
    [
      "a ratio above 1",
      { ...ENDPOINT, OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "5" },
      /from 0 to 1 \(got "5"\)/,
      true,
    ],
  ];
  for (const [what, env, warning, exports] of cases) {
    it(`is warned about and ignored: ${what}`, () => {
      const { warnings, export: settings, sampler } = read(env);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!, warning);
      assert.equal(settings !== undefined, exports);
      assert.equal(sampler(TRACE, undefined), exports);
    });
  }
});

describe("which traces are recorded", () => {
  /** Of a root, of a parent that is recorded, of one that is not. */
  const recorded = (env: Record<string, string>) => {
    const { sampler, warnings } = read(env);
    assert.deepEqual(warnings, []);
    return [undefined, true, false].map((parent) => sampler(TRACE, parent));
  };
  const by = (name: string, ratio = "") => ({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: ratio });

  it("is what the caller says, and all others where they are exported", () => {
    assert.deepEqual(recorded({}), [false, true, false]);
    assert.deepEqual(recorded(ENDPOINT), [true, true, false]);
  });

  it("is what the sampler says", () => {
    assert.deepEqual(recorded(by("always_on")), [true, true, true]);
    assert.deepEqual(recorded(by("always_off")), [false, false, false]);
    assert.deepEqual(recorded(by("parentbased_always_on")), [true, true, false]);
    assert.deepEqual(recorded({ ...ENDPOINT, ...by("parentbased_always_off") }), [false, true, false]);
    assert.deepEqual(recorded(by("traceidratio", "0")), [false, false, false]);
    assert.deepEqual(recorded(by("traceidratio")), [true, true, true]);
    assert.deepEqual(recorded(by("parentbased_traceidratio", "0")), [false, true, false]);
  });

  it("is a share of all, the same for every program that sees the trace", () => {
    const { sampler } = read(by("traceidratio", "0.25"));
    const ids = Array.from({ length: 4_000 }, newTraceId);
    const taken = ids.filter((id) => sampler(id, undefined));
    // 1,000 are expected; ten times the deviation of a fair choice is never off by chance.
    assert.ok(taken.length > 720 && taken.length < 1_280, String(taken.length));
    assert.ok(taken.every((id) => sampler(`${"1".repeat(19)}${id.slice(19)}`, undefined)));
  });
});
