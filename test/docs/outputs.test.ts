/** What the documents show of a terminal is what the program prints, but for what varies from run to run. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { COMMAND_FILE, runDexter } from "../support/cli.ts";
import { startDexter } from "../support/dexter.ts";
import { httpGet, temporaryFolder, until } from "../support/node.ts";
import { pattern, type Shown, shownIn } from "../support/pages.ts";
import { needs } from "../support/programs.ts";
import { Terminal } from "../support/terminal.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** In the order in which a reader may follow them: each goes on where the one before has ended. */
const PAGES = ["README.md", "docs/deploying.md", "docs/secrets.md", "docs/admin-api.md"];
/** The one command that does not end. */
const START = "npm start";

const shown = (await Promise.all(PAGES.map(shownIn))).flat();

/** A folder of commands that stand for what is installed. */
async function commandsIn(dir: string): Promise<string> {
  const bin = join(dir, "bin");
  await mkdir(bin);
  for (const [name, skipped] of [
    ["dexter", ""],
    ["npx", "shift; "],
  ]) {
    await writeFile(
      join(bin, name!),
      `#!/bin/sh\n${skipped}exec "${process.execPath}" "${COMMAND_FILE}" "$@"\n`,
    );
    await chmod(join(bin, name!), 0o755);
  }
  return bin;
}

function type({ command }: Shown, dir: string, bin: string): Promise<string> {
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  return new Promise((resolve, reject) =>
    execFile("bash", ["-c", `{ ${command}; } 2>&1`], { cwd: dir, env, timeout: 60_000 }, (error, stdout) =>
      error ? reject(new Error(`${command}: ${error.message}\n${stdout}`)) : resolve(stdout),
    ),
  );
}

/** A project as `dexter init` makes it, with a node, and one request to it. */
async function project(test: TestContext): Promise<{ dir: string; bin: string }> {
  const { dir } = await temporaryFolder(test);
  const bin = await commandsIn(dir);
  await runDexter(["init", "my-site"], { dir });
  const site = join(dir, "my-site");
  const dexter = await startDexter({ dir: site, args: ["--set", "num_servers=2"] });
  test.after(() => dexter.stop("SIGINT"));
  await httpGet(dexter.port, "/hello");
  await until("the threads have been loaded", async () => (await dexter.status()).totals.starting === 0);
  return { dir: site, bin };
}

describe("what the documents show of a terminal", () => {
  it("is printed by the program", async (test) => {
    const { dir, bin } = await project(test);
    const commands = shown.filter(({ command }) => command !== START);
    assert.ok(commands.length > 10);
    for (const one of commands) {
      const printed = await type(one, dir, bin);
      assert.equal(pattern(printed), pattern(one.output), `${one.page}: $ ${one.command}`);
    }
  });

  it("of npm start is what it ends with on a terminal", { skip: needs("bash", "script") }, async (test) => {
    const { dir } = await temporaryFolder(test);
    const [one] = shown.filter(({ command }) => command === START);
    const settings = `--set listen=127.0.0.1:0 --set data_dir=${join(dir, "data")} --set num_servers=2`;
    // As npm calls it, which is how it knows what to advise.
    const env = { ...process.env, NO_COLOR: "1", npm_execpath: "npm" };
    const shell = Terminal.open(test, { cwd: root, env });
    const typed = shell.type(`script -qec "stty cols 120; '${COMMAND_FILE}' start ${settings}" /dev/null`);
    await shell.shows(/^state of servers and threads.*$/m);
    const stopped = await runDexter(["stop", "--set", `data_dir=${join(dir, "data")}`], { dir: root });
    assert.equal(stopped.status, 0, stopped.stderr);
    const { output } = await typed;
    const text = output.replaceAll("\r", "");
    const from = text.indexOf("\nfunction ");
    const end = text.indexOf("\n", text.indexOf("state of servers and threads"));
    assert.equal(pattern(text.slice(from, end)), pattern(one!.output));
  });
});
