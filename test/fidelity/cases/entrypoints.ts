/** Shapes of the module: classes, instances, named entrypoints; modules and variables. */
import assert from "node:assert/strict";
import { becomes, type Case, differing, type Expected, one, saying, scenario } from "../case.ts";
import { CASE_DIFFERENCES } from "../differences.ts";
import { observed } from "../driver.ts";

const entry = (title: string, path: string, expected: Expected = {}): Case =>
  one("entry", title, `/${path}`, expected);

const classes: Case[] = [
  entry("constructs a WorkerEntrypoint with ctx and env", "constructed", { body: "function object" }),
  entry("gives a class its env", "env"),
  entry("calls the method of a class with the same arguments", "arguments", { body: /\d/ }),
  differing(
    CASE_DIFFERENCES.exports,
    entry("lists the exports", "exports", { body: "Named" }),
    becomes(saying('["Named",', '["DexterThread","Named",')),
  ),
  entry("reaches a named entrypoint by fetch", "named-fetch", {
    status: 207,
    body: "named saw PUT http://inside/x?y",
  }),
  entry("reaches an object as named entrypoint", "named-object", { body: "an object as named entrypoint" }),
  entry("reaches its own default entrypoint", "self", { body: /\d/ }),
  entry("calls methods and passes callbacks over RPC", "rpc", { body: "[5,42]" }),
  entry("gives an entrypoint its props", "rpc-props", { body: '"tenant":"t1"' }),
  entry("keeps an RpcTarget's state", "rpc-target", { body: "[1,6,6]" }),
  entry("carries an exception over RPC", "rpc-error", { body: "RangeError: over RPC" }),
  entry("fails alike on a missing method", "rpc-missing", { body: "TypeError" }),
  entry("carries a stream over RPC", "rpc-stream", { body: "streamed over RPC" }),
  entry("has the same props at the default entrypoint", "props"),
  ...(["wait-until:class:from this.ctx", "imported-wait-until:imported:from the import"] as const).map(
    (spec) => {
      const [path, name, text] = spec.split(":") as [string, string, string];
      return scenario(
        "entry",
        `finishes the work of ${path}`,
        async (session) => [
          observed(await session.exchange({ path: `/${path}` })),
          await session.witness.noted(name),
        ],
        ([, noted]) => assert.equal(noted, text),
      );
    },
  ),
  one("field", "serves a class whose handler is a field", "/", { body: "derived base of Derived" }),
  one("frozen", "serves a frozen handler object", "/", { body: "true true /" }),
  one("instance", "serves an instance of a class", "/", { body: "a class instance" }),
  one("instance", "gives an instance its private state", "/other?x", {
    status: 404,
    body: "no route /other",
  }),
];

const modules: Case[] = [
  one("modules", "runs a Wasm module", "/wasm", { body: "[true,42,-2]" }),
  one("modules", "imports text", "/text", { body: "Second line" }),
  one("modules", "imports HTML as text", "/html", { body: "doctype" }),
  one("modules", "imports SQL as text", "/sql", { body: "SELECT" }),
  one("modules", "imports bytes", "/data", { body: "[true,[0,1,127,128,254,255,13,10,0]]" }),
  one("modules", "imports JSON", "/json", { body: "2.5" }),
  one("unbundled", "imports a CommonJS module", "/cjs", { body: '["function",42,"b.txt"]' }),
  one("unbundled", "imports an ES module that is not bundled", "/esm", { body: "42" }),
  one("unbundled", "imports text that is not bundled", "/text", { body: "first line" }),
  one("unbundled", "imports a module when it is wanted", "/dynamic", { body: '["half"]' }),
  one("unbundled", "has no variable when none is configured", "/env", { body: "[]" }),
  one("unbundled", "has the same import.meta", "/meta"),
  one("modules", "refuses to compile Wasm from bytes", "/compile", { body: "CompileError" }),
];

const variables: Case[] = [
  one("vars", "has all variables in env", "/env", { body: '"still":"here"' }),
  one("vars", "has variables of the right types", "/types", { body: '["NUMBER","number"]' }),
  one("vars", "has variables in the imported env", "/imported", { body: "a text" }),
  one("vars", "has variables in process.env", "/process", { body: "a text" }),
  one("vars", "has control characters in variables", "/control", { body: "\\u0001 and" }),
  one("vars", "has no variable that is not configured", "/missing", { body: "[null,false]" }),
];

export const entrypointCases: readonly Case[] = [...classes, ...modules, ...variables];
