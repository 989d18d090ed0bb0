import assert from "node:assert/strict";
import { test } from "node:test";
import { lateness } from "../../scheduler/dispatch/lateness.ts";

const limits = { responseTimeoutMs: 300, requestTimeoutMs: 1_000 };
const silent = { startedAtMs: 100, grantedAtMs: 200, firstByteAtMs: 0, isTunnel: false };

test("a request without a first byte is late from its grant on, not while it is in the queue", () => {
  assert.equal(lateness(silent, limits, 499), undefined);
  assert.equal(lateness(silent, limits, 500)?.kind, "response_timeout");
  assert.equal(lateness({ ...silent, grantedAtMs: 0 }, limits, 900), undefined);
});

test("a request that answers is late as a whole from its start on", () => {
  const answering = { ...silent, firstByteAtMs: 250 };
  assert.equal(lateness(answering, limits, 1_099), undefined);
  assert.equal(lateness(answering, limits, 1_100)?.kind, "request_timeout");
  assert.equal(lateness({ ...answering, isTunnel: true }, limits, 9_000), undefined);
});

test("0 sets no limit", () => {
  assert.equal(lateness(silent, { responseTimeoutMs: 0, requestTimeoutMs: 0 }, 9_000_000), undefined);
});
