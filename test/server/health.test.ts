import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, Health } from "../../scheduler/server/health.ts";

const clock = (ranMs: number, wantedMs: number, state: string): Clock => ({ ranMs, wantedMs, state });

/** Looks every 100 ms. */
function look(health: Health, fromMs: number, toMs: number, busy = 1): boolean {
  let isDue = false;
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 100) isDue = health.look({ nowMs, answers: 0, busy });
  return isDue;
}

/** A busy server that was asked after 300 ms of silence. */
function asked(state: string): Health {
  const health = new Health();
  look(health, 0, 300);
  health.ask(300);
  health.judge(clock(0, 0, state), 500);
  return health;
}

test("a busy server is asked after 300 ms of silence, an idle one after a second", () => {
  assert.equal(look(new Health(), 0, 200), false);
  assert.equal(look(new Health(), 0, 300), true);
  assert.equal(look(new Health(), 0, 900, 0), false);
  assert.equal(look(new Health(), 0, 1_000, 0), true);
});

test("a server runs away by its CPU clock, which counts from the last sign of life", () => {
  const health = asked("R");
  look(health, 400, 500);
  assert.equal(health.judge(clock(199, 199, "R"), 500), "fine");
  assert.equal(health.judge(clock(200, 200, "R"), 500), "runs away");
});

test("a server that waits for a CPU gets 700 ms more", () => {
  const health = asked("R");
  assert.equal(health.judge(clock(100, 899, "R"), 500), "fine");
  assert.equal(health.judge(clock(100, 900, "R"), 500), "runs away");
});

test("a stopped server is found after 1.5 seconds, one that sleeps after five", () => {
  for (const [state, afterMs] of [
    ["T", 1_500],
    ["S", 5_000],
  ] as const) {
    const health = asked(state);
    look(health, 400, 300 + afterMs - 100);
    assert.equal(health.judge(clock(0, 0, state), 500), "fine");
    look(health, 300 + afterMs, 300 + afterMs);
    assert.equal(health.judge(clock(0, 0, state), 500), "stopped");
  }
});

test("time in which the scheduler was held up itself does not count", () => {
  const health = asked("T");
  health.look({ nowMs: 60_000, answers: 0, busy: 1 });
  assert.equal(health.responsive, true);
  assert.equal(health.judge(clock(0, 0, "T"), 500), "fine");
});

test("a server that owes an answer for half a second gets no requests until it answers", () => {
  const health = asked("S");
  look(health, 400, 700);
  assert.equal(health.responsive, true);
  look(health, 800, 800);
  assert.equal(health.responsive, false);
  health.answered(1);
  assert.equal(health.responsive, true);
  assert.equal(health.silentMs, 0);
});

test("a probe that was not delivered is sent again; if for want of something here, nothing is owed", () => {
  const health = asked("S");
  health.undelivered(false);
  assert.equal(look(health, 400, 400), true);
  assert.equal(health.owes, true);
  health.undelivered(true);
  assert.equal(health.owes, false);
});

test("after a lost connection only an answer to a later probe proves life", () => {
  const health = asked("S");
  health.suspect();
  assert.equal(health.responsive, false);
  assert.equal(health.answered(1), false);
  assert.equal(health.responsive, false);
  assert.equal(health.answered(health.ask(400)), true);
  assert.equal(health.responsive, true);
});
