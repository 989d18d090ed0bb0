/** The notices of bundled packages: which are named, and what is said of one that has no license text. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { makeFolder } from "../support/function.ts";

const { notices } = await import(new URL("../../scripts/notices.js", import.meta.url).href);

it("names bundled packages once, in order, with license text or else author", async (test) => {
  const manifest = (fields: object) => JSON.stringify({ version: "1.0.0", license: "MIT", ...fields });
  const folder = await makeFolder({
    "node_modules/b/package.json": manifest({ name: "b", author: { name: "Somebody" } }),
    "node_modules/@a/a/package.json": manifest({ name: "@a/a", author: "Nobody" }),
    "node_modules/@a/a/LICENSE.md": "Copyright (c) Another  \r\n\r\nDo what you want.\r\n",
    "node_modules/@a/a/node_modules/b/package.json": manifest({ name: "b", version: "2.0.0" }),
    "node_modules/unused/package.json": manifest({ name: "unused" }),
  });
  test.after(() => folder.remove());
  const inputs = {
    "main.ts": { bytesInOutput: 9 },
    "node_modules/b/x.js": { bytesInOutput: 9 },
    "node_modules/b/y.js": { bytesInOutput: 9 },
    "node_modules/@a/a/lib/x.js": { bytesInOutput: 9 },
    "node_modules/@a/a/node_modules/b/x.js": { bytesInOutput: 9 },
    "node_modules/unused/x.js": { bytesInOutput: 0 },
  };
  const text: string = notices([{ outputs: { "dexter.js": { inputs } } }, { outputs: {} }], folder.dir);
  assert.deepEqual(text.slice(text.indexOf("## ")).split(/^(?=## )/m), [
    "## @a/a 1.0.0\n\nLicense: MIT\n\n```text\nCopyright (c) Another\n\nDo what you want.\n```\n\n",
    "## b 1.0.0\n\nLicense: MIT\n\nAuthor: Somebody\n\n",
    "## b 2.0.0\n\nLicense: MIT\n",
  ]);
});
