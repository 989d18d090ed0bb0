/** The packed package: what is in it, and that it works where it is installed. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cp, mkdir, readFile, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Folder, makeFolder } from "./support/function.ts";
import { httpGet, until } from "./support/node.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const { version, dependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));

/** What packing takes from a clone. Packed in a copy, so that nothing else that uses dist/ is disturbed. */
const SOURCES = [
  "package.json",
  "README.md",
  "LICENSE",
  "bin",
  "packaging",
  "page",
  "runtime",
  "scheduler",
  "scripts",
  "templates",
];

async function npmPack(folder: Folder, ...options: string[]): Promise<string[]> {
  const { stdout } = await run("npm", ["pack", "--json", "--offline", ...options], { cwd: folder.dir });
  // The build before it may print as well.
  const [{ files }] = JSON.parse(stdout.slice(stdout.indexOf("[\n")));
  return files.map(({ path }: { path: string }) => path);
}

/** What `npm install <tarball>` makes, without a registry: the packages it needs come from this clone. */
async function install(tarball: string, folder: Folder): Promise<void> {
  const modules = join(folder.dir, "node_modules");
  await mkdir(join(modules, ".bin"), { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", modules]);
  await run("mv", [join(modules, "package"), join(modules, "dexter")]);
  await symlink("../dexter/bin/dexter.js", join(modules, ".bin/dexter"));
  for (const name of Object.keys(dependencies)) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(root, "node_modules", name), join(modules, name));
  }
}

describe("npm pack", () => {
  let clone: Folder;
  let target: Folder;
  let files: string[];

  before(async () => {
    clone = await makeFolder();
    target = await makeFolder();
    for (const name of SOURCES) await cp(join(root, name), join(clone.dir, name), { recursive: true });
    await symlink(join(root, "node_modules"), join(clone.dir, "node_modules"));
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
      (file) => !/^(?:bin|dist|packaging|templates)\/|^(?:package\.json|LICENSE|[A-Z]+\.md)$/.test(file),
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
    await install(join(clone.dir, `dexter-${version}.tgz`), target);
    const npx = (dir: string, ...args: string[]) =>
      run("npx", ["--offline", "dexter", ...args], { cwd: dir, timeout: 30_000 });
    assert.equal((await npx(target.dir, "--version")).stdout, `${version}\n`);
    await npx(target.dir, "init", "x");
    const dir = join(target.dir, "x");
    await readFile(join(dir, ".gitignore"), "utf8");

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
