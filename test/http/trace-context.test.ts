/** W3C Trace Context: which headers go on to a function, and what takes the place of those that do not. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isTraceparent, newSpanId, newTraceId, traceParts } from "../../scheduler/http/trace-context.ts";
import { sharedNode } from "../support/shared-node.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const GOOD = `00-${TRACE}-${SPAN}-01`;
const ZEROS = "0".repeat(32);

describe("a traceparent", () => {
  const good = [GOOD, `00-${TRACE}-${SPAN}-00`, `00-${TRACE}-${SPAN}-ff`, `01-${TRACE}-${SPAN}-01`];
  for (const value of [...good, `cc-${TRACE}-${SPAN}-01-what-comes-later`]) {
    it(`is valid: ${value}`, () => assert.ok(isTraceparent(value)));
  }

  const bad = {
    "nothing in it": "",
    "an unknown form": "trace",
    "version ff": `ff-${TRACE}-${SPAN}-01`,
    "a version that is no number": `0x-${TRACE}-${SPAN}-01`,
    "a trace id of zeros": `00-${ZEROS}-${SPAN}-01`,
    "a span id of zeros": `00-${TRACE}-${"0".repeat(16)}-01`,
    "upper case": GOOD.toUpperCase(),
    "a short trace id": `00-${TRACE.slice(1)}-${SPAN}-01`,
    "a long span id": `00-${TRACE}-${SPAN}0-01`,
    "no flags": `00-${TRACE}-${SPAN}`,
    "more than version 00 has": `${GOOD}-more`,
    "more without a dash": `01-${TRACE}-${SPAN}-01more`,
    "two in one": `${GOOD}, ${GOOD}`,
  };
  for (const [what, value] of Object.entries(bad)) {
    it(`is not valid with ${what}`, () => assert.ok(!isTraceparent(value)));
  }

  it("tells its parts", () => {
    assert.deepEqual(traceParts(GOOD), { traceId: TRACE, spanId: SPAN, sampled: true });
    assert.equal(traceParts(`00-${TRACE}-${SPAN}-02`).sampled, false);
  });
});

describe("new ids", () => {
  it("are never the same, over more of them than chance is fetched for at once", () => {
    const made = Array.from({ length: 2_000 }, () => [newTraceId(), newSpanId()]).flat();
    assert.equal(new Set(made).size, 4_000);
    for (const [place, id] of made.entries()) assert.match(id, place % 2 ? /^[\da-f]{16}$/ : /^[\da-f]{32}$/);
  });
});

describe("a function", () => {
  const node = sharedNode({
    functions: { seen: "export default { fetch: (request) => Response.json([...request.headers]) };" },
  });
  const seen = async (...headers: [string, string][]): Promise<Record<string, string>> =>
    Object.fromEntries(await node.json({ path: "/seen", headers }));

  it("gets the client's traceparent and tracestate as they are", async () => {
    for (const value of [GOOD, `cc-${TRACE}-${SPAN}-01-later`]) {
      const headers = await seen(["Traceparent", value], ["TraceState", "a=1,b=2"], ["tracestate", "c=3"]);
      assert.equal(headers.traceparent, value);
      assert.equal(headers.tracestate, "a=1,b=2, c=3");
    }
  });

  it("gets a new one, not sampled, where the client has none", async () => {
    const [one, other] = [await seen(), await seen()];
    assert.match(one.traceparent!, /^00-[\da-f]{32}-[\da-f]{16}-00$/);
    assert.ok(isTraceparent(one.traceparent!));
    assert.notEqual(traceParts(one.traceparent!).traceId, traceParts(other.traceparent!).traceId);
  });

  it("gets a new one, and no tracestate, instead of one that is malformed", async () => {
    const headers = await seen(["traceparent", `00-${ZEROS}-${SPAN}-01`], ["tracestate", "a=1"]);
    assert.ok(isTraceparent(headers.traceparent!));
    assert.notEqual(traceParts(headers.traceparent!).spanId, SPAN);
    assert.equal(headers.tracestate, undefined);
  });

  it("gets a new one instead of two, and instead of one for this hop alone", async () => {
    for (const more of [
      ["traceparent", GOOD],
      ["Connection", "traceparent"],
    ] as [string, string][]) {
      const headers = await seen(["traceparent", GOOD], more, ["tracestate", "a=1"]);
      assert.ok(isTraceparent(headers.traceparent!));
      assert.notEqual(traceParts(headers.traceparent!).traceId, TRACE);
      assert.equal(headers.tracestate, undefined);
    }
  });
});
