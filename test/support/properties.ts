/**
 * How properties are tested: with the same cases every time, so that a run tells of the change that is tested and of
 * nothing else. `PROPERTY_SEED` (a number, or "random") and `PROPERTY_RUNS` make it other cases, or more of them.
 */
import assert from "node:assert/strict";
import fc from "fast-check";

const SEED = 1;
const RUNS = 100;

const MOST = 2 ** 31 - 1;

/** A whole number from the environment, or `otherwise` if it is not set. Throws on anything else. */
function whole(name: string, otherwise: number, least: number): number {
  const text = process.env[name] ?? "";
  if (text === "") return otherwise;
  const value = Number(text);
  const isGood = Number.isInteger(value) && value >= least && value <= MOST;
  assert(isGood, `${name} is "${text}"; it must be a whole number from ${least} to ${MOST}`);
  return value;
}

function seed(): number {
  if (process.env.PROPERTY_SEED === "random") return Date.now() % MOST;
  return whole("PROPERTY_SEED", SEED, -MOST);
}

/**
 * Throws what makes the property fail in its smallest form, with the seed that finds it again.
 * @param runs how many cases, unless `PROPERTY_RUNS` says so
 */
export function assertProperty<T>(property: fc.IProperty<T>, runs = RUNS): void {
  fc.assert(property, {
    seed: seed(),
    numRuns: whole("PROPERTY_RUNS", runs, 1),
    includeErrorInReport: true,
  });
}
