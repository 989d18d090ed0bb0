/** A start that is given up. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { loadProject } from "../../../scheduler/config/load.ts";
import { DexterError } from "../../../scheduler/errors.ts";
import { Logs } from "../../../scheduler/logs/logs.ts";
import { DexterNode } from "../../../scheduler/node/node.ts";
import { tracingSettings } from "../../../scheduler/tracing/settings.ts";
import { Tracer } from "../../../scheduler/tracing/tracer.ts";
import { cleanUp, PROBE, temporaryFolder, writeProject } from "../../support/node.ts";

describe("a start", () => {
  it("that was given up before it began does not begin", async (test) => {
    const folder = await temporaryFolder(test);
    const directives = { listen: "127.0.0.1:0", num_servers: 1, start_threads: 1 };
    await writeProject({ functions: { a: PROBE }, directives }, folder);
    const readProject = () => loadProject({ cwd: folder.dir });
    const project = await readProject();
    const logs = new Logs({ ...project.node, errorLog: `${folder.dir}/error.log` }, { dev: false });
    cleanUp(test, () => logs.close());
    const outcome = await DexterNode.start(project, {
      dev: false,
      logs,
      tracer: new Tracer(tracingSettings({}, "0", () => {}).sampler),
      readProject,
      onStop: () => {},
      signal: AbortSignal.abort(),
    }).catch((error: unknown) => error);
    if (outcome instanceof DexterNode) cleanUp(test, () => outcome.stop(false));
    assert(outcome instanceof DexterError);
    assert.equal(outcome.code, "STOPPING");
    assert.equal(existsSync(`${folder.dir}/.dexter`), false);
  });
});
