/** Changes that take turns: no two at once, in the order in which they were asked for, whatever becomes of them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Turns } from "../../scheduler/system/turns.ts";

/** A change that ends when it is told to. */
function held<T>() {
  let end!: (value: T) => void;
  let fail!: (reason: Error) => void;
  const over = new Promise<T>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  return { over, end, fail };
}

describe("turns", () => {
  it("run one change after the other, in order", async () => {
    const turns = new Turns();
    const events: string[] = [];
    const first = held<void>();
    const change = (name: string, over: Promise<void>) => async () => {
      events.push(`${name} begins`);
      await over;
      events.push(`${name} ends`);
    };
    const all = [
      turns.run(change("one", first.over)),
      turns.run(change("two", Promise.resolve())),
      turns.run(change("three", Promise.resolve())),
    ];
    await new Promise(setImmediate);
    assert.deepEqual(events, ["one begins"]);
    first.end();
    await Promise.all(all);
    assert.deepEqual(
      events,
      ["one", "two", "three"].flatMap((name) => [`${name} begins`, `${name} ends`]),
    );
  });

  it("give back what a change returns", async () => {
    assert.equal(await new Turns().run(async () => 7), 7);
  });

  it("go on after a change that failed, and tell only who asked for it", async () => {
    const turns = new Turns();
    const first = held<void>();
    const failed = turns.run(() => first.over);
    const next = turns.run(async () => "done");
    first.fail(new Error("it cannot be done"));
    await assert.rejects(failed, /it cannot be done/);
    assert.equal(await next, "done");
  });

  it("go on after a change that throws before its first promise", async () => {
    const turns = new Turns();
    const failed = turns.run(() => {
      throw new Error("at once");
    });
    await assert.rejects(failed, /at once/);
    assert.equal(await turns.run(async () => "done"), "done");
  });
});
