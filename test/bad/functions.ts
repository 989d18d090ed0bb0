/** Functions that are wrong: found by bundling them, or by a thread that loads them. */
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { type Bad, DATE, GOOD } from "./case.ts";

export const FUNCTIONS: readonly Bad[] = [
  {
    title: "no function at all",
    by: ["check", "dev"],
    files: { "functions/hello.js": null },
    says: ["there is no function", "functions"],
  },
  {
    title: "main that is not there",
    by: ["check", "start", "dev"],
    files: { "wrangler.toml": `${DATE}main = "src/none.ts"\n` },
    says: ["wrangler.toml:2", "main", "src/none.ts"],
  },
  {
    title: "functions that is a file",
    files: { "functions/hello.js": null, functions: "" },
    says: ["functions", "must be a folder"],
  },
  {
    title: "two functions of one name",
    files: { "functions/hello/index.js": GOOD },
    says: ['second function named "hello"', "rename"],
  },
  {
    title: "a function's name that cannot be a host",
    files: { "functions/my_function.js": GOOD },
    says: ["my_function", "rename"],
  },
  {
    title: "a folder with two entry modules",
    files: { "functions/two/index.js": GOOD, "functions/two/index.ts": GOOD },
    says: ["functions/two", "index.js and index.ts"],
  },
  {
    title: "a function's table with a node's directive",
    files: { "functions/a/wrangler.toml": "[dexter]\nlisten = 80\n", "functions/a/index.js": GOOD },
    says: ["functions/a/wrangler.toml:2", "listen", "belongs in the node's file"],
  },
  {
    title: "a syntax error",
    by: ["check", "start"],
    files: { "functions/hello.js": "export default {\n  fetch( { return 1 }\n};\n" },
    says: [/functions\/hello\.js:2:\d+: /, "fetch( {"],
  },
  {
    title: "an import of a file that is not there",
    by: ["check", "start"],
    files: { "functions/hello.js": 'import x from "./gone.js";\nexport default { fetch: x };\n' },
    says: ["functions/hello.js:1:", "./gone.js"],
  },
  {
    title: "an import of a package that is not installed",
    files: { "functions/hello.js": 'import x from "no-such-package-here";\nexport default { fetch: x };\n' },
    says: ["no-such-package-here", "npm install"],
  },
  {
    title: "an import of a name that is not exported",
    files: {
      "functions/a.js": 'import { nothing } from "./hello.js";\nexport default { fetch: nothing };\n',
    },
    says: ["functions/a.js:1:", "nothing"],
  },
  {
    title: "two broken functions",
    by: ["check", "start"],
    files: { "functions/hello.js": "export default {", "functions/other.js": "}" },
    says: ["functions/hello.js:", "functions/other.js:"],
  },
  {
    title: "JSON with an error",
    files: {
      "functions/hello.js": `import data from "./_data.json";\n${GOOD.replace("'hello'", "data.x")}`,
      "functions/_data.json": '{ "x": }',
    },
    says: ["functions/_data.json:1:"],
  },
  {
    title: "a Node module without nodejs_compat",
    files: {
      "wrangler.toml": 'compatibility_date = "2024-01-01"\n',
      "functions/hello.js": `import fs from "node:fs";\n${GOOD.replace("'hello'", "fs.x")}`,
    },
    says: ["node:fs", "nodejs_compat"],
  },
  {
    title: "a build command that fails",
    by: ["check", "start"],
    files: {
      "wrangler.toml": `${DATE}main = "functions/hello.js"\n[build]\ncommand = "echo broken pipe dream; exit 3"\n`,
    },
    says: ["echo broken pipe dream", "exit status 3", /\nbroken pipe dream/],
  },
  {
    title: "a build command that does not make main",
    files: { "wrangler.toml": `${DATE}main = "dist/a.js"\n[build]\ncommand = "true"\n` },
    says: ["dist/a.js", "does not exist"],
  },
  {
    title: "a link that leads nowhere",
    files: { "functions/hello.js": null, "functions/_x.js": GOOD },
    prepare: async ({ dir }) => {
      await symlink("gone.js", join(dir, "functions/hello.js"));
      return undefined;
    },
    says: ["there is no function", "functions"],
  },
  {
    title: "an exception while loading",
    by: ["start"],
    files: { "functions/hello.js": `const value = undefined;\nvalue.missing;\n${GOOD}` },
    says: ["hello", "TypeError", /functions\/hello\.js:2:\d+/],
  },
  {
    title: "no default export",
    by: ["start"],
    files: { "functions/hello.js": "console.log(1);\n" },
    says: ["hello", "no default export"],
  },
  {
    title: "an export that is no handler",
    by: ["start"],
    files: { "functions/hello.js": `export const limit = 10;\n${GOOD}` },
    says: ["hello", 'its export "limit"'],
  },
  {
    title: "a default export without a handler",
    by: ["start"],
    files: { "functions/hello.js": "export default { get() {} };\n" },
    says: ["hello", "no fetch() handler"],
  },
  {
    title: "a default export of the wrong kind",
    by: ["start"],
    files: { "functions/hello.js": "export default 42;\n" },
    says: ["hello", "no fetch() handler"],
  },
  {
    title: "a function as the default export",
    by: ["start"],
    files: { "functions/hello.js": "export default function fetch() {}\n" },
    says: ["hello", "without a fetch method"],
  },
  {
    title: "imports in a circle that end in nothing",
    by: ["start"],
    files: {
      "functions/hello.js":
        'import { b } from "./_b.js";\nexport const a = b;\nexport default { fetch: a };\n',
      "functions/_b.js": 'import { a } from "./hello.js";\nexport const b = a;\n',
    },
    says: ["hello", "undefined or null"],
  },
  {
    title: "Wasm that is not Wasm",
    by: ["start"],
    files: {
      "functions/hello.js": `import m from "./_x.wasm";\n${GOOD.replace("'hello'", "String(m)")}`,
      "functions/_x.wasm": "certainly not",
    },
    says: ["hello", /wasm/i],
  },
  {
    title: "an unknown compatibility flag",
    by: ["start"],
    files: { "wrangler.toml": `${DATE}compatibility_flags = ["warp_drive"]\n` },
    says: ["hello", "warp_drive"],
  },
  {
    title: "an experimental compatibility flag",
    by: ["start"],
    files: { "wrangler.toml": `${DATE}compatibility_flags = ["experimental"]\n` },
    says: ["hello", "experimental"],
  },
  {
    title: "flags that exclude each other",
    by: ["start"],
    files: { "wrangler.toml": `${DATE}compatibility_flags = ["global_navigator", "no_global_navigator"]\n` },
    says: ["hello", "global_navigator"],
  },
  {
    title: "too many vars",
    by: ["start"],
    files: { "wrangler.toml": `${DATE}[vars]\nbig = "${"x".repeat(1_100_000)}"\n` },
    says: ["hello", /env|vars/],
  },
];
