/** What comes of a thread's load, and who is blamed when it fails. No processes. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Thread } from "../../scheduler/policy/thread.ts";
import { LoadError } from "../../scheduler/server/load-error.ts";
import { Outcomes } from "../../scheduler/server/outcomes.ts";
import { FleetWorld, spec } from "../support/fleet-world.ts";

/** A fleet with one server open and a request that waits for its thread, which starts. */
function waiting(isLasting: boolean) {
  const world = new FleetWorld();
  const blamed: Thread[] = [];
  const outcomes = new Outcomes(world.fleet, {
    payload: () => undefined,
    onLoaded() {},
    onLoadFailed: (thread) => void blamed.push(thread),
    isLasting: (key) => key !== 1 || isLasting,
    wake() {},
  });
  world.promote(spec("a"));
  world.addServer(1);
  world.open(1);
  const [thread] = [...world.loading] as [Thread];
  const call = world.arrive("a");
  const fail = () => {
    world.loading.delete(thread);
    world.living.get(1)!.delete(thread);
    outcomes.failed(thread, new LoadError("a", "it throws"));
  };
  return { world, outcomes, blamed, thread, call, fail };
}

describe("a load that fails", () => {
  it("in a server that lasts is the version's fault, and ends the wait", async () => {
    const { outcomes, blamed, thread, call, fail } = waiting(true);
    const outcome = outcomes.of(thread);
    fail();
    await assert.rejects(outcome, { code: "LOAD_FAILED" });
    assert.deepEqual(blamed, [thread]);
    assert.equal(call.fate, "load-failed");
  });

  it("in a server that is about to end is nobody's fault: what waits gets a thread of another server", async () => {
    const { world, outcomes, blamed, thread, call, fail } = waiting(false);
    const outcome = outcomes.of(thread);
    world.fleet.drain(1, world.nowMs);
    fail();
    assert.equal(await outcome, "lost");
    assert.deepEqual(blamed, []);
    assert.equal(call.fate, "waiting");

    world.addServer(2, {}, 0);
    world.open(2);
    for (const started of [...world.loading]) world.loaded(started);
    assert.equal(call.fate, "granted");
    assert.equal(call.thread?.server, 2);
  });
});
