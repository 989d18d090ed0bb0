/** `dexter init` writes a project that runs as it is, and never touches what is there already. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { access, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { parse } from "smol-toml";
import { initProject, projectName } from "../../scheduler/cli/template.ts";
import { DexterError } from "../../scheduler/errors.ts";
import { COMMAND_FILE, runDexter } from "../support/cli.ts";
import { startWorkerd } from "../support/workerd.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const SCHEMA = "docs/dexter.schema.json";
const TEMPLATE = [
  ".dev.vars.example",
  ".gitignore",
  "README.md",
  "functions/hello.ts",
  "functions/index.ts",
  "package.json",
  "tsconfig.json",
  "wrangler.toml",
];

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "init-"));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

test("writes the template into a new folder, named after it", async () => {
  const directory = join(scratch, "deep", "My Site");
  assert.deepEqual(await initProject(directory), { directory, files: TEMPLATE });
  assert.deepEqual(await listFiles(directory), TEMPLATE);

  assert.equal(parse(await read(directory, "wrangler.toml")).name, "my-site");
  assert.equal(JSON.parse(await read(directory, "package.json")).name, "my-site");
  for (const file of TEMPLATE) assert.doesNotMatch(await read(directory, file), /\{\{/, file);
});

test("names the schema that an editor checks the configuration with, where the package will be", async () => {
  const packed = JSON.parse(await read(root, "package.json"));
  assert.ok(packed.files.some((entry: string) => SCHEMA.startsWith(entry)));
  await access(join(root, SCHEMA));
  await initProject(scratch);
  const [first] = (await read(scratch, "wrangler.toml")).split("\n");
  assert.equal(first, `#:schema ./node_modules/${packed.name}/${SCHEMA}`);
});

test("names the schema of the package that is installed above the project", async () => {
  const home = join(scratch, "node_modules", "dexter");
  const { initProject: installed } = await bundledInto(home);
  const places = { site: "../", "deep/down": "../../", ".": "./" };
  for (const [place, up] of Object.entries(places)) {
    const directory = join(scratch, place);
    await installed(directory, { force: true });
    const [first] = (await read(directory, "wrangler.toml")).split("\n");
    assert.equal(first, `#:schema ${up}node_modules/dexter/${SCHEMA}`);
  }
});

test("takes an empty folder, and one with only a git repository in it", async () => {
  await initProject(scratch);
  const repository = join(scratch, "repository");
  await mkdir(join(repository, ".git"), { recursive: true });
  assert.deepEqual((await initProject(repository)).files, TEMPLATE);
});

test("refuses a folder that is not empty and names what is in the way", async () => {
  for (const name of ["a", "b", "c", "d", "e", "f", "g"]) await writeFile(join(scratch, name), "");
  await assert.rejects(initProject(scratch), (error) => {
    assert.ok(error instanceof DexterError);
    assert.equal(error.code, "INIT_NOT_EMPTY");
    assert.match(error.message, new RegExp(`^${scratch} is not empty: a, b, c, d, e and 2 more; .*--force`));
    return true;
  });
  assert.equal((await readdir(scratch)).length, 7);
});

test("with force adds what is missing and overwrites nothing", async () => {
  await writeFile(join(scratch, "README.md"), "mine");
  const { files } = await initProject(scratch, { force: true });
  assert.deepEqual(
    files,
    TEMPLATE.filter((file) => file !== "README.md"),
  );
  assert.equal(await read(scratch, "README.md"), "mine");
  assert.deepEqual((await initProject(scratch, { force: true })).files, []);
});

test("says so when the target is a file", async () => {
  const file = join(scratch, "file");
  await writeFile(file, "");
  await assert.rejects(initProject(file), {
    code: "INIT_FAILED",
    message: new RegExp(`project to ${file}: `),
  });
});

test("makes a DNS label of any folder's name", () => {
  for (const [folder, name] of [
    ["site", "site"],
    ["/srv/My Site!", "my-site"],
    ["café_été", "cafe-ete"],
    ["--x--", "x"],
    ["...", "functions"],
    ["日本", "functions"],
    ["a".repeat(80), "a".repeat(63)],
    [`${"a".repeat(62)}-b`, "a".repeat(62)],
  ] as const) {
    assert.equal(projectName(folder), name);
  }
});

test("finds the template from a bundle beside its folder, as dist/dexter.js is", async () => {
  const { initProject: bundled } = await bundledInto(join(scratch, "package"));
  assert.deepEqual((await bundled(join(scratch, "project"))).files, TEMPLATE);
});

test("the project passes its own type check", async () => {
  await initProject(scratch);
  await symlink(join(root, "node_modules"), join(scratch, "node_modules"));
  await promisify(execFile)(process.execPath, [join(root, "node_modules/typescript/bin/tsc")], {
    cwd: scratch,
  });
});

test("the project's functions answer", async (t) => {
  await initProject(scratch);
  const settings = parse(await read(scratch, "wrangler.toml"));
  const services = await Promise.all(
    ["hello", "index"].map(async (name) => {
      const file = join(scratch, `${name}.js`);
      await build({ entryPoints: [join(scratch, `functions/${name}.ts`)], outfile: file, format: "esm" });
      const vars = settings.vars as Record<string, unknown>;
      return { name, vars, modules: [{ name: `${name}.js`, kind: "esModule" as const, file }] };
    }),
  );
  const workerd = await startWorkerd({
    services,
    compatibilityDate: settings.compatibility_date as string,
  });
  t.after(() => workerd.stop());

  const hello = await fetch(`http://127.0.0.1:${workerd.port("hello")}/hello?name=Ada`);
  assert.deepEqual(await hello.json(), { message: "Hello, Ada!", method: "GET", path: "/hello" });
  const index = `http://127.0.0.1:${workerd.port("index")}`;
  assert.match(await (await fetch(`${index}/`)).text(), /<h1>It runs\.<\/h1>/);
  assert.equal((await fetch(`${index}/nothing`)).status, 404);
});

test("npm packs every file of the template", async () => {
  const { stdout } = await promisify(execFile)("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: root,
  });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  const packed = files.map(({ path }) => path.replace(/^templates\/default\//, ""));
  for (const file of TEMPLATE) assert.ok(packed.includes(file.replace(".gitignore", "gitignore")), file);
});

test("says how to go on from a clone, and what it says works", async () => {
  const next = await nextOf("my site", "");
  assert.equal(next, `cd 'my site' && npm install ${root.replace(/\/$/, "")} && npx dexter dev`);

  // Its other packages would have to be fetched.
  const file = join(scratch, "my site", "package.json");
  const { devDependencies: _, ...own } = JSON.parse(await readFile(file, "utf8"));
  await writeFile(file, JSON.stringify(own));
  const { version } = JSON.parse(await read(root, "package.json"));
  const { stdout } = await promisify(execFile)("bash", ["-ec", next.replace(/dev$/, "--version")], {
    cwd: scratch,
    env: { ...process.env, npm_config_offline: "true", npm_config_audit: "false" },
  });
  assert.equal(stdout.trim().split("\n").at(-1), version);
});

test("says how to go on where dexter is a command of the shell", async () => {
  const bin = join(scratch, "bin");
  await linkedIn(bin);
  assert.equal(await nextOf("site", bin), "cd site && dexter dev");
  await mkdir(join(scratch, "here"));
  assert.equal(await nextOf(".", bin, join(scratch, "here")), "dexter dev");
});

test("says how to go on where dexter is installed above the project, as npx finds it", async () => {
  const bin = join(scratch, "node_modules/.bin");
  await linkedIn(bin);
  assert.equal(await nextOf("deep/site", bin), "cd deep/site && npx dexter dev");
});

test("takes no stranger of the name for dexter", async () => {
  const bin = join(scratch, "node_modules/.bin");
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, "dexter"), "#!/bin/sh\n", { mode: 0o755 });
  assert.match(await nextOf("one", bin), /^cd one && npm install \S+ && npx dexter dev$/);
  await cp(bin, join(scratch, "bin"), { recursive: true });
  assert.match(await nextOf("two", join(scratch, "bin")), /^cd two && npm install \S+ && npx dexter dev$/);
});

/** What `dexter init` says comes next, with `bin` first in the path. */
async function nextOf(target: string, bin: string, dir = scratch): Promise<string> {
  const env = { PATH: [...(bin ? [bin] : []), process.env.PATH].join(delimiter) };
  const { status, stdout, stderr } = await runDexter(["init", target], { dir, env });
  assert.equal(status, 0, stderr);
  return /Next:\n\n {2}(.*)\n/.exec(stdout)?.[1] ?? stdout;
}

async function linkedIn(bin: string): Promise<void> {
  await mkdir(bin, { recursive: true });
  await symlink(COMMAND_FILE, join(bin, "dexter"));
}

/** The command's code in a package, as it is installed. */
async function bundledInto(folder: string): Promise<{ initProject: typeof initProject }> {
  const bundle = join(folder, "dist", "dexter.js");
  await build({
    entryPoints: [join(root, "scheduler/cli/template.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
  });
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await cp(join(root, "templates"), join(folder, "templates"), { recursive: true });
  return import(bundle);
}

const read = (directory: string, file: string) => readFile(join(directory, file), "utf8");

async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}
