/** Stacks of the real runtime lead to the source. */
import assert from "node:assert/strict";
import path from "node:path";
import { after, test } from "node:test";
import type { ExceptionReport } from "../../runtime/protocol.ts";
import { createBuilder } from "../../scheduler/bundle/builder.ts";
import { mapException, mapStack } from "../../scheduler/failures/stack.ts";
import { functionConfig, makeFolder, runVersion } from "../support/function.ts";

const cleanups: (() => Promise<void>)[] = [];
after(() => Promise.all(cleanups.map((cleanup) => cleanup())));

type Over = Parameters<typeof functionConfig>[1];

/** Builds the files and runs them; the function answers with a JSON `ExceptionReport` of what it caught. */
async function thrown(files: Record<string, string>, over: Over = {}) {
  const folder = await makeFolder(files, { packages: true });
  const builder = createBuilder(functionConfig(folder.dir, over), { dev: true });
  cleanups.push(folder.remove, () => builder.dispose());
  const version = await builder.build();
  const running = await runVersion(version);
  try {
    const report = (await (await running.fetch()).json()) as ExceptionReport;
    return { version, report, at: (name: string) => path.join(folder.dir, name) };
  } finally {
    await running.stop();
  }
}

const REPORT = `export const report = (e: any): any =>
  ({ name: e.name, message: e.message, stack: e.stack, ...(e.cause ? { cause: report(e.cause) } : {}) });`;

const FILES = {
  "main.ts": `import { deep } from "./lib/deep";
import { report } from "./report";

interface Unused { takes: "lines" }

export default {
  async fetch() {
    try {
      await deep("x");
    } catch (error) {
      return Response.json(report(error));
    }
  },
};
`,
  "lib/deep.ts": `type Erased = string;

class Store {
  static read(key: Erased): never {
    throw new RangeError("no " + key + "\\n    in the store");
  }
}

export async function deep(key: string): Promise<void> {
  await Promise.resolve();
  [key].map((each) => Store.read(each));
}
`,
  "report.ts": REPORT,
};

// Newer dates put the modules below a URL.
for (const compatibilityDate of ["2024-01-01", "2026-11-01"]) {
  for (const minify of [false, true]) {
    test(`a stack leads to the source, ${minify ? "minified, " : ""}at ${compatibilityDate}`, async () => {
      const { version, report, at } = await thrown(FILES, { compatibilityDate, build: { minify } });
      const { header, frames, code, text } = mapStack(report.stack, version);
      assert.equal(header, "RangeError: no x\n    in the store");
      const places = frames.map(({ file, line, column, origin }) => [file, line, column, origin]);
      assert.deepEqual(places, [
        [at("lib/deep.ts"), 5, 11, "user"],
        [at("lib/deep.ts"), 11, 29, "user"],
        ["", 0, 0, "runtime"],
        [at("lib/deep.ts"), 11, 9, "user"],
        [at("main.ts"), 9, 7, "user"],
      ]);
      assert.match(frames[3]!.name, /deep/);
      assert.equal(code?.file, at("lib/deep.ts"));
      const marked = code.frame.lines.find(({ mark }) => mark);
      assert.deepEqual(marked, {
        number: 5,
        text: '    throw new RangeError("no " + key + "\\n    in the store");',
        mark: { from: 10, to: 13 },
      });
      assert.match(text, /^RangeError: no x\n {4}in the store\n {4}at .*\n/);
    });
  }
}

test("frames of packages are told apart, and the code shown is the user's", async () => {
  const { version, report, at } = await thrown({
    "main.ts": `import { Hono } from "hono";
import { report } from "./report";
const app = new Hono();
app.get("/", (c) => c.json((undefined as any).field));
app.onError((error) => Response.json(report(error)));
export default app;`,
    "report.ts": REPORT,
  });
  const { frames, code } = mapStack(report.stack, version);
  assert.deepEqual([code?.file, code?.line, code?.column], [at("main.ts"), 4, 47]);
  const origins = new Set(frames.map(({ origin }) => origin));
  assert.deepEqual([...origins], ["user", "library"]);
});

test("causes are mapped too", async () => {
  const { version, report, at } = await thrown({
    "main.ts": `import { report } from "./report";
export default { fetch() {
  try {
    try { JSON.parse("{"); } catch (cause) { throw new Error("outer", { cause }); }
  } catch (error) { return Response.json(report(error)); }
} };`,
    "report.ts": REPORT,
  });
  const { cause, ...outer } = mapException(report, version);
  assert.equal(outer.message, "outer");
  assert.equal(cause?.name, "SyntaxError");
  assert.deepEqual([cause.stack.code?.file, cause.stack.code?.line], [at("main.ts"), 4]);
});

test("without a source map the module itself is shown", async () => {
  const { version, report } = await thrown(
    {
      "main.js": `import { fail } from "./a b.mjs";
export default { fetch() { try { fail(); } catch (e) { return Response.json({ name: e.name, message: e.message, stack: e.stack }); } } };`,
      "a b.mjs": `export function fail() {\n  throw new Error("as is");\n}`,
    },
    {
      main: "main.js",
      build: { noBundle: true, rules: [{ type: "ESModule", globs: ["**/*.mjs"], fallthrough: true }] },
    },
  );
  const { frames, code } = mapStack(report.stack, version);
  assert.deepEqual([frames[0]!.name, frames[0]!.file, frames[0]!.line], ["fail", "a b.mjs", 2]);
  assert.equal(code?.frame.lines[1]?.text, '  throw new Error("as is");');
});

test("dexter's own frames are left out, in either form of module names", () => {
  for (const base of ["", "file:///bundle/"]) {
    const stack = [
      "Error: x",
      `    at console.log (${base}dexter-console.js:1:1)`,
      `    at handler (${base}index.js:1:1)`,
      `    at async Object.fetch (${base}dexter-prelude.js:10:20)`,
    ].join("\n");
    const { frames } = mapStack(stack, { mainModule: "index.js" });
    assert.deepEqual(
      frames.map(({ file }) => file),
      ["index.js"],
    );
  }
});

test("stacks that are none, and maps that cannot be read, are taken as they are", () => {
  const version = { mainModule: "index.js", sourceMap: "{not json" };
  assert.deepEqual(mapStack("", version).frames, []);
  assert.equal(mapStack("just a text", version).text, "just a text");
  const { frames, code } = mapStack(
    "E\n    at f (index.js:3:4)\n    at async Promise.all (index 0)",
    version,
  );
  assert.deepEqual(
    [frames[0]!.file, frames[0]!.line, frames[1]!.name],
    ["index.js", 3, "async Promise.all (index 0)"],
  );
  assert.equal(code, undefined);
});

test("a circle of causes ends", () => {
  const report = { name: "E", message: "m", stack: "E: m" } as {
    -readonly [K in keyof ExceptionReport]: ExceptionReport[K];
  };
  report.cause = report;
  assert.ok(mapException(report, { mainModule: "index.js" }).cause?.cause);
});
