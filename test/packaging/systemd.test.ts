/** The unit of systemd: what it allows, that dexter gets along with it, and that its configuration fits. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { loadProject } from "../../scheduler/config/load.ts";
import { duration } from "../../scheduler/config/values.ts";
import { COMMAND_FILE, runDexter } from "../support/cli.ts";
import { makeFolder } from "../support/function.ts";
import { cleanUp, httpGet, PROBE, temporaryFolder, until, writeProject } from "../support/node.ts";
import { needs } from "../support/programs.ts";

const run = promisify(execFile);
const folder = fileURLToPath(new URL("../../packaging/systemd", import.meta.url));
const file = join(folder, "dexter.service");
const unit = readFileSync(file, "utf8");
/** All values of a setting, in order. */
const all = (key: string) => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value!);
const one = (key: string) => {
  const [value, ...others] = all(key);
  assert.ok(value !== undefined && others.length === 0, `${key} must be there once`);
  return value;
};

describe("dexter.service", () => {
  it("is a unit as systemd wants it", { skip: needs("systemd-analyze") }, async (test) => {
    const installed = await makeFolder({
      "dexter.service": unit.replaceAll(/^(Exec\w+=)dexter /gm, `$1${COMMAND_FILE} `),
    });
    test.after(() => installed.remove());
    const { stdout, stderr } = await run("systemd-analyze", [
      "verify",
      join(installed.dir, "dexter.service"),
    ]);
    assert.equal(stdout + stderr, "");
  });

  const offline = needs(["systemd-analyze", "security", "--offline=true", file]);
  it("exposes no more than 2.0 of 10", { skip: offline }, async () => {
    const { stdout } = await run("systemd-analyze", ["security", "--offline=true", file]);
    const [, exposure] = /Overall exposure level for dexter\.service: ([\d.]+)/.exec(stdout) ?? [];
    assert.ok(Number(exposure) <= 2, stdout);
  });

  it("gives a stop the time that dexter may take", async () => {
    const { stopTimeoutMs } = (await installedProject()).node;
    const timeMs = duration().parse(one("TimeoutStopSec"));
    assert.ok(timeMs > 2 * stopTimeoutMs, "requests in progress, and what they leave to waitUntil");
  });

  it("hands its signals to the scheduler alone", () => assert.equal(one("KillMode"), "mixed"));

  it("starts, and reloads, with the configuration that comes with it", async () => {
    const { node } = await installedProject();
    const path = `/etc/${one("ConfigurationDirectory")}/wrangler.toml`;
    for (const command of [one("ExecStart"), one("ExecReload")])
      assert.ok(command.endsWith(`--config ${path}`));
    assert.equal(node.dataDir, `/var/lib/${one("StateDirectory")}`);
    for (const path of [node.pidFile, node.scoreBoardFile])
      assert.ok(path?.startsWith(`/run/${one("RuntimeDirectory")}/`), path);
    assert.ok(
      node.listen.every(({ port }) => port >= 1024) || one("AmbientCapabilities") === "CAP_NET_BIND_SERVICE",
    );
  });

  it("has commands that dexter knows", async () => {
    for (const command of [one("ExecStart"), one("ExecReload")]) {
      const [program, name, ...options] = command.split(" ");
      assert.equal(program, "dexter");
      const { stdout, status } = await runDexter([name!, "--help"], { dir: folder });
      assert.equal(status, 0);
      for (const option of options.filter((word) => word.startsWith("--")))
        assert.ok(stdout.includes(option));
    }
  });

  it("forbids no system call that dexter makes", {
    skip: needs(["strace", "-o", "/dev/null", "true"], "systemd-analyze"),
  }, async (test) => {
    const allowed = await allowedCalls();
    const made = await callsOf(test);
    assert.ok(made.includes("epoll_wait") && made.includes("execve"), made.join(" "));
    assert.deepEqual(
      made.filter((call) => !allowed.has(call)),
      [],
    );
  });
});

/** The configuration as it is where it is installed, with a function beside it. */
async function installedProject() {
  const etc = await makeFolder({
    "wrangler.toml": readFileSync(join(folder, "wrangler.toml")),
    "functions/hello.js": "export default { fetch: () => new Response() };",
  });
  try {
    const project = await loadProject({ cwd: etc.dir });
    assert.deepEqual(project.warnings, []);
    return project;
  } finally {
    await etc.remove();
  }
}

/** What the unit's SystemCallFilter comes to: the first one allows, and later ones add, or with ~ take away. */
async function allowedCalls(): Promise<Set<string>> {
  const { stdout } = await run("systemd-analyze", ["--no-pager", "syscall-filter"]);
  const groups = new Map<string, string[]>();
  let group = "";
  for (const line of stdout.split("\n")) {
    if (line.startsWith("@")) group = line.trim();
    else if (/^\s+[@\w]/.test(line)) groups.set(group, [...(groups.get(group) ?? []), line.trim()]);
  }
  const members = (name: string): string[] =>
    name.startsWith("@") ? (groups.get(name) ?? assert.fail(`${name} is no group`)).flatMap(members) : [name];
  const allowed = new Set<string>();
  for (const filter of all("SystemCallFilter")) {
    const names = filter.replace(/^~/, "").split(" ").flatMap(members);
    for (const name of names) allowed[filter.startsWith("~") ? "delete" : "add"](name);
  }
  return allowed;
}

/** Names of all system calls of a dexter, and of what it starts, that serves, reloads, serves and stops. */
async function callsOf(test: Parameters<typeof temporaryFolder>[0]): Promise<string[]> {
  const project = await temporaryFolder(test);
  const directives = { num_servers: 1, start_threads: 1, min_spare_threads: 1 };
  await writeProject({ functions: { probe: PROBE }, directives }, project);
  const report = join(project.dir, "calls");
  const strace = ["-f", "-qq", "-c", "-U", "name", "-o", report];
  const command = [process.execPath, COMMAND_FILE, "start", "--set", "listen=127.0.0.1:0"];
  const child = spawn("strace", [...strace, ...command], { cwd: project.dir });
  const exited = once(child, "exit");
  cleanUp(test, async () => {
    await runDexter(["stop", "--now"], { dir: project.dir });
    await exited;
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  const port = await until("it is ready", () => /ready on http:\/\/[\d.]+:(\d+)"/.exec(output)?.[1], 60_000);
  assert.equal((await httpGet(Number(port), "/probe")).status, 200);
  assert.equal((await runDexter(["reload"], { dir: project.dir })).status, 0);
  await until("the server is replaced", () => /server ended/.test(output), 30_000);
  assert.equal((await httpGet(Number(port), "/probe")).status, 200);
  assert.equal((await runDexter(["deploy"], { dir: project.dir })).status, 0);
  assert.equal((await runDexter(["stop"], { dir: project.dir })).status, 0);
  await exited;
  return readFileSync(report, "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => /^[a-z_\d]+$/.test(line) && line !== "syscall" && line !== "total");
}
