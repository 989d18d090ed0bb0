/** What a function may log: more than its share costs it its own lines, and nobody else anything. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LineRate } from "../../scheduler/logs/line-rate.ts";
import { startNode, type TestNode, until } from "../support/node.ts";

/** How many of `count` lines at that time are let through. */
function taken(rate: LineRate, name: string, nowMs: number, count: number): number {
  return Array.from({ length: count }, () => rate.take(name, nowMs)).filter(Boolean).length;
}

describe("a line rate", () => {
  it("lets a second's lines through at once, then as many as time has brought", () => {
    const rate = new LineRate(100);
    assert.equal(taken(rate, "a", 0, 250), 100);
    assert.equal(taken(rate, "a", 500, 250), 50);
    assert.equal(taken(rate, "a", 60_000, 250), 100);
    assert.deepEqual(rate.takeExcess(), [{ functionName: "a", lines: 150 + 200 + 150 }]);
    assert.deepEqual(rate.takeExcess(), []);
  });

  it("counts each function for itself", () => {
    const rate = new LineRate(10);
    assert.equal(taken(rate, "a", 0, 1000), 10);
    assert.equal(taken(rate, "b", 0, 5), 5);
    assert.deepEqual(rate.takeExcess(), [{ functionName: "a", lines: 990 }]);
  });

  it("counts a long line as several, and lets one through that is longer than all that is left", () => {
    const rate = new LineRate(10);
    assert.equal(rate.take("a", 0, 25), true);
    assert.equal(rate.take("a", 1_000), false);
    assert.equal(rate.take("a", 1_700), true);
  });

  it("has no limit at 0, and takes another while it is used", () => {
    const rate = new LineRate(0);
    assert.equal(taken(rate, "a", 0, 10_000), 10_000);
    rate.perSecond = 5;
    assert.equal(taken(rate, "a", 0, 100), 5);
    rate.perSecond = 2;
    assert.equal(taken(rate, "a", 60_000, 100), 2);
  });
});

const FLOODS = `
export default {
  fetch(request) {
    if (request.url.endsWith("?throw")) throw new Error("no good");
    for (let line = 0; line < 5_000; line++) console.log("line", line);
    return new Response("done");
  },
};`;
const QUIET = `export default { fetch() { console.log("quiet"); return new Response("done"); } };`;
const DIRECTIVES = { num_servers: 1, start_threads: 1, min_spare_threads: 1, max_spare_threads: 2 };

const of = (node: TestNode, name: string) => node.log().filter((line) => line.function === name);
const counted = (node: TestNode, pattern: RegExp) =>
  of(node, "floods")
    .map(({ msg }) => Number(pattern.exec(msg)?.[1] ?? 0))
    .reduce((sum, lines) => sum + lines, 0);

describe("log_rate", () => {
  it("drops what a function prints beyond it, says how much, and leaves others theirs", async (test) => {
    const node = await startNode(test, {
      functions: { floods: FLOODS, quiet: QUIET },
      directives: { ...DIRECTIVES, log_rate: 50 },
    });
    assert.equal((await node.get("/floods")).text, "done");
    await node.get("/quiet");
    await until("all lines are accounted for", () => {
      const dropped = counted(node, /^(\d+) console lines were dropped: log_rate allows 50 a second$/);
      return of(node, "floods").filter(({ msg }) => msg.startsWith("line ")).length + dropped === 5_000;
    });
    assert.ok(of(node, "floods").filter(({ msg }) => msg.startsWith("line ")).length >= 50);
    await until("the other is logged", () => of(node, "quiet").length === 1);
    assert.equal(
      node.log().filter(({ level, msg }) => level === 40 && msg.includes("dropped")).length > 0,
      true,
    );
  });

  it("holds for exceptions too, whose requests are answered all the same", async (test) => {
    const node = await startNode(test, {
      functions: { floods: FLOODS },
      directives: { ...DIRECTIVES, log_rate: 10 },
    });
    const answers = await Promise.all(Array.from({ length: 100 }, () => node.get("/floods?throw")));
    assert.ok(answers.every(({ status }) => status === 500));
    await node.dexter.stop("SIGTERM");
    const logged = of(node, "floods").filter(({ msg }) => msg.includes("no good")).length;
    assert.equal(logged + counted(node, /^(\d+) exceptions were dropped/), 100);
    assert.ok(logged >= 10 && logged < 100, String(logged));
  });

  it("of 0 lets all through", async (test) => {
    const node = await startNode(test, {
      functions: { floods: FLOODS },
      directives: { ...DIRECTIVES, log_rate: 0 },
    });
    await node.get("/floods");
    await until("all is logged", () => of(node, "floods").length === 5_000);
  });
});
