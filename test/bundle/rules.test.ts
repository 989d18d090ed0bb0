/** The pure parts of the builder: compatibility, rules, code frames. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeMode } from "../../scheduler/bundle/compat.ts";
import { codeFrame, frameText } from "../../scheduler/bundle/frame.ts";
import { effectiveRules, findRule } from "../../scheduler/bundle/rules.ts";

test("date and flags decide what a function has of Node.js", () => {
  const cases: [date: string, flags: string[], mode: string][] = [
    ["2024-01-01", [], "none"],
    ["2024-01-01", ["nodejs_als"], "als"],
    ["2024-01-01", ["nodejs_compat"], "v1"],
    ["2024-01-01", ["nodejs_compat_v2"], "v2"],
    ["2024-09-23", ["nodejs_compat"], "v2"],
    ["2024-09-23", ["nodejs_compat", "no_nodejs_compat_v2"], "v1"],
    ["2026-08-03", [], "none"],
    ["2026-08-04", [], "v2"],
    ["2026-08-04", ["no_nodejs_compat"], "none"],
    ["2026-08-04", ["no_nodejs_compat", "no_nodejs_compat_v2"], "none"],
    ["2026-08-04", ["no_nodejs_compat_v2"], "v1"],
  ];
  for (const [compatibilityDate, compatibilityFlags, mode] of cases) {
    assert.equal(
      nodeMode({ compatibilityDate, compatibilityFlags }),
      mode,
      `${compatibilityDate} ${compatibilityFlags}`,
    );
  }
});

test("rules match as globs do, the user's before the defaults", () => {
  const rules = effectiveRules([
    { type: "Data", globs: ["assets/*.txt"], fallthrough: true },
    { type: "Text", globs: ["*.{md,mdx}"], fallthrough: true },
  ]);
  const typeOf = (file: string) => findRule(rules, file)?.type;
  assert.equal(typeOf("assets/a.txt"), "Data");
  assert.equal(typeOf("./assets/a.txt"), "Data");
  assert.equal(typeOf("assets/deep/a.txt"), "Text");
  assert.equal(typeOf("../a.txt"), "Text");
  assert.equal(typeOf("deep/x.mdx"), "Text");
  assert.equal(typeOf("x.wasm?module"), "CompiledWasm");
  assert.equal(typeOf("x.wasm"), "CompiledWasm");
  assert.equal(typeOf("x_wasm"), undefined);
  assert.equal(typeOf("x.ts"), undefined);
  const ended = effectiveRules([{ type: "Text", globs: ["**/*.md"], fallthrough: false }]);
  assert.equal(findRule(ended, "a.txt"), undefined);
});

test("a code frame shows the lines around its mark, tabs kept", () => {
  const frame = codeFrame("one\r\ntwo\n\tthree\n", 3, 2, 5)!;
  assert.equal(frameText(frame), ["  1 | one", "  2 | two", "> 3 | \tthree", "    | \t^^^^^"].join("\n"));
  assert.equal(codeFrame("one", 2, 1, 1), undefined);
});
