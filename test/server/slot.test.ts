/** When another server is started where one has died, and which versions it is born without. No processes. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Distrust } from "../../scheduler/server/distrust.ts";
import type { Resident } from "../../scheduler/server/residents.ts";
import { Slot } from "../../scheduler/server/slot.ts";
import { spec } from "../support/fleet-world.ts";

describe("a server slot", () => {
  it("gets another server at once, and then after longer and longer", () => {
    const slot = new Slot(0);
    const waits = Array.from({ length: 10 }, () => slot.died(50, 1_000));
    assert.deepEqual(waits, [0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
    assert.deepEqual([slot.mayStart(10_999), slot.mayStart(11_000)], [false, true]);
  });

  it("gets another at once again when one has lived for long", () => {
    const slot = new Slot(0);
    slot.died(50, 0);
    slot.died(50, 0);
    assert.equal(slot.died(10_000, 60_000), 0);
    assert.equal(slot.mayStart(60_000), true);
  });
});

const resident = (name: string) =>
  ({ name: `${name}-r0`, spec: spec(name, {}, `${name}1`) }) as unknown as Resident;
/** A server that was to be born with threads of `a` and `b`, and said these names as it ended. */
const unstarted = (...failed: string[]) => ({
  process: { failedResidents: new Set(failed) },
  residents: [resident("a"), resident("b")],
});

describe("a server that does not start", () => {
  it("and names a thread makes that one's version resident no more", () => {
    const distrust = new Distrust();
    assert.deepEqual(
      distrust.blame(unstarted("b-r0"), 0).map(({ revision }) => revision),
      ["b1"],
    );
    assert.deepEqual([distrust.trusts("a1", 0), distrust.trusts("b1", 1e9)], [true, false]);
    assert.deepEqual(distrust.blame(unstarted("b-r0"), 1), [], "it is said twice");
    distrust.forget("b1");
    assert.equal(distrust.trusts("b1", 1), true);
  });

  it("and names none makes all its versions loaded ones for a minute", () => {
    const distrust = new Distrust();
    assert.equal(distrust.blame(unstarted(), 0).length, 2);
    assert.deepEqual(distrust.blame(unstarted(), 10), [], "it is said twice");
    assert.deepEqual([distrust.trusts("a1", 59_999), distrust.trusts("a1", 60_000)], [false, true]);
  });

  it("after that minute makes them loaded ones for another", () => {
    const distrust = new Distrust();
    distrust.blame(unstarted(), 0);
    assert.equal(distrust.blame(unstarted(), 60_000).length, 2);
    assert.equal(distrust.trusts("a1", 60_001), false);
  });
});
