/** What a function may take: its own limits, and those of the node for the rest. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { LimitsByFunction } from "../../scheduler/limits/function-limits.ts";
import type { FunctionLimits, FunctionSettings, NodeConfig } from "../../scheduler/types.ts";

const node = (maxBodyBytes: number) =>
  ({ limits: { ofFunctions: { maxBodyBytes, maxSockets: 5 } as FunctionLimits } }) as NodeConfig;
const functions = [{ name: "own", limits: { maxBodyBytes: 7 } }, { name: "other" }] as FunctionSettings[];

it("a function's own limits come before the node's, also after a change", () => {
  const limits = new LimitsByFunction(node(1));
  const bytes = () => ["own", "other", "unknown"].map((name) => limits.of(name).maxBodyBytes);
  assert.deepEqual(bytes(), [1, 1, 1]);
  limits.configure(functions, node(2));
  assert.deepEqual(bytes(), [7, 2, 2]);
  assert.equal(limits.of("own").maxSockets, 5);
  limits.configure([], node(3));
  assert.deepEqual(bytes(), [3, 3, 3]);
});
