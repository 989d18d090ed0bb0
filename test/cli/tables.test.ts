/** Tables fit into the terminal that they are for. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { directiveText } from "../../scheduler/cli/directives.ts";
import { toTheMinute, when } from "../../scheduler/cli/print.ts";
import { statusText } from "../../scheduler/cli/status-text.ts";
import { list, prose, table } from "../../scheduler/cli/table.ts";
import { directiveTable } from "../../scheduler/config/directives.ts";
import type { NodeStatus, ThreadStatus } from "../../scheduler/status/status.ts";

const thread = (slot: number, letter: string): ThreadStatus => ({
  slot,
  letter,
  state: "idle",
  function: "hello",
  version: "0123456789abcdef",
  kind: "loaded",
  requests: 0,
});

const STATUS: NodeStatus = {
  pid: 4242,
  uptimeSeconds: 3_700,
  restarts: 1,
  totals: { requests: 1_234_567, busy: 40, idle: 20, starting: 1, queued: 3, rejected: 0 },
  servers: [
    {
      slot: 0,
      pid: 4243,
      generation: 2,
      state: "running",
      requests: 617_283,
      rssBytes: 128 * 1048576,
      threads: Array.from({ length: 64 }, (_, slot) => thread(slot, slot < 40 ? "W" : "_")),
    },
    {
      slot: 1,
      pid: 14243,
      generation: 12,
      state: "draining",
      requests: 5,
      rssBytes: 0,
      threads: [thread(0, "_"), thread(3, "G")],
    },
  ],
  functions: [
    {
      name: "hello",
      version: "0123456789abcdef",
      routes: ["hello.localhost/*", "*/hello/*"],
      idle: 20,
      busy: 40,
      starting: 1,
      queued: 3,
    },
    {
      name: "a-function-with-a-long-name",
      version: "",
      routes: ["shop.example.com/a/very/long/path/to/somewhere/deep/*", "b.example.com/*", "c.example.com/*"],
      idle: 0,
      busy: 0,
      starting: 0,
      queued: 0,
    },
  ],
};

describe("dexter status", () => {
  it("is a table for people on a wide terminal", () => {
    assert.equal(
      statusText(STATUS, 200),
      `dexter 4242, up 1.0h, 1 restart: 1234567 requests, 40 busy, 20 idle, 1 starting, 3 queued, 0 rejected

server    pid  gen.  state     requests  memory  threads
     0   4243     2  running     617283  128 MB  ${"W".repeat(40)}${"_".repeat(24)}
     1  14243    12  draining         5    0 MB  _..G
threads: _ idle  W busy  S starting  G retiring  . open slot

function                     version           idle  busy  starting  queued  answers at
hello                        0123456789abcdef    20    40         1       3  hello.localhost/*, */hello/*
a-function-with-a-long-name  (no build yet)       0     0         0       0  shop.example.com/a/very/long/path/to/somewhere/deep/*, b.example.com/*, c.example.com/*
`,
    );
  });

  it("fits into 80 columns when names are short, and keeps all threads", () => {
    const text = statusText({ ...STATUS, functions: STATUS.functions.slice(0, 1) }, 80);
    for (const line of text.split("\n")) assert.ok(line.length <= 80, `${line.length}: ${line}`);
    assert.equal(text.match(/W/g)!.length, 40 + 1);
    assert.match(text, /^hello {5}0123456789abcdef .* hello\.localhost\/\* \+1$/m);
  });

  it("shortens routes in the middle, and counts those that it leaves out", () => {
    const text = statusText(STATUS, 110);
    assert.match(text, / shop\.example\.co…mewhere\/deep\/\* \+2$/m);
  });
});

describe("a table", () => {
  it("aligns by what is seen, whatever the colours", () => {
    const bold = (text: string) => `\u001b[1m${text}\u001b[22m`;
    const drawn = table(
      ["name", "n", "rest"],
      [
        [bold("a"), 1, "x"],
        ["long name", 100, "y"],
      ],
      { numeric: [1] },
    );
    assert.equal(drawn, `name         n  rest\n${bold("a")}            1  x\nlong name  100  y`);
  });

  it("gives prose as many lines as it takes", () => {
    const drawn = table(["k", "meaning"], [["a", prose("one two three four five six")]], { width: 20 });
    assert.equal(drawn, "k  meaning\na  one two three\n   four five six");
  });

  it("never makes the last column useless", () => {
    const drawn = table(["k", "places"], [["k".repeat(30), list(["example.com/*"])]], { width: 20 });
    assert.match(drawn, /example\.com\/\*$/);
  });
});

describe("dexter directives", () => {
  for (const width of [60, 80, 120, 250])
    it(`fits into ${width} columns`, () => {
      const lines = directiveText(directiveTable(), width).split("\n");
      assert.deepEqual(
        lines.filter((line) => line.length > width),
        [],
      );
      for (const { name } of directiveTable())
        assert.ok(
          lines.some((line) => line.startsWith(name)),
          name,
        );
    });

  it("has a line for each directive where nothing limits its length", () => {
    const lines = directiveText(directiveTable(), Number.POSITIVE_INFINITY).split("\n");
    for (const { name, description } of directiveTable())
      assert.ok(
        lines.some((line) => line.startsWith(`${name} `) && line.endsWith(description)),
        name,
      );
  });
});

describe("a time", () => {
  it("is in UTC, wherever the terminal is", () => {
    assert.equal(when("2026-11-25T18:30:05.123Z"), "2026-11-25 18:30:05 UTC");
    assert.equal(when("2026-11-25T01:30:05+02:00"), "2026-11-24 23:30:05 UTC");
    assert.equal(toTheMinute("2026-11-25T18:30:05.123Z"), "2026-11-25 18:30 UTC");
  });
});
