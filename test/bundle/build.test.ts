/** What a build gives: a version named after its content, and the files to watch. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { type Builder, createBuilder } from "../../scheduler/bundle/builder.ts";
import type { FunctionConfig } from "../../scheduler/types.ts";
import { type Folder, functionConfig, makeFolder, scriptOf } from "../support/function.ts";

const cleanups: (() => Promise<void>)[] = [];
after(() => Promise.all(cleanups.map((cleanup) => cleanup())));

async function folderOf(...args: Parameters<typeof makeFolder>): Promise<Folder> {
  const folder = await makeFolder(...args);
  cleanups.push(folder.remove);
  return folder;
}

function builderOf(fn: FunctionConfig, dev = false): Builder {
  const builder = createBuilder(fn, { dev });
  cleanups.push(() => builder.dispose());
  return builder;
}

const build = (fn: FunctionConfig, dev = false) => builderOf(fn, dev).build();

const FILES = {
  "main.ts": `import { hi } from "./lib/hi"; import text from "./a.txt"; import { readFileSync } from "fs";
    export default { fetch: () => new Response(hi + text + typeof readFileSync) };`,
  "lib/hi.ts": "export const hi: string = 'hi';",
  "a.txt": "text",
};

test("the same function in another folder is the same version", async () => {
  const ids = new Set<string>();
  // A date that needs stand-ins for Node.js modules: they come from dexter's own folder.
  const over = {
    compatibilityDate: "2024-12-01",
    compatibilityFlags: ["nodejs_compat"],
    vars: { a: 1, b: { c: 2 } },
  };
  for (const main of ["main.ts", "main.ts"]) {
    const { dir } = await folderOf(FILES);
    const version = await build(functionConfig(dir, { ...over, main }));
    ids.add(version.id);
    const content = JSON.stringify(version.modules);
    assert.ok(
      !content.includes(dir) && !content.includes(process.cwd()),
      "no machine's paths in the modules",
    );
  }
  assert.equal(ids.size, 1);
  assert.match([...ids][0]!, /^[0-9a-f]{16}$/);
});

test("code, vars, flags, date and side modules each make another version; the order of vars does not", async () => {
  const { dir, write } = await folderOf(FILES);
  const base = { vars: { a: 1, b: 2 } };
  const idOf = async (over: Parameters<typeof functionConfig>[1] = {}) =>
    (await build(functionConfig(dir, { ...base, ...over }))).id;
  const ids = [
    await idOf(),
    await idOf({ vars: { a: 1, b: 3 } }),
    await idOf({ compatibilityFlags: ["nodejs_als"] }),
    await idOf({ compatibilityDate: "2026-10-01" }),
  ];
  await write({ "a.txt": "other" });
  ids.push(await idOf());
  await write({ "lib/hi.ts": "export const hi = 'other';" });
  ids.push(await idOf());
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(await idOf({ vars: { b: 2, a: 1 } }), ids.at(-1));
});

test("a builder builds what is on disk now, and tells what to watch", async () => {
  const { dir, write } = await folderOf(FILES);
  const builder = builderOf(functionConfig(dir));
  assert.deepEqual(builder.inputs, [path.join(dir, "main.ts")]);
  const first = await builder.build();
  const watched = ["a.txt", "lib/hi.ts", "main.ts"].map((name) => path.join(dir, name));
  assert.deepEqual([...builder.inputs].sort(), watched);
  assert.equal((await builder.build()).id, first.id, "nothing changed");

  await write({
    "lib/hi.ts": "import more from './more.ts'; export const hi = 'hi' + more;",
    "lib/more.ts": "export default 1",
  });
  const second = await builder.build();
  assert.notEqual(second.id, first.id);
  assert.ok(builder.inputs.includes(path.join(dir, "lib/more.ts")));

  await write({ "main.ts": "export default {}" });
  const third = await builder.build();
  assert.deepEqual(Object.keys(third.modules), ["index.js"], "modules that are no longer imported are gone");
  assert.deepEqual(builder.inputs, [path.join(dir, "main.ts")]);
});

test("builds that are asked for together are done in turn", async () => {
  const { dir } = await folderOf(FILES);
  const builder = builderOf(functionConfig(dir));
  const versions = await Promise.all([builder.build(), builder.build(), builder.build()]);
  assert.equal(new Set(versions.map(({ id }) => id)).size, 1);
});

test("the source map has absolute sources and is no part of the bundle", async () => {
  const { dir } = await folderOf(FILES);
  const version = await build(functionConfig(dir));
  const map = JSON.parse(version.sourceMap!) as { sources: string[]; sourcesContent: string[] };
  assert.deepEqual([...map.sources].sort(), [path.join(dir, "lib/hi.ts"), path.join(dir, "main.ts")]);
  assert.ok(map.sourcesContent.includes(FILES["lib/hi.ts"]));
  assert.doesNotMatch(scriptOf(version), /sourceMappingURL/);
});

test("NODE_ENV says development in dev and production otherwise, unless define says so", async () => {
  const { dir } = await folderOf({ "main.ts": "export default process.env.NODE_ENV" });
  assert.match(scriptOf(await build(functionConfig(dir), true)), /"development"/);
  assert.match(scriptOf(await build(functionConfig(dir))), /"production"/);
  const define = { "process.env.NODE_ENV": '"test"' };
  assert.match(scriptOf(await build(functionConfig(dir, { build: { define } }), true)), /"test"/);
});

test("define, alias, minify and keep_names take effect", async () => {
  const { dir } = await folderOf({
    "main.ts": `import x from "thing"; import fs from "fs"; declare const VERSION: string;
      function longNameOfAFunction() { return x + VERSION + fs; }
      export default { fetch: longNameOfAFunction };`,
    "thing.ts": "export default 'aliased'",
    "fs.ts": "export default 'own fs'",
  });
  const settings = { define: { VERSION: '"v7"' }, alias: { thing: "./thing.ts", fs: "./fs.ts" } };
  const plain = scriptOf(await build(functionConfig(dir, { build: settings })));
  assert.match(plain, /"aliased"[\s\S]*"v7"/);
  assert.match(plain, /"own fs"/, "an alias wins over a builtin");
  const small = scriptOf(await build(functionConfig(dir, { build: { ...settings, minify: true } })));
  assert.ok(small.length < plain.length);
  assert.match(small, /"longNameOfAFunction"/);
  const nameless = scriptOf(
    await build(functionConfig(dir, { build: { ...settings, minify: true, keepNames: false } })),
  );
  assert.doesNotMatch(nameless, /longNameOfAFunction/);
});

test("tsconfig's jsx and paths settings take effect, and the file is watched", async () => {
  const { dir } = await folderOf({
    "main.tsx": `import { x } from "@lib/x"; export default <p>{x}</p>;`,
    "lib/x.ts": "export const x = 1;",
    "jsx.ts": "export const make = (...args: unknown[]) => args;",
    "conf/tsconfig.json": `{ "compilerOptions": { "jsx": "react", "jsxFactory": "make", "paths": { "@lib/*": ["../lib/*"] } } }`,
  });
  const tsconfig = path.join(dir, "conf/tsconfig.json");
  const builder = builderOf(functionConfig(dir, { main: "main.tsx", build: { tsconfig } }));
  assert.match(scriptOf(await builder.build()), /make\("p", null, x\)/);
  assert.ok(builder.inputs.includes(tsconfig));
});

test("a rule without fallthrough ends its type, and ES module rules do not apply to bundles", async () => {
  const { dir } = await folderOf({
    "main.js": `import a from "./a.md"; import b from "./b.mjs"; export default a + b;`,
    "a.md": "A",
    "b.mjs": "export default 'inside'",
  });
  const rules = [
    { type: "Text" as const, globs: ["**/*.md"], fallthrough: false },
    { type: "ESModule" as const, globs: ["**/*.mjs"], fallthrough: true },
  ];
  const version = await build(functionConfig(dir, { main: "main.js", build: { rules } }));
  assert.equal(Object.keys(version.modules).length, 2);
  assert.match(scriptOf(version), /"inside"/);
});

test("modules of packages are found by the package's exports", async () => {
  const { dir } = await folderOf({
    "main.ts": `import text from "pkg/text.txt"; export default text;`,
    "node_modules/pkg/package.json": '{"exports":{"./text.txt":"./dist/real.txt"}}',
    "node_modules/pkg/dist/real.txt": "from a package",
  });
  const { modules } = await build(functionConfig(dir));
  assert.deepEqual(Object.values(modules)[1], { text: "from a package" });
});

test("build.command runs before each build", async () => {
  const { dir } = await folderOf({ "src.txt": "1" });
  const command = { line: "echo \"export default '$(cat src.txt)'\" > main.ts", cwd: dir, watchDir: [] };
  const builder = builderOf(functionConfig(dir, { build: { command } }));
  assert.match(scriptOf(await builder.build()), /"1"/);
});

test("a builder that was disposed of ends its command and builds no more", async () => {
  const { dir } = await folderOf({ "main.ts": "export default {}" });
  const command = { line: "sleep 60 & touch started; wait", cwd: dir, watchDir: [] };
  const builder = createBuilder(functionConfig(dir, { build: { command } }), { dev: true });
  const refused = assert.rejects(builder.build(), /disposed of/);
  const deadline = AbortSignal.timeout(5000);
  while (!existsSync(path.join(dir, "started"))) {
    deadline.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
  // Both wait for the command's output to close, which `sleep` holds open as long as it lives.
  await Promise.all([builder.dispose(), refused]);
  await builder.dispose();
  await assert.rejects(builder.build(), /disposed of/);
});
