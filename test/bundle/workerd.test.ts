/** Bundles do what they should in the real runtime. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBuilder } from "../../scheduler/bundle/builder.ts";
import type { FunctionConfig } from "../../scheduler/types.ts";
import { functionConfig, makeFolder, runVersion, scriptOf } from "../support/function.ts";

type Files = Record<string, string | Uint8Array>;
type Over = Parameters<typeof functionConfig>[1];

/** Exports `add(a, b)`. */
const ADD_WASM = Buffer.from(
  "0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b",
  "hex",
);

async function buildVersion(fn: FunctionConfig) {
  const builder = createBuilder(fn, { dev: false });
  try {
    return await builder.build();
  } finally {
    await builder.dispose();
  }
}

/** Builds the files, runs them in workerd, and gives what `GET target` answers. */
async function answer(files: Files, over: Over = {}, target = "/") {
  const folder = await makeFolder(files, { packages: true });
  try {
    const version = await buildVersion(functionConfig(folder.dir, over));
    const running = await runVersion(version);
    try {
      const response = await running.fetch(target);
      return { version, status: response.status, text: await response.text() };
    } finally {
      await running.stop();
    }
  } finally {
    await folder.remove();
  }
}

test("a Hono application runs", async () => {
  const { text } = await answer(
    {
      "main.ts": `import { Hono } from "hono";
        const app = new Hono<{ Bindings: { WHO: string } }>();
        app.get("/hello/:name", (c) => c.json({ name: c.req.param("name"), who: c.env.WHO }));
        export default app;`,
    },
    { vars: { WHO: "dexter" } },
    "/hello/you",
  );
  assert.deepEqual(JSON.parse(text), { name: "you", who: "dexter" });
});

for (const compatibilityDate of ["2024-01-01", "2026-11-01"]) {
  test(`Wasm, text, data and JSON imports run, at ${compatibilityDate}`, async () => {
    const { version, text } = await answer(
      {
        "main.ts": `import wasm from "./add.wasm";
          import again from "./add.wasm?module";
          import text from "./deep/a b.txt"; import html from "./page.html"; import sql from "./q.sql";
          import data from "./bytes.bin"; import json from "./data.json"; import { n } from "./data.json";
          import notes from "./notes.md";
          export default { async fetch() {
            const { exports } = await WebAssembly.instantiate(wasm, {});
            return Response.json({ sum: exports.add(2, 3), same: again instanceof WebAssembly.Module, text, html, sql,
              bytes: [...new Uint8Array(data)], json, n, notes });
          } };`,
        "add.wasm": ADD_WASM,
        "deep/a b.txt": "grüße",
        "page.html": "<p>",
        "q.sql": "select 1",
        "bytes.bin": new Uint8Array([0, 255, 128]),
        "data.json": '{"n":1}',
        "notes.md": "# notes",
      },
      { compatibilityDate, build: { rules: [{ type: "Text", globs: ["**/*.md"], fallthrough: true }] } },
    );
    assert.deepEqual(JSON.parse(text), {
      sum: 5,
      same: true,
      text: "grüße",
      html: "<p>",
      sql: "select 1",
      bytes: [0, 255, 128],
      json: { n: 1 },
      n: 1,
      notes: "# notes",
    });
    const names = Object.keys(version.modules).filter((name) => name !== version.mainModule);
    assert.equal(names.length, 6, "both Wasm imports share a module");
    for (const name of names) assert.match(name, /^[0-9a-f]{16}-/);
  });
}

const NODE_FUNCTION = `import { Buffer } from "node:buffer";
  import { createHash, randomUUID } from "node:crypto";
  import { EventEmitter, once } from "events";
  import { Readable } from "stream";
  import util from "util";
  import path from "path";
  import { AsyncLocalStorage } from "node:async_hooks";
  import lib from "./lib.cjs";
  export default { async fetch() {
    const emitter = new EventEmitter();
    setTimeout(() => emitter.emit("tick", 7), 1);
    const [tick] = await once(emitter, "tick");
    const chunks = []; for await (const c of Readable.from(["a", "b"])) chunks.push(c);
    return Response.json({ tick, chunks,
      base64: Buffer.from("hé").toString("base64"), globalBuffer: globalThis.Buffer === Buffer,
      hash: createHash("sha256").update("x").digest("hex").slice(0, 8), uuid: randomUUID().length,
      inspect: util.inspect({ a: 1 }), join: path.join("a", "..", "b"), lib, env: typeof process.env,
      nextTick: await new Promise((r) => process.nextTick(r, "ticked")), platform: typeof process.platform,
      stored: new AsyncLocalStorage().run(5, () => 5) });
  } };`;
const NODE_LIBRARY = `const { EventEmitter } = require("events");
  const os = require("node:os"), fs = require("fs");
  module.exports = { emitter: typeof EventEmitter, eol: os.EOL, fs: typeof fs.readFileSync };`;
const NODE_ANSWER = {
  tick: 7,
  chunks: ["a", "b"],
  base64: "aMOp",
  globalBuffer: true,
  hash: "2d711642",
  uuid: 36,
  inspect: "{ a: 1 }",
  join: "b",
  lib: { emitter: "function", eol: "\n", fs: "function" },
  env: "object",
  nextTick: "ticked",
  platform: "string",
  stored: 5,
};

test("Node.js modules and globals are there by default from 2026-08-04 on, without stand-ins", async () => {
  const { version, text } = await answer({ "main.ts": NODE_FUNCTION, "lib.cjs": NODE_LIBRARY });
  assert.deepEqual(JSON.parse(text), NODE_ANSWER);
  assert.doesNotMatch(scriptOf(version), /unenv/);
});

test("nodejs_compat fills in with stand-ins what an older date lacks", async () => {
  const { version, text } = await answer(
    { "main.ts": NODE_FUNCTION, "lib.cjs": NODE_LIBRARY },
    { compatibilityDate: "2024-12-01", compatibilityFlags: ["nodejs_compat"] },
  );
  assert.deepEqual(JSON.parse(text), NODE_ANSWER);
  assert.match(scriptOf(version), /unenv/);
});

test("nodejs_compat with a date before its second version gives the modules", async () => {
  const { text } = await answer(
    {
      "main.ts": `import { EventEmitter } from "events"; import { Buffer } from "node:buffer";
        import lib from "./lib.cjs";
        export default { fetch: () => Response.json([typeof EventEmitter, Buffer.from("a").length, lib]) };`,
      "lib.cjs": `module.exports = require("util").format("%s", 1);`,
    },
    { compatibilityDate: "2024-01-01", compatibilityFlags: ["nodejs_compat"] },
  );
  assert.deepEqual(JSON.parse(text), ["function", 1, "1"]);
});

test("nodejs_als gives AsyncLocalStorage alone", async () => {
  const { text } = await answer(
    {
      "main.ts": `import { AsyncLocalStorage } from "async_hooks";
        export default { fetch: () => new Response(new AsyncLocalStorage().run("als", () => typeof AsyncLocalStorage)) };`,
    },
    { compatibilityDate: "2024-01-01", compatibilityFlags: ["nodejs_als"] },
  );
  assert.equal(text, "function");
});

test("no_bundle runs the main module and the modules that rules match, as they are", async () => {
  const { version, text } = await answer(
    {
      "src/main.js": `import { hello } from "./lib/hello.mjs"; import legacy from "./legacy.cjs"; import text from "./a.txt";
        export default { fetch: () => new Response(hello() + legacy.name + text) };`,
      "src/lib/hello.mjs": `export const hello = () => "hello ";`,
      "src/legacy.cjs": `module.exports = { name: "legacy " };`,
      "src/a.txt": "text",
      "src/unrelated.ts": "const x: number = 1;",
    },
    {
      main: "src/main.js",
      build: {
        noBundle: true,
        rules: [
          { type: "ESModule", globs: ["**/*.mjs"], fallthrough: true },
          { type: "CommonJS", globs: ["**/*.cjs"], fallthrough: true },
        ],
      },
    },
  );
  assert.equal(text, "hello legacy text");
  assert.deepEqual(Object.keys(version.modules).sort(), ["a.txt", "legacy.cjs", "lib/hello.mjs", "main.js"]);
});

test("cloudflare:workers and dynamic imports reach the runtime", async () => {
  const { text } = await answer({
    "main.ts": `import { WorkerEntrypoint, env } from "cloudflare:workers";
      export default class extends WorkerEntrypoint {
        async fetch() { const { x } = await import("./later.ts"); return new Response(typeof env + x); }
      }`,
    "later.ts": "export const x: number = 4;",
  });
  assert.equal(text, "object4");
});

test("JSX, TypeScript enums and packages' worker builds are compiled in", async () => {
  const { text } = await answer(
    {
      "main.tsx": `/** @jsx h */ import pick from "./pkg";
      enum Color { Red = "red" } const h = (tag: string) => tag;
      export default { fetch: () => new Response([<b />, Color.Red, pick].join()) };`,
      "pkg/package.json": '{"main":"./node.js","browser":"./browser.js"}',
      "pkg/node.js": "module.exports = 'node'",
      "pkg/browser.js": "export default 'browser'",
    },
    { main: "main.tsx" },
  );
  assert.equal(text, "b,red,browser");
});
