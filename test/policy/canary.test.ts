/** When a canary is promoted, and when it is rolled back. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Canary } from "../../scheduler/policy/canary.ts";

const WINDOW_MS = 60_000;
const canary = () => new Canary({ percent: 10, windowMs: WINDOW_MS }, 0);

function observe(of: Canary, version: "old" | "new", count: number, errors = 0, ms = 10): Canary {
  for (let i = 0; i < count; i++) of.observe(version, i < errors, ms);
  return of;
}

describe("a canary", () => {
  it("is promoted at the end of its window when it is no worse", () => {
    const trial = observe(observe(canary(), "old", 1_000), "new", 100);
    assert.equal(trial.verdict(WINDOW_MS - 1), undefined);
    assert.equal(trial.verdict(WINDOW_MS)?.decision, "promote");
  });

  it("waits for requests beyond its window", () => {
    const trial = observe(observe(canary(), "old", 1_000), "new", 19);
    assert.equal(trial.verdict(10 * WINDOW_MS), undefined);
    assert.equal(observe(trial, "new", 1).verdict(10 * WINDOW_MS)?.decision, "promote");
  });

  it("is rolled back at once when it fails clearly more often", () => {
    const trial = observe(observe(canary(), "old", 1_000), "new", 20, 5);
    const verdict = trial.verdict(1_000);
    assert.equal(verdict?.decision, "rollback");
    assert.match(verdict!.reason, /5 of 20 requests failed, and 0 of 1000/);
  });

  it("is not rolled back for what may be chance", () => {
    const trial = observe(observe(canary(), "old", 1_000), "new", 20, 1);
    assert.equal(trial.verdict(1_000), undefined);
    assert.equal(trial.verdict(WINDOW_MS)?.decision, "promote");
  });

  it("may fail as often as the old version does", () => {
    const trial = observe(observe(canary(), "old", 1_000, 300), "new", 100, 30);
    assert.equal(trial.verdict(WINDOW_MS)?.decision, "promote");
  });

  it("is rolled back at the end when its p99 is clearly longer", () => {
    const trial = observe(observe(canary(), "old", 1_000), "new", 200, 0, 10);
    observe(trial, "new", 10, 0, 500);
    assert.equal(trial.verdict(WINDOW_MS - 1), undefined);
    assert.match(trial.verdict(WINDOW_MS)!.reason, /its p99 is 5\d\d ms, and the old version's 10 ms/);
  });

  it("is not compared by p99 with too few requests for one", () => {
    const trial = observe(observe(canary(), "old", 1_000), "new", 50, 0, 500);
    assert.equal(trial.verdict(WINDOW_MS)?.decision, "promote");
  });

  it("gets its part of the requests, of clients and of chance", () => {
    const trial = canary();
    const shareOf = (takes: (i: number) => boolean) =>
      Array.from({ length: 10_000 }, (_, i) => takes(i)).filter(Boolean).length / 10_000;
    assert.equal(
      shareOf((i) => trial.takes(undefined, i / 10_000)),
      0.1,
    );
    const byKey = shareOf((i) => trial.takes(`user-${i}`, 0));
    assert.ok(byKey > 0.08 && byKey < 0.12, `${byKey}`);
  });

  it("gives the same client the same version, whatever chance says", () => {
    const trial = canary();
    for (const key of ["a", "b", "session=42", ""])
      assert.equal(trial.takes(key, 0), trial.takes(key, 0.999), key);
  });
});
