// Builds dist/: the scheduler as one file (fast to start) and the modules that run inside workerd.
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const quiet = process.argv.includes("--quiet");

rmSync(`${root}/dist`, { recursive: true, force: true });
const common = { absWorkingDir: root, bundle: true, format: "esm", legalComments: "none", logLevel: "warning" };
await Promise.all([
  build({
    ...common,
    entryPoints: ["scheduler/main.ts"],
    outfile: "dist/dexter.js",
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
    external: ["cloudflare:*", "node:*", "dexter:*"],
  }),
]);
if (!quiet) console.log("built dist/");
