/** `npm run test:quick` runs what starts no process, and all of it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { quickTests, wayToProcess } from "../scripts/quick-tests.ts";

const quick = quickTests();

describe("the quick tests", () => {
  for (const file of [
    "test/policy/fleet.test.ts",
    "test/policy/routes-properties.test.ts",
    "test/dispatch/response-parser.test.ts",
    "test/http/vet.test.ts",
    "test/config/wrangler.test.ts",
    "test/simulate/simulation.test.ts",
    "test/quick-tests.test.ts",
  ])
    it(`have ${file}`, () => assert.ok(quick.includes(file)));

  for (const [file, way] of [
    // By itself, by what it is helped by, by a package, and by a room of the scheduler.
    ["test/server/launch.test.ts", "node:child_process"],
    ["test/server/recycle.test.ts", "node:child_process"],
    ["test/bundle/build.test.ts", "esbuild"],
    ["test/node/watching/page.test.ts", "node:child_process"],
    ["test/fidelity/fidelity.test.ts", "node:child_process"],
    ["test/house-rules.test.ts", "node:child_process"],
  ] as const)
    it(`do not have ${file}`, () => {
      assert.ok(!quick.includes(file));
      assert.equal(wayToProcess(file)?.at(-1), way);
    });
});
