/** Which functions a project has, what each takes from the project, and what `.dev.vars` add. */
import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { test } from "node:test";
import { loadProject } from "../../scheduler/config/load.ts";
import { DATE, type Files, HANDLER, load, writeProject } from "../fixtures/config/project.ts";

test("finds modules and folders, and passes over what is no function", async (t) => {
  const { functions, root, warnings } = await load(t, {
    "wrangler.toml": DATE,
    "functions/a.ts": HANDLER,
    "functions/b.mjs": HANDLER,
    "functions/c/index.tsx": HANDLER,
    "functions/d/wrangler.jsonc": '{ "main": "src/d.js" }',
    "functions/d/src/d.js": HANDLER,
    "functions/e/wrangler.toml": 'name = "eee"',
    "functions/e/index.ts": HANDLER,
    "functions/f/lib.ts": "",
    "functions/_lib/index.ts": HANDLER,
    "functions/.cache/index.ts": HANDLER,
    "functions/node_modules/x/index.ts": HANDLER,
    "functions/a.test.ts": "",
    "functions/types.d.ts": "",
    "functions/_helper.ts": "",
    "functions/tsconfig.json": "{}",
    "functions/package.json": "{}",
    "functions/README.md": "",
    "functions/data.wasm": "",
  });
  assert.deepEqual(
    functions.map(({ name, main, catchAll }) => [name, relative(root, main), catchAll]),
    [
      ["a", "functions/a.ts", false],
      ["b", "functions/b.mjs", false],
      ["c", "functions/c/index.tsx", false],
      ["d", "functions/d/src/d.js", false],
      ["eee", "functions/e/index.ts", false],
    ],
  );
  assert.deepEqual(
    functions.map((each) => [relative(root, each.root), each.configPath && relative(root, each.configPath)]),
    [
      ["", undefined],
      ["", undefined],
      ["functions/c", undefined],
      ["functions/d", "functions/d/wrangler.jsonc"],
      ["functions/e", "functions/e/wrangler.toml"],
    ],
  );
  assert.deepEqual(warnings, [
    'functions/f: is not a function: add an index.ts or a wrangler.toml, or start its name with "_" if it is not one',
  ]);
});

test("takes functions from the folder that is set, symbolic links included", async (t) => {
  const cwd = await writeProject(t, {
    "wrangler.toml": `${DATE}\n[dexter]\nfunctions = "api"`,
    "elsewhere/index.ts": HANDLER,
    "api/b.ts": HANDLER,
  });
  await symlink(join(cwd, "elsewhere"), join(cwd, "api/a"));
  await symlink(join(cwd, "gone.ts"), join(cwd, "api/gone.ts"));
  const { functions } = await loadProject({ cwd });
  assert.deepEqual(
    functions.map(({ name }) => name),
    ["a", "b"],
  );
});

test("adds the folder's functions to main, which gets the rest, and counts none twice", async (t) => {
  const { functions } = await load(t, {
    "wrangler.toml": `name = "app"\nmain = "functions/index.ts"\n${DATE}`,
    "functions/index.ts": HANDLER,
    "functions/a.ts": HANDLER,
  });
  assert.deepEqual(
    functions.map(({ name, catchAll }) => [name, catchAll]),
    [
      ["app", true],
      ["a", false],
    ],
  );
});

test("names a main without a name after its folder", async (t) => {
  const cwd = await writeProject(t, {
    "My App_2/wrangler.toml": `main = "i.ts"\n${DATE}`,
    "My App_2/i.ts": HANDLER,
  });
  const { functions } = await loadProject({ cwd: join(cwd, "My App_2") });
  assert.equal(functions[0]!.name, "my-app-2");
});

const SHARED: Files = {
  "wrangler.toml": `${DATE}
compatibility_flags = ["nodejs_compat"]
minify = true
vars = { A = "project", B = "project" }
define = { X = "1" }
alias = { lib = "./lib.ts" }
build = { command = "make" }
[[rules]]
type = "Text"
globs = ["**/*.md"]
[dexter]
min_spare_threads = 2
max_spare_threads = 3
concurrency = 4`,
  "functions/plain.ts": HANDLER,
  "functions/own/index.ts": HANDLER,
  "functions/own/wrangler.toml": `compatibility_date = "2026-02-02"
compatibility_flags = []
route = "own.example/*"
vars = { B = "own", C = "own" }
define = { Y = "2" }
[[rules]]
type = "Data"
globs = ["**/*.md"]
[dexter]
MinSpareThreads = 6
idle_timeout = "1m"
[env.live.dexter]
idle_timeout = "2m"
[env.live.vars]
D = "live"`,
};

test("gives the folder's functions the project's settings as defaults", async (t) => {
  const { functions, root, warnings } = await load(t, SHARED);
  const [own, plain] = functions;
  assert.equal(plain!.compatibilityDate, "2026-01-01");
  assert.deepEqual(plain!.compatibilityFlags, ["nodejs_compat"]);
  assert.deepEqual(plain!.vars, { A: "project", B: "project" });
  assert.deepEqual(plain!.build, {
    rules: [{ type: "Text", globs: ["**/*.md"], fallthrough: false }],
    define: { X: "1" },
    alias: { lib: join(root, "lib.ts") },
    minify: true,
    keepNames: true,
    noBundle: false,
  });
  assert.equal(own!.compatibilityDate, "2026-02-02");
  assert.deepEqual(own!.compatibilityFlags, []);
  assert.deepEqual(own!.vars, { A: "project", B: "own", C: "own" });
  assert.deepEqual(own!.routes, ["own.example/*"]);
  assert.deepEqual(own!.build.define, { X: "1", Y: "2" });
  assert.deepEqual(
    own!.build.rules.map(({ type }) => type),
    ["Data", "Text"],
  );
  assert.deepEqual(warnings, ["wrangler.toml:7: build: runs for main, and there is none; it is ignored"]);
});

test("lets a function's own table override the thread settings", async (t) => {
  const { functions } = await load(t, SHARED);
  const [own, plain] = functions;
  assert.deepEqual(plain!.threads, {
    startThreads: 3,
    minSpareThreads: 2,
    maxSpareThreads: 3,
    concurrency: 4,
    idleTimeoutMs: 300_000,
  });
  assert.deepEqual(own!.threads, {
    startThreads: 3,
    minSpareThreads: 6,
    maxSpareThreads: 12,
    concurrency: 4,
    idleTimeoutMs: 60_000,
  });
});

test("uses an environment of a function's own file where it has one", async (t) => {
  const files = { ...SHARED, "wrangler.toml": `${SHARED["wrangler.toml"]}\n[env.live]\n[env.test]` };
  const [live] = (await load(t, files, { envName: "live" })).functions;
  assert.equal(live!.name, "own");
  assert.equal(live!.threads.idleTimeoutMs, 120_000);
  assert.deepEqual(live!.vars, { D: "live" });
  const [other] = (await load(t, files, { envName: "test" })).functions;
  assert.equal(other!.threads.idleTimeoutMs, 60_000);
  assert.deepEqual(other!.vars, { B: "own", C: "own" });
});

const SECRETS: Files = {
  "wrangler.toml": `main = "index.ts"\n${DATE}\nvars = { A = "file", B = "file" }\n[env.live]\nvars = { A = "file" }`,
  ".dev.vars":
    "# comment\nexport A=1\nC=\"two # 2\\nlines\"\nD='single # quoted' # comment\nE=plain # comment\n",
  ".dev.vars.live": "A=live",
  "index.ts": HANDLER,
  "functions/f/index.ts": HANDLER,
  "functions/f/.dev.vars": "A=own",
};

test("merges .dev.vars over vars in dev, the function's own last", async (t) => {
  const { functions, watchFiles, root } = await load(t, SECRETS, { dev: true });
  const shared = { B: "file", C: "two # 2\nlines", D: "single # quoted", E: "plain" };
  assert.deepEqual(functions[0]!.vars, { A: "1", ...shared });
  assert.deepEqual(functions[1]!.vars, { A: "own", ...shared });
  assert.deepEqual(
    watchFiles.map((path) => relative(root, path)),
    ["wrangler.toml", ".dev.vars", "functions/f/.dev.vars"],
  );
});

test("takes .dev.vars.<env> instead of .dev.vars, like wrangler", async (t) => {
  const { functions, watchFiles, root } = await load(t, SECRETS, { dev: true, envName: "live" });
  assert.deepEqual(functions[0]!.vars, { A: "live" });
  assert.deepEqual(
    watchFiles.slice(0, 3).map((path) => relative(root, path)),
    ["wrangler.toml", ".dev.vars.live", ".dev.vars"],
  );
});

test("leaves .dev.vars alone outside dev", async (t) => {
  const { functions, watchFiles } = await load(t, SECRETS);
  assert.deepEqual(functions[0]!.vars, { A: "file", B: "file" });
  assert.equal(watchFiles.length, 1);
});

test("watches the files that functions are configured by", async (t) => {
  const { watchFiles, root } = await load(t, SHARED);
  assert.deepEqual(
    watchFiles.map((path) => relative(root, path)),
    ["wrangler.toml", "functions/own/wrangler.toml"],
  );
});

test("freezes the project throughout", async (t) => {
  const project = await load(t, SHARED);
  const seen: unknown[] = [project];
  for (const value of seen) {
    if (typeof value !== "object" || value === null) continue;
    assert.ok(Object.isFrozen(value));
    seen.push(...Object.values(value));
  }
  assert.ok(seen.length > 50);
});
