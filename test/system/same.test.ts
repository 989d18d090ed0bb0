/** Settings are the same when they say the same. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isSame } from "../../scheduler/system/same.ts";

describe("settings", () => {
  for (const [title, a, b] of [
    ["in another order of keys", { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
    ["with a key that has no value", { a: 1, b: undefined }, { a: 1 }],
    ["in lists of objects", [{ a: 1, b: 2 }], [{ b: 2, a: 1 }]],
    ["of the same date", { at: new Date(7) }, { at: new Date(7) }],
    ["without a prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ["without a limit", { most: Number.POSITIVE_INFINITY }, { most: Number.POSITIVE_INFINITY }],
    ["of nothing", undefined, undefined],
  ] as const)
    it(`${title} are the same`, () => {
      assert.equal(isSame(a, b), true);
      assert.equal(isSame(b, a), true);
    });

  for (const [title, a, b] of [
    ["with another value", { a: { b: 1 } }, { a: { b: 2 } }],
    ["with a key more", { a: 1 }, { a: 1, b: 2 }],
    ["with null in place of nothing", { a: null }, { a: undefined }],
    ["with null in place of no limit", { most: null }, { most: Number.POSITIVE_INFINITY }],
    ["in another order of a list", ["a", "b"], ["b", "a"]],
    ["with an item more", ["a"], ["a", undefined]],
    ["of a list and an object", ["a"], { 0: "a" }],
    ["of another date", { at: new Date(7) }, { at: new Date(8) }],
    ["of a number and a text", { a: 1 }, { a: "1" }],
    ["and nothing", {}, undefined],
  ] as const)
    it(`${title} are not the same`, () => {
      assert.equal(isSame(a, b), false);
      assert.equal(isSame(b, a), false);
    });
});
