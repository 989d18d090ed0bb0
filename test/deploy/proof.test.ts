/** What the failure of a proof is to whoever asked for the change. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pino } from "pino";
import type { ProofPorts } from "../../scheduler/deploy/proof.ts";
import { prove } from "../../scheduler/deploy/proof.ts";
import type { DeployedFunction } from "../../scheduler/deploy/registry.ts";
import { DexterError, type ErrorCode } from "../../scheduler/errors.ts";

const entry = { config: { name: "hello" } } as DeployedFunction;

/** Proves a version that fails in this way. */
function proofThat(code: ErrorCode): Promise<unknown> {
  const failure = new DexterError(code, { function: "hello", reason: "why" });
  const deployer = { prepare: () => Promise.reject(failure) } as unknown as ProofPorts["deployer"];
  const log = pino({ level: "silent" });
  return prove({ deployer, log, textOf: ({ message }) => `${message}, with its stack` }, entry, "a deploy");
}

describe("a proof that fails", () => {
  for (const code of ["BUILD_FAILED", "LOAD_FAILED", "NOT_WELL"] as const)
    it(`is the function's fault after ${code}`, async () => {
      await assert.rejects(proofThat(code), { code: "NOT_PROVED", message: /why, with its stack$/ });
    });

  for (const code of ["NO_ROOM", "PROOF_LOST", "STOPPING", "SECRETS_LOCKED", "SECRETS_DAMAGED"] as const)
    it(`is the node's matter after ${code}`, async () => {
      await assert.rejects(proofThat(code), { code });
    });
});
