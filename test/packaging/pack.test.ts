/** The packed package: what is in it, and that it works where it is installed. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { configurationSchema } from "../../scheduler/config/json-schema.ts";
import { type Folder, makeFolder } from "../support/function.ts";
import { httpGet, until } from "../support/node.ts";
import { cloneForPacking, layOut, npmPack, PACKAGE_VERSION, TARBALL } from "../support/packed.ts";

const run = promisify(execFile);
const SCHEMA_TITLE = configurationSchema().title;

describe("npm pack", () => {
  let clone: Folder;
  let target: Folder;
  let files: string[];

  before(async () => {
    clone = await cloneForPacking();
    target = await makeFolder();
    files = await npmPack(clone);
  });
  after(() => Promise.all([clone, target].map((folder) => folder.remove())));

  it("has what runs, and nothing else", () => {
    for (const file of [
      "package.json",
      "README.md",
      "LICENSE",
      "bin/dexter.js",
      "dist/dexter.js",
      "docs/directives.md",
      "docs/dexter.schema.json",
      "dist/runtime/host.js",
      "dist/runtime/prelude.js",
      "dist/runtime/console.js",
      "packaging/systemd/dexter.service",
      "packaging/systemd/wrangler.toml",
      "packaging/docker/Dockerfile",
      "packaging/kubernetes/dexter.yaml",
      "templates/default/gitignore",
      "templates/default/.dev.vars.example",
      "templates/default/wrangler.toml",
      "templates/default/functions/index.ts",
    ])
      assert.ok(files.includes(file), `${file} is missing: ${files.join(" ")}`);
    const others = files.filter(
      (file) => !/^(?:bin|dist|docs|packaging|templates)\/|^(?:package\.json|LICENSE|[A-Z]+\.md)$/.test(file),
    );
    assert.deepEqual(others, []);
    assert.deepEqual(
      files.filter((file) => /\.tmp$|\.test\./.test(file)),
      [],
    );
  });

  it("holds the same without scripts, as long as dist/ has been built", async () => {
    assert.deepEqual((await npmPack(clone, "--ignore-scripts")).sort(), [...files].sort());
  });

  it("works where it is installed: npx dexter init, dev, stop", async (test) => {
    const modules = join(target.dir, "node_modules");
    await layOut(join(clone.dir, TARBALL), modules, join(modules, ".bin"));
    const npx = (dir: string, ...args: string[]) =>
      run("npx", ["--offline", "dexter", ...args], { cwd: dir, timeout: 30_000 });
    assert.equal((await npx(target.dir, "--version")).stdout, `${PACKAGE_VERSION}\n`);
    assert.match((await npx(target.dir, "init", "x")).stdout, / cd x && npx dexter dev\n/);
    const dir = join(target.dir, "x");
    await readFile(join(dir, ".gitignore"), "utf8");
    const [, schema] = /^#:schema (\S+)\n/.exec(await readFile(join(dir, "wrangler.toml"), "utf8"))!;
    assert.equal(JSON.parse(await readFile(join(dir, schema!), "utf8")).title, SCHEMA_TITLE);

    const dev = spawn("npx", ["--offline", "dexter", "dev", "--set", "listen=127.0.0.1:0"], { cwd: dir });
    test.after(() => dev.kill("SIGKILL"));
    let output = "";
    for (const stream of [dev.stdout, dev.stderr]) stream.on("data", (data) => (output += String(data)));
    const port = await until(
      "dexter dev is ready",
      () => /dexter is ready on http:\/\/127\.0\.0\.1:(\d+)\n/.exec(output)?.[1],
      30_000,
    ).catch((error) => assert.fail(`${error.message}\n${output}`));
    const answer = await httpGet(Number(port), "/hello");
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await npx(dir, "stop")).stdout, "stopped\n");
  });

  it("says what to do when it has not been built", async () => {
    await rm(join(clone.dir, "dist"), { recursive: true });
    await assert.rejects(run(process.execPath, [join(clone.dir, "bin/dexter.js"), "--version"]), {
      code: 1,
      stderr: "dexter: not built yet; run `npm run build` in its folder\n",
    });
  });
});
