/**
 * Bad configurations and projects through the real command line: each ends with one clear error (what, where,
 * what to do), exit status 1, and leaves neither a process nor a lock behind.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, chown, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Bad, DATE, GOOD } from "../fixtures/bad-projects/case.ts";
import { CONFIGURATIONS } from "../fixtures/bad-projects/configuration.ts";
import { FUNCTIONS } from "../fixtures/bad-projects/functions.ts";
import { MACHINES } from "../fixtures/bad-projects/machine.ts";
import { COMMAND_FILE, processesIn, runDexter } from "../support/cli.ts";
import { startDexter } from "../support/dexter.ts";
import { type Folder, makeFolder } from "../support/function.ts";

/** Of "nobody" on most systems; any that owns nothing will do. */
const UNPRIVILEGED = 65_534;
const isRoot = process.getuid?.() === 0;

/** Whether a case that needs an ordinary user can be run: this is one, or such a user can run the program. */
const hasOrdinaryUser =
  !isRoot ||
  spawnSync(process.execPath, [COMMAND_FILE, "--version"], { uid: UNPRIVILEGED, gid: UNPRIVILEGED })
    .status === 0;

async function project({ files = {}, dexter }: Bad): Promise<Folder> {
  const all: Record<string, string | Uint8Array | null> = {
    "wrangler.toml": dexter === undefined ? DATE : `${DATE}[dexter]\n${dexter}\n`,
    "functions/hello.js": GOOD,
    ...files,
  };
  const given = Object.entries(all).filter(([, content]) => content !== null);
  return await makeFolder(Object.fromEntries(given) as Record<string, string>);
}

async function giveAway(folder: string, uid: number): Promise<void> {
  await chown(folder, uid, uid);
  for (const entry of await readdir(folder, { recursive: true })) await chown(join(folder, entry), uid, uid);
}

async function assertRefused(
  bad: Bad,
  command: string,
  folder: Folder,
  more: readonly string[],
): Promise<void> {
  const given = [...(bad.args ?? []), ...more];
  const isSet = given.some((arg) => arg.startsWith("listen="));
  const small = ["--set", "num_servers=1", ...(isSet ? [] : ["--set", "listen=127.0.0.1:0"])];
  const args = [command, ...(command === "check" ? [] : small), ...given];
  const uid = bad.unprivileged && isRoot ? UNPRIVILEGED : undefined;
  const { status, stdout, stderr } = await runDexter(args, { dir: folder.dir, ...(uid ? { uid } : {}) });
  const shown = `dexter ${args.join(" ")} ended with ${status} and said:\n${stdout}${stderr}`;
  assert.equal(status, 1, shown);
  const errors = stderr.split("\n").filter((line) => line.startsWith("dexter: "));
  assert.equal(errors.length, 1, `one error: ${shown}`);
  assert.doesNotMatch(
    stderr,
    /\bat .*(?:dist\/|node:internal|scheduler\/|host\.js)/,
    `its own stack: ${shown}`,
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no terminal is there to take them
  assert.doesNotMatch(stderr, /\u001b/, shown);
  for (const part of bad.says)
    assert.ok(typeof part === "string" ? stderr.includes(part) : part.test(stderr), `${part}: ${shown}`);
  assert.deepEqual(processesIn(folder.dir), [], shown);
  const data = join(folder.dir, ".dexter");
  for (const left of ["dexter.lock", "dexter.pid", "admin.sock", "run"])
    assert.ok(!existsSync(join(data, left)), `${left} stays behind`);
}

describe("a bad project is refused with one clear error", { concurrency: 2 }, () => {
  for (const bad of [...CONFIGURATIONS, ...FUNCTIONS, ...MACHINES]) {
    const skip = bad.skip || (bad.unprivileged && !hasOrdinaryUser && "no ordinary user can run dexter here");
    it(bad.title, { skip: skip || false }, async (test) => {
      const folder = await project(bad);
      test.after(async () => {
        await chmod(folder.dir, 0o755);
        await folder.remove();
      });
      if (bad.unprivileged && isRoot) await giveAway(folder.dir, UNPRIVILEGED);
      const more = (await bad.prepare?.(folder, test)) ?? [];
      for (const command of bad.by ?? ["check"]) await assertRefused(bad, command, folder, more);
    });
  }
});

describe("a second dexter", () => {
  it("does not start on the data directory of one that runs", async (test) => {
    const folder = await project({ title: "", says: [] });
    test.after(() => folder.remove());
    const first = await startDexter({ dir: folder.dir, args: ["--set", "num_servers=1"] });
    const second = await runDexter(["start", "--set", "listen=127.0.0.1:0"], { dir: folder.dir });
    assert.equal(second.status, 1);
    assert.match(
      second.stderr,
      new RegExp(`another dexter \\(process ${first.pid}\\) runs on this data directory`),
    );
    assert.equal((await fetch(`${first.url}/hello`)).status, 200, "the first one goes on");
    assert.equal(await first.stop(), 0);
    assert.ok(!existsSync(join(folder.dir, ".dexter/dexter.lock")));
  });
});
