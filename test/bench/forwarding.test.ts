/** Who gets a thread of those that the benchmark's proxies forward to: the same for all ways. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Places } from "../../bench/forwarding/places.ts";
import { ways } from "../../bench/forwarding/ways.ts";

/** Places so many requests, a, b, c, …; what was started is `<request><thread>`, with `+` if ahead. */
function place(count: number, threads: number, depth: number) {
  const started: string[] = [];
  const places = new Places<string>(threads, depth, (task, thread, ahead) => {
    started.push(`${task}${thread}${ahead ? "+" : ""}`);
  });
  for (const task of "abcdefghij".slice(0, count)) places.place(task);
  return { places, started };
}

describe("the benchmark's forwarding", () => {
  it("gives a thread one request at a time, and lets the others wait in their order", () => {
    const { places, started } = place(4, 2, 1);
    assert.deepEqual(started, ["a1", "b0"]);
    places.release(0);
    places.release(1);
    assert.deepEqual(started.slice(2), ["c0", "d1"]);
  });

  it("takes the idle thread that was used last", () => {
    const { places, started } = place(2, 3, 1);
    places.release(2);
    places.release(1);
    places.place("c");
    assert.deepEqual(started, ["a2", "b1", "c1"]);
  });

  it("sends requests ahead where no thread is idle, to the one with the fewest, as far as there is room", () => {
    const { places, started } = place(7, 2, 3);
    assert.deepEqual(started, ["a1", "b0", "c0+", "d1+", "e0+", "f1+"]);
    places.release(1);
    assert.deepEqual(started.slice(6), ["g1+"]);
  });

  it("counts a thread as idle when it has no request left", () => {
    const { places, started } = place(3, 2, 2);
    places.release(0);
    places.place("d");
    assert.deepEqual(started, ["a1", "b0", "c0+", "d0+"]);
    for (const thread of [0, 0, 1]) places.release(thread);
    places.place("e");
    assert.equal(started[4], "e1");
  });

  it("has ways that differ in name, and sends ahead with dexter's client only", () => {
    assert.equal(new Set(ways.map(({ name }) => name)).size, ways.length);
    assert.ok(ways.every(({ client, server, depth }) => depth === 1 || `${client}${server}` === "ownown"));
  });
});
