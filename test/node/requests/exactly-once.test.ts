/** A request runs once, and alone in its isolate, also when it was sent ahead of its turn behind code that burns CPU. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { connections, startNode } from "../../support/node.ts";

const COUNTER = `
let active = 0;
const runs = new Map();
export default {
  async fetch(request) {
    const url = new URL(request.url);
    const together = ++active;
    const id = url.searchParams.get("n");
    runs.set(id, (runs.get(id) ?? 0) + 1);
    for (let left = Number(url.searchParams.get("burn")) * 1e5; left > 0; left--);
    console.log("ran " + id + ".");
    await scheduler.wait(0);
    const marks = [request, request.clone(), new Request(request)].map(
      ({ cf, headers }) => JSON.stringify([cf ?? null, [...headers]]),
    );
    active--;
    return Response.json({ together, runs: runs.get(id), marked: marks.some((text) => /dexterahead/i.test(text)) });
  },
};`;

it("runs each handler once, and one at a time in each isolate, while one request in a hundred burns CPU", async (test) => {
  const node = await startNode(test, { functions: { counter: COUNTER }, directives: { num_servers: 2 } });
  const agent = connections(test, 32);
  const answers = await Promise.all(
    Array.from({ length: 2_000 }, (_, n) =>
      node.get(`/counter?n=${n}&burn=${n % 100 === 0 ? 100 : 0}`, { agent }),
    ),
  );
  const ran = node.log().flatMap(({ msg }) => /ran (\d+)\./.exec(msg)?.[1] ?? []);
  assert.deepEqual([ran.length, new Set(ran).size], [2_000, 2_000]);
  for (const { status, text } of answers) {
    assert.equal(status, 200, text);
    assert.deepEqual(JSON.parse(text), { together: 1, runs: 1, marked: false });
  }
});
