import assert from "node:assert/strict";
import { test } from "node:test";
import { Blame } from "../../scheduler/limits/blame.ts";

test("a function is quarantined at the third death that it alone may have caused", () => {
  const blame = new Blame();
  blame.died(["loop"], 0);
  blame.died(["loop"], 1_000);
  assert.deepEqual(blame.convict(1_000), []);
  blame.died(["loop"], 2_000);
  assert.deepEqual(blame.convict(2_000), ["loop"]);
  assert.deepEqual(blame.convict(2_000), []);
});

test("a function that shares all deaths with another is not told from it, until the other is cleared", () => {
  const blame = new Blame();
  const deaths = [0, 1, 2].map((atMs) => blame.died(["loop", "calm", "calm"], atMs));
  assert.deepEqual(blame.convict(2), []);
  blame.cleared(deaths[0]!, "calm");
  assert.deepEqual(blame.convict(2), []);
  blame.cleared(deaths[0]!, "calm");
  assert.deepEqual(blame.convict(2), ["loop"]);
});

test("innocent functions beside the cause are not quarantined", () => {
  const blame = new Blame();
  blame.died(["loop", "a"], 0);
  blame.died(["loop", "b"], 1);
  blame.died(["loop", "a", "b"], 2);
  assert.deepEqual(blame.convict(2), ["loop"]);
});

test("deaths count for ten minutes", () => {
  const blame = new Blame();
  for (const atMs of [0, 1_000, 600_000]) blame.died(["loop"], atMs);
  assert.deepEqual(blame.convict(600_000), []);
});

test("in quarantine each further death doubles the pause, up to a minute", () => {
  const blame = new Blame();
  for (const atMs of [0, 1, 2]) blame.died(["loop"], atMs);
  blame.convict(2);
  const pauses = Array.from({ length: 8 }, () => {
    blame.died(["loop"], 10_000);
    return blame.quarantined.get("loop")!.pausedUntilMs - 10_000;
  });
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

test("quarantine is due to end an hour after the last death, and its release forgets the deaths", () => {
  const blame = new Blame();
  for (const atMs of [0, 1, 2]) blame.died(["loop"], atMs);
  blame.convict(2);
  assert.deepEqual(blame.due(3_600_001), []);
  assert.deepEqual(blame.due(3_600_002), ["loop"]);
  assert.equal(blame.release("loop"), true);
  assert.equal(blame.release("loop"), false);
  blame.died(["loop"], 3);
  assert.deepEqual(blame.convict(3), []);
});
