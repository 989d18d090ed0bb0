/** Those who follow: nothing is made where there are none, and a slow one loses events and is told how many. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAdmin } from "../../scheduler/admin/app.ts";
import { type Caller, LOCAL } from "../../scheduler/admin/caller.ts";
import { tail } from "../../scheduler/admin/tail.ts";
import type { Exchange } from "../../scheduler/dispatch/exchange.ts";
import { Reporter } from "../../scheduler/failures/reporter.ts";
import { Followers } from "../../scheduler/logs/followers.ts";
import { Journal } from "../../scheduler/logs/journal.ts";
import type { ConsoleEvent, TailEvent } from "../../scheduler/logs/tail-event.ts";
import { parseTailFilter } from "../../scheduler/logs/tail-filter.ts";
import type { Member } from "../../scheduler/server/member.ts";
import { until } from "../support/until.ts";

const ALL = parseTailFilter({});
const line = (message: string): ConsoleEvent => ({
  type: "console",
  time: "2026-11-25T12:00:00.000Z",
  id: null,
  function: "a",
  level: "info",
  message,
});
const eventsIn = (text: string | undefined) =>
  (text ?? "")
    .split("\n")
    .filter((part) => part !== "")
    .map((part) => JSON.parse(part) as TailEvent);

/** Fails when anybody looks at it. */
const UNTOUCHED = new Proxy({} as Exchange, {
  get(_, key) {
    throw new Error(`${String(key)} was read`);
  },
});

describe("where nobody follows", () => {
  it("nothing is read of a request that is over", () => {
    const followers = new Followers();
    const journal = new Journal({
      access: () => undefined,
      followers,
      slotOf: () => 0,
      onRequest: undefined,
    });
    journal.finished(UNTOUCHED);
    const follower = followers.follow(ALL);
    assert.throws(() => journal.finished(UNTOUCHED), /was read/);
    follower.leave();
  });

  it("no event is made of a console line, and none again when the last has left", async () => {
    const followers = new Followers();
    const logged: unknown[] = [];
    const log = { isLevelEnabled: () => true, info: (...entry: unknown[]) => logged.push(entry) };
    const reporter = new Reporter({
      dev: false,
      log,
      followers,
      root: () => "",
      slotOf: () => 0,
      logRate: 0,
    } as unknown as ConstructorParameters<typeof Reporter>[0]);
    const thread = { functionName: "a", version: "v", slot: 3 };
    const member = { loader: { threadNamed: () => thread }, process: { slot: 1 } } as unknown as Member;
    const printed = JSON.stringify({ level: "info", message: "\u0001thread\u0002id-1\u0003hello" });
    reporter.serverLine(printed, "stdout", member);
    assert.equal(followers.made, 0);
    const follower = followers.follow(ALL);
    reporter.serverLine(printed, "stdout", member);
    assert.equal(followers.made, 1);
    const [{ time, ...event }] = eventsIn(await follower.take()) as [TailEvent];
    assert.deepEqual(event, {
      type: "console",
      id: "id-1",
      function: "a",
      version: "v",
      server: 1,
      thread: 3,
      level: "info",
      message: "hello",
    });
    follower.leave();
    await until("it is gone", () => !followers.any);
    reporter.serverLine(printed, "stdout", member);
    assert.equal(followers.made, 1);
    assert.equal(logged.length, 3);
  });
});

describe("a follower", () => {
  it("gets events in their order, as they come", async () => {
    const followers = new Followers();
    const follower = followers.follow(ALL);
    const first = follower.take();
    followers.tell(line("one"));
    assert.deepEqual(eventsIn(await first), [line("one")]);
    followers.tell(line("two"));
    followers.tell(line("three"));
    assert.deepEqual(eventsIn(await follower.take()), [line("two"), line("three")]);
    follower.leave();
  });

  it("that is too slow loses events and is told how many, and others lose none", async () => {
    const followers = new Followers();
    const [slow, quick] = [followers.follow(ALL), followers.follow(ALL)];
    let quickly = 0;
    for (let i = 0; i < 10_000; i++) {
      followers.tell(line(String(i)));
      if (i % 1_000 === 999) quickly += eventsIn(await quick.take()).length;
    }
    assert.equal(quickly, 10_000);
    const events = eventsIn(await slow.take());
    const last = events.pop();
    assert.ok(last?.type === "dropped" && last.what === "events");
    assert.equal(events.length + last.count, 10_000);
    assert.ok(events.length > 1_000);
    followers.tell(line("later"));
    assert.deepEqual(eventsIn(await slow.take()), [line("later")]);
    slow.leave();
    quick.leave();
  });

  it("holds a bounded number of characters, but an event of any length", async () => {
    const followers = new Followers();
    const follower = followers.follow(ALL);
    const long = line("x".repeat(2_000_000));
    followers.tell(long);
    followers.tell(line("more"));
    const [first, second] = eventsIn(await follower.take());
    assert.deepEqual(first, long);
    assert.ok(second?.type === "dropped" && second.count === 1);
    follower.leave();
  });

  it("gets what waits, and the end, when the node stops", async () => {
    const followers = new Followers();
    const follower = followers.follow(ALL);
    followers.tell(line("last"));
    const ended = followers.end();
    followers.tell(line("too late"));
    assert.deepEqual(
      eventsIn(await follower.take()).map(({ type }) => type),
      ["console", "end"],
    );
    assert.equal(await follower.take(), undefined);
    follower.leave();
    await ended;
  });

  it("that reads nothing does not hold up the end", async () => {
    const followers = new Followers();
    followers.follow(ALL);
    await followers.end();
    assert.equal(followers.any, false);
  });
});

describe("GET /tail", () => {
  /** The call's status and message, by this caller. */
  async function asked(path: string, caller: Caller): Promise<[number, string]> {
    const followers = new Followers();
    const app = createAdmin({ identify: () => caller, failed: () => {} }, [
      tail({ followers, hasFunction: (name) => name === "a" }),
    ]);
    const outgoing = { once: () => outgoing };
    const answer = await app.request(path, {}, { incoming: { headers: {} }, outgoing } as never);
    if (answer.status === 200) {
      assert.equal(followers.any, true);
      await answer.body!.cancel();
      await until("it is gone", () => !followers.any);
      return [200, answer.headers.get("content-type")!];
    }
    assert.equal(followers.any, false);
    return [answer.status, ((await answer.json()) as { error: string }).error];
  }

  const reader: Caller = { name: "ada", scope: "read", functions: ["a", "gone"] };

  for (const [title, path, caller, status, says] of [
    ["whoever may read", "/tail", reader, 200, /^application\/x-ndjson/],
    ["whoever may read that function", "/tail?function=a", reader, 200, /ndjson/],
    ["nobody about another function", "/tail?function=b", reader, 403, /^ada may not do this on b: /],
    [
      "nobody about a function that is not there",
      "/tail?function=gone",
      reader,
      404,
      /^there is no function gone; /,
    ],
    ["nobody with a filter that makes no sense", "/tail?status=abc", LOCAL, 400, /^status must be /],
  ] as const)
    it(`lets ${title} follow`, async () => {
      const [got, text] = await asked(path, caller);
      assert.equal(got, status);
      assert.match(text, says);
    });
});
