/** What a call of the admin API that failed is answered with, and whose fault that says it was. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HTTPException } from "hono/http-exception";
import { answerOf, isNodeFailure } from "../../scheduler/admin/answer.ts";
import { DexterError, type ErrorCode } from "../../scheduler/errors.ts";

const cases: readonly (readonly [code: ErrorCode, status: number, isFailure: boolean])[] = [
  // The call, or what it asks for, is wrong.
  ["CALL_INVALID", 400, false],
  ["USAGE", 400, false],
  ["FORBIDDEN", 403, false],
  ["NOT_PROVED", 422, false],
  ["CONFIG_INVALID", 422, false],
  // It may be made again later.
  ["NO_ROOM", 503, false],
  ["STOPPING", 503, false],
  // The node, its disk or its machine is wrong.
  ["STORE_FAILED", 500, true],
  ["STORE_FULL", 507, true],
  ["SECRET_KEY", 500, true],
  ["SECRETS_LOCKED", 500, true],
  ["SECRETS_DAMAGED", 500, true],
  ["FILE_UNWRITABLE", 500, true],
  ["SERVER_FAILED", 500, true],
  ["PORT_IN_USE", 500, true],
  ["VERSION_DAMAGED", 500, true],
  // Nobody foresaw that a call could meet it.
  ["LOCKED", 500, true],
];

describe("an error of a call", () => {
  for (const [code, status, isFailure] of cases)
    it(`${code} is answered with ${status}, ${isFailure ? "a failure of the node" : "a refusal"}`, () => {
      const error = new DexterError(code);
      const answer = answerOf(error);
      assert.equal(answer.status, status);
      assert.deepEqual(answer.body, { error: error.message, code });
      assert.equal(isNodeFailure(error), isFailure);
    });

  it("that is a bug is a failure of the node", () => {
    const bug = new TypeError("not foreseen");
    assert.deepEqual(answerOf(bug), {
      status: 500,
      headers: {},
      body: { error: "internal error: not foreseen", code: "INTERNAL" },
    });
    assert.equal(isNodeFailure(bug), true);
  });

  it("that the framework has refused is a refusal", () => {
    assert.equal(isNodeFailure(new HTTPException(400)), false);
    assert.equal(answerOf(new HTTPException(400)).status, 400);
  });
});
