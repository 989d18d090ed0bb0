/** Which changes of the settings restart the servers. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadProject } from "../../scheduler/config/load.ts";
import { needsRestart, supervisorSettings } from "../../scheduler/server/settings.ts";
import { temporaryFolder, writeProject } from "../support/node.ts";

describe("servers", () => {
  it("are restarted for another setting of theirs, and not for the order in which the settings stand", async (test) => {
    const folder = await temporaryFolder(test);
    await writeProject({ functions: {} }, folder);
    const { node } = await loadProject({ cwd: folder.dir, mayBeEmpty: true });
    const settings = (over = {}) => supervisorSettings({ ...node, ...over }, { dev: false });
    const before = settings();
    assert.equal(needsRestart(before, settings()), false);
    const reversed = Object.fromEntries(Object.entries(before).reverse()) as unknown as typeof before;
    assert.equal(needsRestart(before, reversed), false);
    assert.equal(
      needsRestart(before, { ...before, server: { ...before.server, v8Flags: ["--jitless"] } }),
      true,
    );
    assert.equal(needsRestart(before, settings({ numServers: node.numServers + 1 })), true);
    assert.equal(needsRestart(before, settings({ queueTimeoutMs: node.queueTimeoutMs + 1 })), false);
  });
});
