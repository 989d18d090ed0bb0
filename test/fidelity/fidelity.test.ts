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
import { type DexterTarget, type RunningTarget, startDexterTarget, startPlainTarget } from "./functions.ts";
import { startWitness, type Witness } from "./witness.ts";

const comparesWithItself = process.env.FIDELITY_TARGET === "plain";

describe("a handler behaves the same under plain workerd and in dexter's threads, loaded and resident", () => {
  let witness: Witness;
  let plain: RunningTarget;
  let again: RunningTarget;
  let loaded: DexterTarget;
  let resident: DexterTarget;

  before(async () => {
    witness = await startWitness();
    plain = await startPlainTarget("plain workerd");
    if (comparesWithItself) again = await startPlainTarget("plain workerd again");
    else {
      [loaded, resident] = await Promise.all([
        startDexterTarget("dexter, loaded threads", "loaded"),
        startDexterTarget("dexter, resident threads", "resident"),
      ]);
    }
  });

  after(async () => {
    for (const target of [again, resident, loaded, plain]) await target?.stop();
    await witness?.close();
  });

  const observe = (target: RunningTarget, { fn, run }: Case): Promise<unknown> => {
    const session = new Session(target, fn, witness.slot());
    return withSession(session, () => run(session));
  };

  const compare = ({ differs }: Case, seen: unknown, expected: unknown, target: RunningTarget) => {
    const asPlain = comparesWithItself || (target === resident && differs?.difference.only === "loaded");
    if (!differs || asPlain) return assert.deepEqual(seen, expected, target.name);
    assert.notDeepEqual(seen, expected, `${target.name}: no longer so: ${differs.difference.name}`);
    differs.holds(seen, expected);
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
          for (const target of comparesWithItself ? [again] : [loaded, resident])
            compare(one, await observe(target, one), expected, target);
        });
      }
    });
  }

  it("has compared threads of either kind", { skip: comparesWithItself }, async () => {
    assert.equal((await loaded.requests()).resident, 0);
    const { loaded: others, resident: own } = await resident.requests();
    assert(own > 400 && others === 0, `${own} requests in resident threads, ${others} in loaded ones`);
  });
});
