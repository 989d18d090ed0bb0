/** A failed build says what is wrong, where, and what to do; and what to watch until it is mended. */
import assert from "node:assert/strict";
import path from "node:path";
import { after, test } from "node:test";
import { BuildError, type Builder, createBuilder } from "../../scheduler/bundle/builder.ts";
import { functionConfig, makeFolder, scriptOf } from "../support/function.ts";

const cleanups: (() => Promise<void>)[] = [];
after(() => Promise.all(cleanups.map((cleanup) => cleanup())));

async function prepare(
  files: Record<string, string>,
  over?: Parameters<typeof functionConfig>[1] | ((dir: string) => Parameters<typeof functionConfig>[1]),
) {
  const folder = await makeFolder(files);
  const fn = functionConfig(folder.dir, typeof over === "function" ? over(folder.dir) : over);
  const builder = createBuilder(fn, { dev: true });
  cleanups.push(async () => {
    await builder.dispose();
    await folder.remove();
  });
  return { ...folder, builder, at: (name: string) => path.join(folder.dir, name) };
}

async function failure(builder: Builder): Promise<BuildError> {
  const error = await builder.build().then(
    () => assert.fail("the build succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof BuildError, String(error));
  assert.equal(error.code, "BUILD_FAILED");
  return error;
}

test("a syntax error is shown with its place and a code frame", async () => {
  const { builder, at, write } = await prepare({
    "main.ts": 'import { x } from "./lib.ts";\nexport default { fetch: () => new Response(x) };\n',
    "lib.ts": 'export const x = "é";\nconst ö = "é" + + ;\nexport {};\n',
  });
  const { message, problems } = await failure(builder);
  assert.equal(
    message,
    [
      `${at("lib.ts")}:2:19: Unexpected ";"`,
      `  1 | export const x = "é";`,
      `> 2 | const ö = "é" + + ;`,
      `    |                   ^`,
      `  3 | export {};`,
    ].join("\n"),
  );
  const [problem] = problems;
  assert.equal(problems.length, 1);
  assert.deepEqual(
    [problem!.file, problem!.line, problem!.column, problem!.text, problem!.lineText],
    [at("lib.ts"), 2, 19, 'Unexpected ";"', 'const ö = "é" + + ;'],
  );
  assert.deepEqual([...builder.inputs].sort(), [at("lib.ts"), at("main.ts")]);
  await write({ "lib.ts": "export const x = 'mended';" });
  assert.match(scriptOf(await builder.build()), /mended/);
});

test("every problem of a build is listed", async () => {
  const { builder, at } = await prepare({
    "main.ts": 'import "./a.ts"; import "./b.json";',
    "a.ts": "let a = ;",
    "b.json": '{ "x": 1,, }',
  });
  const { problems, message } = await failure(builder);
  assert.deepEqual(problems.map(({ file }) => file).sort(), [at("a.ts"), at("b.json")]);
  assert.match(message, /b\.json:1:10: Expected string in JSON/);
});

test("an import that is not found watches for the file that would mend it", async () => {
  const { builder, at, write } = await prepare({ "main.ts": 'export { default } from "./missing";' });
  const { message } = await failure(builder);
  assert.ok(message.startsWith(`${at("main.ts")}:1:25: Could not resolve "./missing"`), message);
  assert.ok(builder.inputs.includes(at("missing.ts")));
  await write({ "missing.ts": "export default 'found'" });
  assert.match(scriptOf(await builder.build()), /found/);
});

test("a missing side module is shown where it is imported", async () => {
  const { builder, at } = await prepare({
    "main.ts": '\nimport wasm from "./gone.wasm"; export default wasm;',
  });
  const { message } = await failure(builder);
  assert.ok(message.startsWith(`${at("main.ts")}:2:18: Could not resolve "./gone.wasm"`), message);
  assert.ok(builder.inputs.includes(at("gone.wasm")));
});

test("a package that is not installed names the command to install it", async () => {
  const { builder } = await prepare({ "main.ts": 'import x from "@some/package/x"; export default x;' });
  const { message } = await failure(builder);
  assert.match(message, /`npm install @some\/package` may be what is missing/);
  assert.doesNotMatch(message, /external/);
});

test("an export that is not there is an error", async () => {
  const { builder } = await prepare({
    "main.ts": 'import { nope } from "./lib.ts"; export default nope;',
    "lib.ts": "export const yes = 1;",
  });
  assert.match((await failure(builder)).message, /No matching export in "lib\.ts" for import "nope"/);
});

test("a missing entry module names itself and its configuration", async () => {
  const { builder, at, write } = await prepare({}, (dir) => ({
    configPath: path.join(dir, "wrangler.toml"),
  }));
  const { message, problems } = await failure(builder);
  assert.equal(
    message,
    `${at("main.ts")}: the entry module does not exist\n  It is the \`main\` of ${at("wrangler.toml")}.`,
  );
  assert.equal(problems[0]!.line, 0);
  assert.deepEqual(builder.inputs, [at("main.ts")]);
  await write({ "main.ts": "export default {}" });
  await builder.build();
});

for (const [specifier, statement] of [
  ["fs", 'import fs from "fs"; export default fs;'],
  ["node:fs", 'import fs from "node:fs"; export default fs;'],
  ["node:fs", 'export default require("node:fs");'],
] as const) {
  test(`without nodejs_compat, \`${statement}\` names the flag`, async () => {
    const { builder } = await prepare(
      { "main.js": statement },
      { main: "main.js", compatibilityDate: "2026-08-03" },
    );
    const { message } = await failure(builder);
    assert.ok(message.includes(`Could not resolve "${specifier}"`), message);
    assert.match(message, /"fs" is part of Node\.js; add "nodejs_compat" to compatibility_flags to use it\./);
  });
}

test("no_nodejs_compat takes the modules away that a new date has by default", async () => {
  const flagged = { compatibilityFlags: ["no_nodejs_compat"] };
  const { builder } = await prepare({ "main.ts": 'import "node:fs";' }, flagged);
  assert.match((await failure(builder)).message, /remove "no_nodejs_compat" from compatibility_flags/);
});

test("a builtin that is imported on demand without nodejs_compat is left to run time", async () => {
  const { builder } = await prepare(
    { "main.ts": 'export default () => import("node:fs").catch(() => undefined);' },
    { compatibilityDate: "2024-01-01" },
  );
  assert.match(scriptOf(await builder.build()), /import\("node:fs"\)/);
});

test("a failed build command shows its output and its status", async () => {
  const { builder } = await prepare({ "main.ts": "" }, (dir) => ({
    build: { command: { line: "echo out; echo broken >&2; exit 3", cwd: dir, watchDir: [] } },
  }));
  const { message } = await failure(builder);
  assert.match(message, /^build\.command `echo out; .*` failed with exit status 3:\nout\nbroken$/);
});

test("a build command in a folder that does not exist is one clear error", async () => {
  const { builder } = await prepare({ "main.ts": "" }, (dir) => ({
    build: { command: { line: "true", cwd: path.join(dir, "gone"), watchDir: [] } },
  }));
  assert.match((await failure(builder)).message, /could not be started in .*gone/);
});

test("a wrong define or tsconfig is an error of the build, not a crash", async () => {
  const wrongDefine = await prepare({ "main.ts": "" }, { build: { define: { X: "not json at all" } } });
  assert.match((await failure(wrongDefine.builder)).message, /Invalid define value/);
  const wrongConfig = await prepare({ "main.ts": "" }, (dir) => ({
    build: { tsconfig: `${dir}/gone.json` },
  }));
  assert.match((await failure(wrongConfig.builder)).message, /Cannot find tsconfig file/);
});

test("no_bundle refuses a main module that the runtime cannot read", async () => {
  const { builder } = await prepare({ "main.ts": "" }, { build: { noBundle: true } });
  assert.match((await failure(builder)).message, /main\.ts: no_bundle takes modules as they are/);
});

test("a very long line is cut to the part that is wrong", async () => {
  const { builder } = await prepare({ "main.js": `${"a();".repeat(1000)}let = = 1;` }, { main: "main.js" });
  const { message } = await failure(builder);
  assert.ok(message.length < 600, message);
  assert.match(message, /let = = 1;/);
});
