/** The packed package: what is in it, and that it works where it is installed. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, readFile, rename, rm } from "node:fs/promises";
import { builtinModules } from "node:module";
import { dirname, join, normalize } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { build } from "esbuild";
import { configurationSchema } from "../../scheduler/config/json-schema.ts";
import { type Folder, makeFolder } from "../support/function.ts";
import { httpGet, until } from "../support/node.ts";
import {
  cloneForPacking,
  DEPENDENCIES,
  layOut,
  npmPack,
  PACKAGE_VERSION,
  TARBALL,
} from "../support/packed.ts";

const run = promisify(execFile);
const SCHEMA_TITLE = configurationSchema().title;

/** What is in dist/, but for the files of the commands and what they share. */
const BUILT = [
  "THIRD-PARTY-NOTICES.md",
  "dexter.js",
  "dexter.js.map",
  "page/index.html",
  "page/page.css",
  "page/page.js",
  "runtime/console.js",
  "runtime/fetch.js",
  "runtime/host.js",
  "runtime/prelude.js",
  "runtime/turn.js",
].map((file) => `dist/${file}`);
const PART = /^dist\/[a-z-]+-[A-Z\d]{8}\.js(?:\.map)?$/;
/** No part of the package: it extends a file that only a clone has. */
const LEFT_OUT = "functions/tsconfig.json";
/** Beside the binaries for the machine, of which npm chooses one of each kind. */
const MOST_PACKAGES = 6;

describe("npm pack", () => {
  let clone: Folder;
  let target: Folder;
  let files: string[];
  /** The folder of the package, as it is installed. */
  let installed: string;

  before(async () => {
    clone = await cloneForPacking();
    target = await makeFolder();
    files = await npmPack(clone);
    const modules = join(target.dir, "node_modules");
    await layOut(join(clone.dir, TARBALL), modules, join(modules, ".bin"));
    installed = join(modules, "dexter");
  });
  after(() => Promise.all([clone, target].map((folder) => folder.remove())));

  const textOf = (file: string) => readFileSync(join(installed, file), "utf8");
  const below = (folder: string) =>
    readdirSync(join(clone.dir, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(clone.dir.length + 1));

  it("has what runs, and nothing else", () => {
    const documents = readdirSync(clone.dir).filter((name) => name.endsWith(".md"));
    const folders = ["bin", "docs", "functions", "packaging", "templates"].flatMap(below);
    const wanted = ["package.json", "LICENSE", ...documents, ...folders, ...BUILT];
    assert.deepEqual(
      files.filter((file) => !PART.test(file)).sort(),
      wanted.filter((file) => file !== LEFT_OUT).sort(),
    );
    const parts = files.filter((file) => PART.test(file));
    // Each of another content, and none from an earlier build.
    const named = parts.map((file) => file.replace(/-[A-Z\d]{8}\./, "."));
    assert.deepEqual(
      named.filter((file, at) => !file.startsWith("dist/chunk.") && named.indexOf(file) !== at),
      [],
    );
    for (const file of parts.filter((name) => name.endsWith(".js")))
      assert.ok(files.includes(`${file}.map`), file);
  });

  it("holds the same without scripts, as long as dist/ has been built", async () => {
    assert.deepEqual((await npmPack(clone, "--ignore-scripts")).sort(), [...files].sort());
  });

  it("depends on the packages that dist/ loads, and on no others", async () => {
    const loaded = await packagesLoadedBy(join(installed, "dist/dexter.js"));
    assert.deepEqual([...new Set(loaded)].sort(), [...DEPENDENCIES].sort());
  });

  it(`brings at most ${MOST_PACKAGES} packages, beside the platform's binaries`, () => {
    const { packages } = JSON.parse(readFileSync(join(clone.dir, "package-lock.json"), "utf8")) as {
      packages: Record<string, { dev?: boolean; optional?: boolean }>;
    };
    const brought = Object.entries(packages).filter(([path, { dev, optional }]) => path && !dev && !optional);
    assert.ok(brought.length <= MOST_PACKAGES, brought.map(([path]) => path).join(" "));
  });

  const notices = () => textOf("dist/THIRD-PARTY-NOTICES.md");

  it("has the notice of every package whose code is in dist/", () => {
    // A source map names every file that a part was made of.
    const sources = files
      .filter((file) => file.endsWith(".js.map"))
      .flatMap((file) => JSON.parse(textOf(file)).sources as string[]);
    const bundled = sources.flatMap(
      (source) => /.*\bnode_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? [],
    );
    assert.ok(bundled.length > 0);
    assert.deepEqual(packagesIn(notices()), [...new Set(bundled)].sort());
    for (const part of notices().split(/^## /m).slice(1))
      assert.match(part, /^\S+ \d\S+\n\nLicense: \S.*\n\n(?:```text\n[\s\S]*Copyright|Author: \S)/i);
  });

  it("has documents whose links lead to a file of the package", () => {
    for (const file of files.filter((name) => name.endsWith(".md")))
      for (const [, link] of textOf(file).matchAll(
        /\]\((?!https?:|#)([^)\s#]+)[^)]*\)|(?:src|href)="(?!https?:|#)([^"#]+)/g,
      ))
        assert.ok(existsSync(join(installed, normalize(join(dirname(file), link!)))), `${file}: ${link}`);
  });

  it("works where it is installed: npx dexter init, dev, stop", async (test) => {
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
});

describe("without dist/", () => {
  const version = (folder: Folder) => run(process.execPath, [join(folder.dir, "bin/dexter.js"), "--version"]);
  let clone: Folder;
  before(async () => {
    clone = await cloneForPacking();
  });
  after(() => clone.remove());

  it("a clone without its packages says how to get them", async () => {
    const [modules, aside] = ["node_modules", "aside"].map((name) => join(clone.dir, name)) as [
      string,
      string,
    ];
    await rename(modules, aside);
    await assert.rejects(version(clone), {
      code: 1,
      stderr:
        "dexter: not built yet, and the packages that the build needs are missing; run `npm ci` in its folder\n",
    });
    await rename(aside, modules);
  });

  it("a clone is built, and runs", async () => {
    const first = await version(clone);
    assert.equal(first.stdout, `${PACKAGE_VERSION}\n`);
    assert.equal(first.stderr, "dexter: not built yet; building dist/\n");
    assert.equal((await version(clone)).stderr, "");
  });

  it("a clone that cannot be built says so", async () => {
    await rm(join(clone.dir, "dist"), { recursive: true, force: true });
    const main = join(clone.dir, "scheduler/main.ts");
    await rename(main, `${main}.aside`);
    await assert.rejects(version(clone), (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 1);
      assert.match(
        error.stderr,
        /^dexter: not built yet; building dist\/\n[\s\S]*\ndexter: the build failed\n$/,
      );
      return true;
    });
  });

  it("an installed package says that it is not complete", async () => {
    const folder = await makeFolder();
    try {
      for (const part of ["bin", "package.json"])
        await cp(join(clone.dir, part), join(folder.dir, part), { recursive: true });
      await assert.rejects(version(folder), {
        code: 1,
        stderr: "dexter: the package is not complete: its folder dist/ is missing; install it again\n",
      });
    } finally {
      await folder.remove();
    }
  });
});

/** Names of the packages that the notices are about. */
function packagesIn(notices: string): string[] {
  return [...notices.matchAll(/^## (\S+) \d/gm)].map(([, name]) => name!).sort();
}

/** Names of the packages that a program and its parts import, at once or later. */
async function packagesLoadedBy(program: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [program],
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    write: false,
    metafile: true,
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  return imports
    .map(({ path }) => /^(?:@[^/]+\/)?[^/]+/.exec(path)![0])
    .filter((name) => !name.startsWith("node:") && !builtinModules.includes(name));
}
