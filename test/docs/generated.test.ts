/** The pages of docs/ that are made from the code are what the code makes of them. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { PAGES } from "../../scripts/docs/main.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

for (const [file, page] of Object.entries(PAGES))
  describe(file, () => {
    it("is what `npm run docs` writes", () => {
      assert.equal(readFileSync(join(root, file), "utf8"), page());
    });

    if (!file.endsWith(".md")) return;
    it("has no link that leads nowhere", () => {
      for (const [, target] of page().matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g))
        assert.ok(existsSync(join(root, dirname(file), target!)), target);
    });
  });
