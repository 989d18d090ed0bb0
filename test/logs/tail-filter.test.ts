/** Which events a follower gets, and what is wrong with a filter. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type {
  ConsoleEvent,
  ExceptionEvent,
  RequestEvent,
  TailEvent,
} from "../../scheduler/logs/tail-event.ts";
import { parseTailFilter, type TailQuery, wants } from "../../scheduler/logs/tail-filter.ts";

const time = "2026-11-25T12:00:00.000Z";
const request = (more: Partial<RequestEvent> = {}): RequestEvent => ({
  type: "request",
  time,
  id: "id-1",
  function: "a",
  client: "127.0.0.1",
  method: "GET",
  host: "example.com",
  path: "/Some/path",
  status: 200,
  requestBytes: 0,
  bytes: 1,
  totalMs: 1,
  ...more,
});
const line = (more: Partial<ConsoleEvent> = {}): ConsoleEvent => ({
  type: "console",
  time,
  id: "id-1",
  function: "a",
  level: "info",
  message: "Hello there",
  ...more,
});
const exception = (more: Partial<ExceptionEvent> = {}): ExceptionEvent => ({
  type: "exception",
  time,
  id: "id-1",
  function: "a",
  method: "POST",
  host: "example.com",
  path: "/x",
  status: 500,
  text: "TypeError: no good\n    at index.ts:1:1",
  ...more,
});
const end: TailEvent = { type: "end", time };
const dropped: TailEvent = { type: "dropped", time, what: "console lines", function: "a", count: 3 };

const told = (query: TailQuery, events: readonly TailEvent[], allowed?: readonly string[]) =>
  events.filter((event) => wants(parseTailFilter(query, allowed), event));

describe("a filter", () => {
  it("that says nothing lets all through", () => {
    const all = [request(), request({ function: null }), line(), exception(), dropped, end];
    assert.deepEqual(told({}, all), all);
  });

  it("by function lets that one's events through, and the end", () => {
    const mine = [request(), line(), exception(), dropped];
    const others = [request({ function: "b" }), request({ function: null }), line({ function: "b" })];
    assert.deepEqual(told({ function: "a" }, [...mine, ...others, end]), [...mine, end]);
  });

  it("keeps callers to the functions that they may see", () => {
    const events = [
      request(),
      request({ function: "b" }),
      request({ function: null }),
      line({ function: "b" }),
    ];
    assert.deepEqual(told({}, events, ["b", "c"]), [events[1], events[3]]);
  });

  for (const [status, passing] of [
    ["404", [404]],
    ["5xx", [500, 503]],
    ["200-299", [200, 204]],
    ["204, 4XX", [204, 404]],
  ] as const)
    it(`by status ${status} lets ${passing.join(" and ")} through, and no console lines`, () => {
      const events = [200, 204, 404, 500, 503].map((code) => request({ status: code }));
      assert.deepEqual(
        told({ status }, [...events, line()]).map((event) => (event as RequestEvent).status),
        passing,
      );
    });

  it("by status or method lets the exceptions of such requests through", () => {
    assert.deepEqual(told({ status: "5xx" }, [exception(), request()]), [exception()]);
    assert.deepEqual(told({ status: "4xx" }, [exception()]), []);
    assert.deepEqual(told({ method: "post" }, [exception(), request(), line()]), [exception()]);
    assert.deepEqual(told({ method: "PUT,get" }, [exception(), request()]), [request()]);
  });

  it("by text looks at paths, messages, stacks and ids, in whatever case", () => {
    const all = [request(), line(), exception()];
    assert.deepEqual(told({ text: "some/PATH" }, all), [all[0]]);
    assert.deepEqual(told({ text: "hello" }, all), [all[1]]);
    assert.deepEqual(told({ text: "INDEX.ts:1" }, all), [all[2]]);
    assert.deepEqual(told({ text: "id-1" }, all), all);
    assert.deepEqual(told({ text: "" }, all), all);
  });

  it("by a sample lets such a share of the requests through, each with all of its events", () => {
    const ids = Array.from({ length: 10_000 }, (_, i) => `mwwglus8awfr-${i.toString(36)}`);
    for (const sample of ["0.1", ".5", "0.9"]) {
      const filter = parseTailFilter({ sample });
      const chosen = ids.filter((id) => wants(filter, request({ id })));
      const share = chosen.length / ids.length;
      assert.ok(Math.abs(share - Number(sample)) < 0.03, `${sample}: ${share}`);
      for (const id of ids)
        assert.equal(
          wants(filter, line({ id })) && wants(filter, exception({ id })),
          wants(filter, request({ id })),
        );
    }
    assert.equal(told({ sample: "1" }, [request()]).length, 1);
  });

  for (const [query, says] of [
    [
      { status: "6xx" },
      'status must be a status such as 404, 5xx or 200-299, or several with commas (got "6xx")',
    ],
    [{ status: "" }, /^status must be/],
    [{ status: "404;500" }, /^status must be/],
    [{ status: "299-200" }, /^status must be/],
    [{ status: "404," }, /^status must be/],
    [{ method: "G T" }, 'method must be a method such as GET, or several with commas (got "G T")'],
    [
      { sample: "0" },
      /^sample must be a share of the requests, more than 0 and at most 1, such as 0\.1 \(got "0"\)$/,
    ],
    [{ sample: "1.1" }, /^sample must be/],
    [{ sample: "10%" }, /^sample must be/],
    [{ sample: "-1" }, /^sample must be/],
    [{ sample: "1e-1" }, /^sample must be/],
  ] as const)
    it(`is refused that has ${JSON.stringify(query)}`, () => {
      assert.throws(() => parseTailFilter(query), { code: "USAGE", message: says });
    });
});
