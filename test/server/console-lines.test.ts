/** Whatever functions print, and however long their headers are, the scheduler's memory stays where it is. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { connections, startNode, type TestNode, until } from "../support/node.ts";

const FLOOD = `
export default {
  fetch(request) {
    const wanted = new URL(request.url).searchParams;
    const line = "x".repeat(Number(wanted.get("length")));
    for (let left = Number(wanted.get("lines")); left > 0; left--) console.log(line);
    return new Response("done", { headers: { "x-long": "x".repeat(Number(wanted.get("header"))) } });
  },
};`;

const DIRECTIVES = { num_servers: 1, start_threads: 1, min_spare_threads: 1, max_spare_threads: 1 };
const MOST = 32 * 2 ** 20;

/** The most memory that the process has held so far. */
function peakBytes({ dexter }: TestNode): number {
  const status = readFileSync(`/proc/${dexter.pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
}

const skip = process.platform === "linux" ? false : "needs /proc";

describe("the scheduler's memory", { skip }, () => {
  for (const [what, query, status] of [
    ["one console line of 100 MB", "lines=1&length=100000000", 200],
    ["300,000 console lines", "lines=300000&length=20", 200],
    ["a response header of 100 MB", "header=100000000", 502],
  ] as const)
    it(`does not grow with ${what}`, async (test) => {
      const node = await startNode(test, { functions: { flood: FLOOD }, directives: DIRECTIVES });
      const agent = connections(test, 4);
      // What it has to do at first is compiled then.
      for (let warm = 0; warm < 200; warm++) await node.get("/flood?lines=5&length=50", { agent });
      const before = peakBytes(node);
      assert.equal((await node.get(`/flood?${query}`)).status, status);
      await until("no request is in progress", async () => (await node.status()).totals.busy === 0);
      const grownMb = (peakBytes(node) - before) / 2 ** 20;
      assert(peakBytes(node) - before <= MOST, `${grownMb} MB more`);
    });

  it("stays, and the line that was cut is logged with its function and how much is missing", async (test) => {
    const node = await startNode(test, { functions: { flood: FLOOD }, directives: DIRECTIVES });
    await node.get("/flood?lines=1&length=20000");
    const line = await until("it is logged", () => node.log().find(({ msg }) => msg.startsWith("xxx")));
    assert.equal(line.function, "flood");
    assert.match(line.msg, /^x+… \(\d+ bytes cut\)$/);
    assert.equal(line.msg.indexOf("…") + Number(/\((\d+) bytes/.exec(line.msg)![1]), 20_000 + '"}'.length);
    const note = node.log().find(({ msg }) => msg.startsWith("a console line was cut"));
    assert.equal(note?.function, "flood");
    assert.equal(note?.requestId, line.requestId);
  });
});
