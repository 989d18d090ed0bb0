import assert from "node:assert/strict";
import { test } from "node:test";
import { RetryBudget } from "../../scheduler/limits/retry-budget.ts";

function takeAll(budget: RetryBudget, nowMs: number): number {
  let taken = 0;
  while (budget.take(nowMs)) taken++;
  return taken;
}

test("a hundred may run again at once, and a hundred a minute after that", () => {
  const budget = new RetryBudget(0.25);
  assert.equal(takeAll(budget, 0), 100);
  assert.equal(takeAll(budget, 30_000), 50);
  assert.equal(takeAll(budget, 600_000), 100);
});

test("requests earn their share, up to two thousand", () => {
  const budget = new RetryBudget(0.25);
  for (let i = 0; i < 400; i++) budget.earn();
  assert.equal(takeAll(budget, 0), 200);
  for (let i = 0; i < 20_000; i++) budget.earn();
  assert.equal(takeAll(budget, 0), 2_000);
});

test("with a share of 0 nothing runs again", () => {
  assert.equal(new RetryBudget(0).take(60_000), false);
});
