/** The entry of a function stays as long as its configuration says the same. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadProject } from "../../scheduler/config/load.ts";
import { FunctionRegistry } from "../../scheduler/deploy/registry.ts";
import { PROBE, temporaryFolder, writeProject } from "../support/node.ts";

describe("a function's entry", () => {
  it("stays when its configuration comes in another order, and is another with another value", async (test) => {
    const folder = await temporaryFolder(test);
    await writeProject({ functions: { a: PROBE } }, folder);
    const { functions } = await loadProject({ cwd: folder.dir });
    const config = { ...functions[0]!, vars: { ONE: "1", TWO: "2" } };
    const registry = new FunctionRegistry({ dev: false });
    const entry = registry.entryFor(config);
    registry.put(entry);
    assert.equal(registry.entryFor({ ...config, vars: { TWO: "2", ONE: "1" } }), entry);
    assert.notEqual(registry.entryFor({ ...config, vars: { ONE: "1", TWO: "3" } }), entry);
    await registry.dispose();
  });
});
