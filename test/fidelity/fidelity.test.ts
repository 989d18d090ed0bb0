/**
 * Every case must be observed alike under plain `workerd serve` and under dexter. With
 * `FIDELITY_TARGET=plain` the suite compares plain workerd with itself, which shows that no case is flaky.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Case } from "./case.ts";
import { groups } from "./cases/index.ts";
import { CASE_DIFFERENCES } from "./differences.ts";
import { Session, withSession } from "./driver.ts";
import { type RunningTarget, startDexterTarget, startPlainTarget } from "./functions.ts";
import { startWitness, type Witness } from "./witness.ts";

const comparesWithItself = process.env.FIDELITY_TARGET === "plain";

describe("a handler behaves the same under plain workerd and under dexter", () => {
  let witness: Witness;
  let plain: RunningTarget;
  let other: RunningTarget;

  before(async () => {
    witness = await startWitness();
    plain = await startPlainTarget("plain workerd");
    other = comparesWithItself
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

  it("differs in no other cases than those of the documented differences", () => {
    const shown = Object.values(groups)
      .flat()
      .flatMap(({ differs }) => differs?.difference ?? []);
    assert.deepEqual(new Set(shown), new Set(Object.values(CASE_DIFFERENCES)));
  });

  for (const [group, cases] of Object.entries(groups)) {
    describe(group, () => {
      for (const one of cases) {
        it(one.title, async () => {
          const expected = await observe(plain, one);
          one.proves(expected);
          const seen = await observe(other, one);
          if (!one.differs || comparesWithItself) return assert.deepEqual(seen, expected);
          assert.notDeepEqual(seen, expected, `no longer so: ${one.differs.difference.name}`);
          one.differs.holds(seen, expected);
        });
      }
    });
  }
});
