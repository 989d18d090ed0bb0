/** The lock file, where something else stands in its place. A lock that spins would hang: a process of its own tries. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";

const LOCK = new URL("../../scheduler/system/lock.ts", import.meta.url).href;
const TAKE = `
  const { takeLock } = await import(${JSON.stringify(LOCK)});
  try { takeLock(process.env.LOCK_PATH)(); console.log("taken"); } catch (error) { console.log(error.code, error.message); }`;

const CASES: Readonly<Record<string, (path: string) => unknown>> = {
  "a folder": (path) => mkdirSync(path),
  "a link to nowhere": (path) => symlinkSync("nowhere", path),
  "a link to itself": (path) => symlinkSync(path, path),
  "a pipe": (path) => spawnSync("mkfifo", [path]),
};

describe("a lock file that is no file", () => {
  for (const [what, make] of Object.entries(CASES)) {
    it(`is an error, and nothing is left: ${what}`, (test) => {
      const dir = mkdtempSync(join(tmpdir(), "dexter-lock-"));
      test.after(() => rmSync(dir, { recursive: true, force: true }));
      const path = join(dir, "dexter.lock");
      make(path);
      const { stdout, error } = spawnSync(
        process.execPath,
        ["--import", "tsx", "--input-type=module", "-e", TAKE],
        {
          env: { ...process.env, LOCK_PATH: path },
          encoding: "utf8",
          timeout: 20_000,
          killSignal: "SIGKILL",
        },
      );
      assert.equal(error, undefined, "it ended by itself");
      assert.match(stdout, /^DATA_DIR .*dexter\.lock.*it is no file; remove it, or name another place/);
      assert.deepEqual(readdirSync(dir), ["dexter.lock"]);
    });
  }
});
