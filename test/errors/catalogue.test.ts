/** The catalogue of errors: each code once, with a message, in use, and a status where somebody is answered with it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { CATALOGUE, GROUPS } from "../../scheduler/errors/catalogue.ts";
import { DexterError, type ErrorCode } from "../../scheduler/errors.ts";
import { sources, withoutComments } from "../../scripts/house.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const codes = Object.keys(CATALOGUE) as ErrorCode[];
/** All code that may throw. */
const code = sources("scheduler")
  .filter((file) => !file.startsWith("scheduler/errors/"))
  .map((file) => withoutComments(readFileSync(join(root, file), "utf8")))
  .join("\n");

describe("the catalogue", () => {
  it("has each code in one group", () => {
    const grouped = Object.values(GROUPS).flatMap((kinds) => Object.keys(kinds));
    assert.deepEqual(grouped.sort(), [...codes].sort());
    for (const one of codes) assert.match(one, /^[A-Z]+(?:_[A-Z]+)*$/);
  });

  it("has no code that nobody throws", () => {
    for (const one of codes) assert.match(code, new RegExp(`(?<![!=]==\\s*)"${one}"`), one);
  });

  it("says what a message holds that others have written", () => {
    for (const [one, { message, advice }] of Object.entries(CATALOGUE))
      if (/^\{\w+\}$/.test(message)) assert.ok(advice, one);
  });

  it("has statuses of errors only", () => {
    for (const [one, { status = 500, admin = 500 }] of Object.entries(CATALOGUE))
      for (const each of [status, admin]) assert.ok(each >= 400 && each < 600, one);
  });
});

describe("an error", () => {
  it("fills the message from its details, and keeps its cause", () => {
    const cause = new Error("why");
    const error = new DexterError("LISTEN_FAILED", { address: "[::1]:80", reason: "no" }, { cause });
    assert.equal(error.message, "cannot listen on [::1]:80: no");
    assert.equal(error.cause, cause);
  });

  it("has a status only for those who can get it", () => {
    const statuses = (one: ErrorCode) => {
      const { status, adminStatus, exitStatus } = new DexterError(one);
      return [status, adminStatus, exitStatus];
    };
    assert.deepEqual(statuses("QUEUE_FULL"), [503, undefined, 1]);
    assert.deepEqual(statuses("BUILD_FAILED"), [500, 422, 1]);
    assert.deepEqual(statuses("STORE_FULL"), [undefined, 507, 1]);
    assert.deepEqual(statuses("LOCKED"), [undefined, undefined, 1]);
    assert.deepEqual(statuses("NO_TOPIC"), [undefined, undefined, 2]);
  });
});
