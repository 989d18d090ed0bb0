/** wrangler's fields: what is supported, what is passed over, and what an environment changes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { NEWEST_COMPATIBILITY_DATE } from "../../scheduler/config/compatibility.ts";
import { DATE, HANDLER, load, loadToml } from "../fixtures/config/project.ts";

test("reads every supported field of a function", async (t) => {
  const { functions, root, warnings } = await load(t, {
    "src/main.ts": HANDLER,
    "tsconfig.test.json": "{}",
    "wrangler.toml": `
name = "shop"
main = "src/main.ts"
${DATE}
compatibility_flags = ["nodejs_compat"]
routes = ["shop.example/*", { pattern = "*.shop.example/api/*", zone_name = "shop.example" }, { pattern = "shop.test", custom_domain = true }]
minify = true
keep_names = false
no_bundle = true
tsconfig = "tsconfig.test.json"
[vars]
GREETING = "hello"
LIMITS = { max = 3, tags = ["a"] }
[define]
VERSION = "'1'"
[alias]
a = "./shims/a.ts"
b = "c"
[build]
command = "make"
cwd = "src"
[[rules]]
type = "Text"
globs = ["**/*.md"]
fallthrough = true
`,
  });
  assert.deepEqual(warnings, []);
  assert.deepEqual(functions, [
    {
      name: "shop",
      main: join(root, "src/main.ts"),
      root,
      configPath: join(root, "wrangler.toml"),
      catchAll: true,
      compatibilityDate: "2026-01-01",
      compatibilityFlags: ["nodejs_compat"],
      vars: { GREETING: "hello", LIMITS: { max: 3, tags: ["a"] } },
      routes: ["shop.example/*", "*.shop.example/api/*", "shop.test/*"],
      threads: {
        startThreads: 5,
        minSpareThreads: 5,
        maxSpareThreads: 10,
        concurrency: 1,
        idleTimeoutMs: 300_000,
      },
      build: {
        rules: [{ type: "Text", globs: ["**/*.md"], fallthrough: true }],
        define: { VERSION: "'1'" },
        alias: { a: join(root, "shims/a.ts"), b: "c" },
        minify: true,
        keepNames: false,
        tsconfig: join(root, "tsconfig.test.json"),
        noBundle: true,
        command: { line: "make", cwd: join(root, "src"), watchDir: [join(root, "src")] },
      },
    },
  ]);
});

test("reads JSON with comments, trailing commas and a byte order mark", async (t) => {
  const { functions, configPath } = await load(t, {
    "wrangler.jsonc": `\uFEFF{ // c\n "main": "index.ts", "compatibility_date": "2026-01-01", /* c */ "vars": { "A": [1,], }, }`,
    "index.ts": HANDLER,
  });
  assert.match(configPath, /wrangler\.jsonc$/);
  assert.deepEqual(functions[0]!.vars, { A: [1] });
});

test("reads TOML with a byte order mark, Windows line ends and an unquoted date", async (t) => {
  const { functions } = await load(t, {
    "wrangler.toml": '\uFEFFmain = "index.ts"\r\ncompatibility_date = 2026-01-01\r\n',
    "index.ts": HANDLER,
  });
  assert.equal(functions[0]!.compatibilityDate, "2026-01-01");
});

test("prefers the configuration that wrangler prefers, and says so", async (t) => {
  const { configPath, warnings } = await load(t, {
    "wrangler.toml": "",
    "wrangler.json": '{ "main": "index.ts", "compatibility_date": "2026-01-01" }',
    "index.ts": HANDLER,
  });
  assert.match(configPath, /wrangler\.json$/);
  assert.deepEqual(warnings, ["wrangler.json: is read, and wrangler.toml beside it ignored"]);
});

test("takes the configuration it is given, and paths from its folder", async (t) => {
  const { root, functions, node } = await load(
    t,
    { "deploy/prod.toml": `main = "index.ts"\n${DATE}`, "deploy/index.ts": HANDLER },
    { configPath: "deploy/prod.toml" },
  );
  assert.match(root, /deploy$/);
  assert.equal(functions[0]!.main, join(root, "index.ts"));
  assert.equal(node.dataDir, join(root, ".dexter"));
});

test("warns once of each wrangler field that it does not support yet", async (t) => {
  const { warnings } = await loadToml(
    t,
    `kv_namespaces = [{ binding = "A", id = "x" }]
[[d1_databases]]
binding = "DB"
[[d1_databases]]
binding = "DB2"
[durable_objects]
bindings = []`,
  );
  assert.deepEqual(warnings, [
    "wrangler.toml:3: kv_namespaces: dexter does not support this wrangler field yet and ignores it",
    "wrangler.toml:4: d1_databases: dexter does not support this wrangler field yet and ignores it",
    "wrangler.toml:8: durable_objects: dexter does not support this wrangler field yet and ignores it",
  ]);
});

test("says nothing of fields that change nothing here", async (t) => {
  const { warnings } = await loadToml(
    t,
    'account_id = "x"\nsend_metrics = false\nworkers_dev = true\npreview_urls = false\nlogpush = true\nupload_source_maps = true\n"$schema" = "x"\n[dev]\nport = 1',
  );
  assert.deepEqual(warnings, []);
});

test("warns of a field that nobody knows, with the nearest one", async (t) => {
  const { warnings } = await loadToml(
    t,
    "compatability_flags = []\nNumServers = 3\nxyzzy_plugh_frobnicate = 1",
  );
  assert.equal(
    warnings[0],
    'wrangler.toml:3: compatability_flags: neither wrangler nor dexter knows this field; it is ignored; did you mean "compatibility_flags"?',
  );
  assert.equal(
    warnings[1],
    "wrangler.toml:4: NumServers: ignored here; num_servers belongs in the [dexter] table",
  );
  assert.match(warnings[2]!, /^wrangler\.toml:5: xyzzy_plugh_frobnicate: neither .* it is ignored$/);
  assert.equal(warnings.length, 3);
});

test("survives keys that every object has, and empty values", async (t) => {
  const { warnings } = await load(t, {
    "wrangler.json": `{ "main": "index.ts", "compatibility_date": "2026-01-01", "constructor": 1, "__proto__": {}, "toString": null }`,
    "index.ts": HANDLER,
  });
  assert.equal(warnings.length, 3);
});

test("takes the newest compatibility date when none is set, and says so", async (t) => {
  const { functions, warnings } = await load(t, {
    "wrangler.toml": 'main = "index.ts"',
    "index.ts": HANDLER,
  });
  assert.equal(functions[0]!.compatibilityDate, NEWEST_COMPATIBILITY_DATE);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^wrangler\.toml: compatibility_date: is not set; add compatibility_date = "20/);
});

test("accepts the newest compatibility date itself", async (t) => {
  const { functions } = await load(t, {
    "wrangler.toml": `main = "index.ts"\ncompatibility_date = "${NEWEST_COMPATIBILITY_DATE}"`,
    "index.ts": HANDLER,
  });
  assert.equal(functions[0]!.compatibilityDate, NEWEST_COMPATIBILITY_DATE);
});

test("does not look for a main that the build command makes", async (t) => {
  const { functions } = await load(t, {
    "wrangler.toml": `main = "dist/index.js"\n${DATE}\nbuild = { command = "make", watch_dir = ["a", "b"] }`,
  });
  const { command } = functions[0]!.build;
  assert.deepEqual(command?.watchDir, [join(functions[0]!.root, "a"), join(functions[0]!.root, "b")]);
});

const ENVIRONMENTS = `name = "app"
compatibility_flags = ["nodejs_compat"]
route = "app.example/*"
vars = { A = "top" }
define = { D = "1" }
minify = true
[dexter]
num_servers = 3
queue_timeout = "1s"
[env.staging]
routes = ["staging.example/*"]
[env.staging.vars]
B = "staging"
[env.staging.dexter]
NumServers = 4
[env.live]
name = "the-app"
minify = false
kv_namespaces = []
`;

test("gives an environment what it inherits, and no vars or define", async (t) => {
  const { functions, node, warnings } = await loadToml(t, ENVIRONMENTS, { envName: "staging" });
  const [app] = functions;
  assert.equal(app!.name, "app-staging");
  assert.deepEqual(app!.compatibilityFlags, ["nodejs_compat"]);
  assert.deepEqual(app!.routes, ["staging.example/*"]);
  assert.deepEqual(app!.vars, { B: "staging" });
  assert.deepEqual(app!.build.define, {});
  assert.equal(app!.build.minify, true);
  assert.equal(node.numServers, 4);
  assert.equal(node.queueTimeoutMs, 1000);
  assert.deepEqual(warnings, [
    "wrangler.toml:7: define: environments do not inherit it; repeat it in the one that needs it",
  ]);
});

test("keeps the name that an environment gives itself", async (t) => {
  const { functions, warnings } = await loadToml(t, ENVIRONMENTS, { envName: "live" });
  assert.equal(functions[0]!.name, "the-app");
  assert.deepEqual(functions[0]!.routes, ["app.example/*"]);
  assert.equal(functions[0]!.build.minify, false);
  assert.ok(
    warnings.some((line) => line.startsWith("wrangler.toml:21: env.live.kv_namespaces: dexter does not")),
  );
});

test("leaves environments alone when none is asked for", async (t) => {
  const { functions } = await loadToml(t, ENVIRONMENTS);
  assert.equal(functions[0]!.name, "app");
  assert.deepEqual(functions[0]!.vars, { A: "top" });
});

test("finds the line of a key behind multi-line strings, arrays and quoted keys", async (t) => {
  const { warnings } = await loadToml(
    t,
    `vars = { A = "x # y", "b c" = 'd' }
rules = [
  # wrong = 1
  { type = "Text", globs = ["**/*.x"] },
]
[vars2]
text = """
wrong = 1
\\""" [dexter]
"""
["odd key"]
a.b = 1
`,
  );
  assert.deepEqual(
    warnings.map((line) => line.split(": ").slice(0, 2).join(": ")),
    ["wrangler.toml:8: vars2", "wrangler.toml:13: odd key"],
  );
});
