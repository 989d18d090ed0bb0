/**
 * Every case must be observed alike under plain `workerd serve` and under dexter. With
 * `FIDELITY_TARGET=plain` the suite compares plain workerd with itself, which shows that no case is flaky.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Case } from "./case.ts";
import { groups } from "./cases/index.ts";
import { Session, withSession } from "./driver.ts";
import { type RunningTarget, startDexterTarget, startPlainTarget } from "./functions.ts";
import { startWitness, type Witness } from "./witness.ts";

describe("a handler behaves the same under plain workerd and under dexter", () => {
  let witness: Witness;
  let plain: RunningTarget;
  let other: RunningTarget;

  before(async () => {
    witness = await startWitness();
    plain = await startPlainTarget("plain workerd");
    other =
      process.env.FIDELITY_TARGET === "plain"
        ? await startPlainTarget("plain workerd again")
        : await startDexterTarget("dexter");
  });

  after(async () => {
    await other?.stop();
    await plain?.stop();
    await witness?.close();
  });

  const observe = (target: RunningTarget, { fn, run }: Case): Promise<unknown> => {
    const session = new Session(target, fn, witness.slot());
    return withSession(session, () => run(session));
  };

  for (const [group, cases] of Object.entries(groups)) {
    describe(group, () => {
      for (const one of cases) {
        it(one.title, async () => {
          const expected = await observe(plain, one);
          one.proves(expected);
          assert.deepEqual(await observe(other, one), expected);
        });
      }
    });
  }
});
