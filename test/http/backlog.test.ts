/** What waits for one client: when its thread waits too, and how long the client may take nothing. Time is told. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Backlog } from "../../scheduler/http/backlog.ts";
import { Clients } from "../../scheduler/http/clients.ts";
import { until } from "../support/until.ts";

function setUp({ isShort = false } = {}) {
  const limits = {
    ...new Clients().limits,
    responseBufferBytes: 1_000,
    maxBufferedBytes: 3_000,
    sendTimeoutMs: 30_000,
  };
  const clients = new Clients(limits, { note() {}, isShort: () => isShort, isTrusted: () => false });
  const one = () => {
    const state = { room: 0 };
    return Object.assign(state, { backlog: new Backlog(clients, () => void state.room++) });
  };
  return { clients, one };
}

/** A write that a client does not take within a moment. */
async function notTaken(one: { backlog: Backlog; room: number }, waiting: number) {
  assert.equal(one.backlog.takesMore(waiting), false, "at first the client gets a moment");
  await until("the moment is over", () => one.room === 1);
}

describe("a thread whose client does not read", () => {
  it("goes on after a moment, up to response_buffer, and then when all was taken", async () => {
    const { clients, one } = setUp();
    const slow = one();
    await notTaken(slow, 500);
    assert.equal(slow.backlog.takesMore(900), true);
    assert.equal(slow.backlog.takesMore(1_100), false);
    assert.equal(clients.bufferedBytes, 1_100);
    assert.equal(slow.backlog.drained(), true);
    assert.equal(clients.bufferedBytes, 0);
  });

  it("goes on at once when its client takes all within the moment", () => {
    const { one } = setUp();
    const { backlog } = one();
    assert.equal(backlog.takesMore(500), false);
    assert.equal(backlog.drained(), true);
  });

  it("waits when the node buffers too much for others", async () => {
    const { clients, one } = setUp();
    const slow = one();
    await notTaken(slow, 500);
    clients.bufferedBytes += 3_000;
    assert.equal(slow.backlog.takesMore(600), false);
  });
});

describe("a client that takes nothing", () => {
  it("may do so for send_timeout since it last took something", () => {
    const { backlog } = setUp().one();
    backlog.takesMore(500);
    assert.equal(backlog.tooLongMs(1_000, 500, 10), 0);
    assert.equal(backlog.tooLongMs(30_000, 400, 110), 0);
    assert.equal(backlog.tooLongMs(60_000, 400, 110), 0);
    assert.equal(backlog.tooLongMs(60_001, 400, 110), 30_001);
  });

  it("may do so for 2 s while it holds a thread for which others wait; not longer than that for its rest", async () => {
    const slow = setUp({ isShort: true }).one();
    await notTaken(slow, 500);
    slow.backlog.takesMore(1_100);
    slow.backlog.tooLongMs(1_000, 1_100, 0);
    assert.equal(slow.backlog.tooLongMs(4_000, 1_100, 0), 3_000);
    slow.backlog.release();
    assert.equal(slow.backlog.tooLongMs(4_000, 1_100, 0), 0, "its thread is done");
  });
});
