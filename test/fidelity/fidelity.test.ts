/**
 * Every case must be observed alike under plain `workerd serve` and under dexter, over HTTP/1.1, HTTPS and HTTP/2. With
 * `FIDELITY_TARGET=plain` the suite compares plain workerd with itself, which shows that no case is flaky.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Case } from "./case.ts";
import { groups } from "./cases/index.ts";
import { CASE_DIFFERENCES } from "./differences.ts";
import { Session, type Target, withSession } from "./driver.ts";
import { type DexterTarget, type RunningTarget, startDexterTarget, startPlainTarget } from "./functions.ts";
import { speaks, translate } from "./protocols.ts";
import { startWitness, type Witness } from "./witness.ts";

const comparesWithItself = process.env.FIDELITY_TARGET === "plain";

describe("a handler behaves the same under plain workerd and in dexter's threads, loaded and resident", () => {
  let witness: Witness;
  let plain: RunningTarget;
  let again: RunningTarget;
  let loaded: DexterTarget;
  let resident: DexterTarget;
  let targets: readonly Target[];

  before(async () => {
    witness = await startWitness();
    plain = await startPlainTarget("plain workerd");
    if (comparesWithItself) {
      again = await startPlainTarget("plain workerd again");
      targets = [again];
    } else {
      [loaded, resident] = await Promise.all([
        startDexterTarget("dexter, loaded threads", "loaded"),
        startDexterTarget("dexter, resident threads", "resident"),
      ]);
      targets = [loaded, resident, resident.over("https1"), resident.over("http2")];
    }
  });

  after(async () => {
    for (const target of [again, resident, loaded, plain]) await target?.stop();
    await witness?.close();
  });

  const observe = (target: Target, { fn, run }: Case): Promise<unknown> => {
    const session = new Session(target, fn, witness.slot());
    return withSession(session, () => run(session));
  };

  const compare = ({ differs }: Case, seen: unknown, plainly: unknown, target: Target) => {
    const expected = translate(target.protocol, plainly);
    const asPlain = comparesWithItself || (target !== loaded && differs?.difference.only === "loaded");
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
          for (const target of targets.filter(({ protocol }) => speaks(protocol, one)))
            compare(one, await observe(target, one), expected, target);
        });
      }
    });
  }

  it("has compared threads of either kind", { skip: comparesWithItself }, async () => {
    assert.equal((await loaded.requests()).resident, 0);
    const { loaded: others, resident: own } = await resident.requests();
    assert(own > 1_000 && others === 0, `${own} requests in resident threads, ${others} in loaded ones`);
  });
});
