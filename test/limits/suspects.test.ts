import assert from "node:assert/strict";
import { test } from "node:test";
import { functionsOf, suspectsOf } from "../../scheduler/limits/suspects.ts";

const inside = [
  { functionName: "a", sentMs: 100 },
  { functionName: "b", sentMs: 1_050 },
  { functionName: "c", sentMs: 1_051 },
  { functionName: "a", sentMs: 900 },
];

test("what was sent after the first unanswered probe is not suspected", () => {
  assert.deepEqual(suspectsOf(inside, 1_000), [inside[0], inside[1], inside[3]]);
});

test("all are suspected when no probe is owed, and each function is named once", () => {
  assert.deepEqual(functionsOf(suspectsOf(inside, Number.POSITIVE_INFINITY)), ["a", "b", "c"]);
});
