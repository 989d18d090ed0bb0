/** A scheduler that may open ports below 1024 keeps that from its servers. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, chownSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { COMMAND_FILE } from "../support/cli.ts";
import { cleanUp, httpGet, isAlive, PROBE, temporaryFolder, until, writeProject } from "../support/node.ts";
import { needs } from "../support/programs.ts";

const NOBODY = 65_534;
const BIND = "0000000000000400";
const NONE = "0000000000000000";
const root = process.getuid?.() === 0;
const GIVE = ["--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"];
const AS_NOBODY = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", ...GIVE, "--"];
/** Fails where this folder, or Node.js, is not for everybody to read. */
const COMMAND = [...AS_NOBODY, process.execPath, COMMAND_FILE];
const skip = root ? needs(["setpriv", ...COMMAND, "--version"]) : "only root can give capabilities";

async function freePort(): Promise<number> {
  for (let port = 1023; port > 0; port--) {
    const server = createServer();
    const open = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (open) return port;
  }
  assert.fail("every port below 1024 is taken");
}

function capabilitiesOf(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\w+)$`, "m").exec(status)?.[1];
  return { permitted: field("CapPrm"), effective: field("CapEff"), ambient: field("CapAmb") };
}

describe("an ambient capability", { skip }, () => {
  it("opens a port below 1024, and does not reach the servers", async (test) => {
    const folder = await temporaryFolder(test);
    await writeProject({ functions: { probe: PROBE }, directives: { num_servers: 1 } }, folder);
    for (const path of ["", "/functions", "/wrangler.toml", "/functions/probe.js"])
      chmodSync(folder.dir + path, 0o755);
    chownSync(folder.dir, NOBODY, NOBODY);
    const port = await freePort();
    const options = ["start", "--set", `listen=127.0.0.1:${port}`];
    const child = spawn("setpriv", [...COMMAND, ...options], { cwd: folder.dir });
    cleanUp(test, async () => {
      child.kill("SIGKILL");
      await until("it is gone", () => !isAlive(child.pid!));
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
    await until("it is ready", () => /dexter is ready on/.test(output) || child.exitCode !== null, 20_000);
    assert.match(output, /dexter is ready on/);
    assert.equal((await httpGet(port, "/probe")).status, 200);
    assert.deepEqual(capabilitiesOf(child.pid!), { permitted: BIND, effective: BIND, ambient: BIND });
    const pids = [...output.matchAll(/"pid":(\d+),"msg":"server is ready"/g)].map(([, pid]) => Number(pid));
    assert.equal(pids.length, 1, output);
    assert.deepEqual(capabilitiesOf(pids[0]!), { permitted: NONE, effective: NONE, ambient: NONE });
  });
});
