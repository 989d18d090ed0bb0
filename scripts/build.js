// Builds dist/: the scheduler as one file (fast to start) and the modules that run inside workerd.
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
const quiet = process.argv.includes("--quiet");

rmSync(`${root}/dist`, { recursive: true, force: true });
const common = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  legalComments: "none",
  logLevel: "warning",
};
await Promise.all([
  build({
    ...common,
    entryPoints: { dexter: "scheduler/main.ts" },
    outdir: "dist",
    // Each command's code is a file of its own, so that a command loads only what it needs.
    splitting: true,
    define: { __DEXTER_VERSION__: JSON.stringify(version) },
    platform: "node",
    target: "node20.19",
    packages: "external",
    sourcemap: "linked",
  }),
  build({
    ...common,
    entryPoints: ["runtime/host.ts", "runtime/prelude.ts", "runtime/console.ts"],
    outdir: "dist/runtime",
    platform: "neutral",
    target: "es2024",
    external: ["cloudflare:*", "node:*", "./dexter-*.js"],
  }),
]);
if (!quiet) console.log("built dist/");
