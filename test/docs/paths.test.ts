/** Every file that a document, a comment or a text of the program names is there. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { SOURCE_FOLDERS, sources } from "../../scripts/house.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Everything but functions/, which every project has. */
const FOLDERS = [
  "docs",
  "packaging",
  "page",
  "runtime",
  "scheduler",
  "scripts",
  "simulate",
  "bench",
  "templates",
  "test",
];
const PATH = new RegExp(
  `(?<![\\w./@<-])(?:${FOLDERS.join("|")})/[\\w.-]+(?:/[\\w.-]+)*/?(?![\\w/*<{$]|\\.\\*)`,
  "g",
);
const DOCUMENT = /(?<![\w./-])[A-Z][A-Z-]+\.md\b/g;
/** A source by its name alone. */
const SOURCE = /(?<![\w./*-])[a-z][\w-]*\.ts\b(?!\.)/g;

const inRoot = (pattern: RegExp) => readdirSync(root).filter((name) => pattern.test(name));
const below = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .filter((file) => !file.includes("node_modules"));
const read = (file: string) => readFileSync(join(root, file), "utf8");

const allSources = [...SOURCE_FOLDERS, "test"].flatMap(sources);
/** What it says of earlier versions was true of them. */
const documents = [...inRoot(/\.md$/), ...below("docs"), ...below("test")]
  .filter((file) => file.endsWith(".md") && file !== "CHANGELOG.md")
  .sort();
const SETTINGS = [...inRoot(/\.(?:json|toml)$/), ".ci/run"].filter(
  (file) => file !== "package-lock.json" && existsSync(join(root, file)),
);

const commentsOf = (text: string) =>
  [...text.matchAll(/\/\*[\s\S]*?\*\/|(?<![:"'`\\])\/\/ .*$/gm)].join("\n");

/** Paths in this text that lead nowhere, neither among the sources nor among what is built from them. */
function lost(text: string): string[] {
  return [...text.matchAll(PATH)]
    .map(([path]) => path.replace(/\.+$/, ""))
    .filter((path) => !existsSync(join(root, path)) && !existsSync(join(root, "dist", path)));
}

/** Documents and sources that this text names, without their folder, and that are nowhere. */
function unknown(text: string, known: ReadonlySet<string>): string[] {
  return [...text.matchAll(DOCUMENT), ...text.matchAll(SOURCE)]
    .map(([name]) => name)
    .filter((name) => !known.has(name));
}

const names = new Set(
  [...documents, "CHANGELOG.md", ...allSources, ...below("templates"), ...below("functions")].map((file) =>
    basename(file),
  ),
);

describe("files", () => {
  for (const file of documents)
    it(`exist when ${file} names them`, () => {
      assert.deepEqual(lost(read(file)), []);
      assert.deepEqual(
        [...read(file).matchAll(DOCUMENT)].map(([name]) => name).filter((name) => !names.has(name)),
        [],
      );
    });

  it("exist when a comment names them", () => {
    const wrong = allSources.flatMap((file) => {
      const comments = commentsOf(read(file));
      // Tests tell of files that they make.
      const others = file.startsWith("test/") ? [] : unknown(comments, names);
      return [...lost(comments), ...others].map((name) => `${file}: ${name}`);
    });
    assert.deepEqual(wrong, []);
  });

  it("exist when a text of the program names them", () => {
    const wrong = [...SOURCE_FOLDERS.flatMap(sources), ...SETTINGS].flatMap((file) =>
      lost(read(file)).map((name) => `${file}: ${name}`),
    );
    assert.deepEqual(wrong, []);
  });

  it("that are not there are found", () => {
    assert.deepEqual(lost("see scheduler/gone.ts, test/docs/ and `docs/gone.md`."), [
      "scheduler/gone.ts",
      "docs/gone.md",
    ]);
    assert.deepEqual(unknown("as GONE.md and paths.test.ts say; gone.ts", names), ["GONE.md", "gone.ts"]);
  });
});
