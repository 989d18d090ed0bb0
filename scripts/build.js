// Builds dist/: the scheduler with the packages it uses (few files are fast to start) and the modules that
// run inside workerd, the status page, and the notices of what is bundled. Files are put in place one by one, each whole, the
// entry last: a dexter or a test run that uses dist/ meanwhile keeps working.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { notices } from "./notices.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = path.join(root, "dist");
const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
const quiet = process.argv.includes("--quiet");
/** Removes what earlier builds left at once; without it, only when nothing can be using it any more. */
const clean = process.argv.includes("--clean");
const STALE_AFTER_MS = 3_600_000;

/** They find files of theirs beside themselves; these alone are package.json's `dependencies`. */
const EXTERNAL = ["workerd", "esbuild", "unenv", "@cloudflare/unenv-preset"];

const common = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  // They are in the notices.
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  write: false,
};
const builds = await Promise.all([
  build({
    ...common,
    entryPoints: { dexter: "scheduler/main.ts" },
    outdir: "dist",
    // Each command's code is a file of its own, so that a command loads only what it needs.
    splitting: true,
    define: { __DEXTER_VERSION__: JSON.stringify(version) },
    platform: "node",
    target: "node20.19",
    external: EXTERNAL,
    mainFields: ["module", "main"],
    // Packages in CommonJS ask for Node.js' own modules with require().
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    sourcemap: "linked",
    sourcesContent: false,
  }),
  build({
    ...common,
    entryPoints: [
      "runtime/host.ts",
      "runtime/prelude.ts",
      "runtime/console.ts",
      "runtime/fetch.ts",
      "runtime/turn.ts",
    ],
    outdir: "dist/runtime",
    platform: "neutral",
    target: "es2024",
    external: ["cloudflare:*", "node:*", "./dexter-*.js"],
  }),
  build({
    ...common,
    entryPoints: [
      { in: "page/main.ts", out: "page" },
      { in: "page/page.css", out: "page" },
      { in: "page/index.html", out: "index" },
    ],
    outdir: "dist/page",
    loader: { ".html": "copy" },
    minify: true,
    platform: "browser",
    target: ["es2022", "chrome111", "firefox113", "safari16.4"],
  }),
]);

const files = [
  ...builds.flatMap(({ outputFiles }) => outputFiles),
  {
    path: path.join(dist, "THIRD-PARTY-NOTICES.md"),
    contents: notices(
      builds.map(({ metafile }) => metafile),
      root,
    ),
  },
];
const isEntry = (file) => file.path === path.join(dist, "dexter.js");
files.sort((a, b) => isEntry(a) - isEntry(b));
for (const { path: file, contents } of files) {
  const aside = `${file}.${process.pid}.tmp`;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(aside, contents);
  renameSync(aside, file);
}
removeStale(new Set(files.map((file) => file.path)));
if (!quiet) console.log("built dist/");

/** A running dexter may yet load its files of an earlier build. */
function removeStale(current) {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isDirectory() || current.has(file)) continue;
    const ageMs = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (clean || ageMs > STALE_AFTER_MS) rmSync(file, { force: true });
  }
}
