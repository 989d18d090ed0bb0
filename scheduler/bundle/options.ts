/**
 * How esbuild is asked to bundle a function: wrangler's rules, paths relative to the function's folder.
 */
import path from "node:path";
import type { BuildOptions, Plugin } from "esbuild";
import type { FunctionConfig } from "../types.ts";
import { hasNavigator } from "./compat.ts";

/** The bundle's name as a module of the version. */
export const BUNDLE_NAME = "index.js";

/** Nothing is written there: the folder only keeps the output's name apart from every input's. */
const OUTPUT_FOLDER = ".dexter-bundle";

export interface BundlePaths {
  /** The function's folder with symbolic links resolved, because esbuild resolves those of inputs. */
  readonly root: string;
  readonly main: string;
}

export function esbuildOptions(fn: FunctionConfig, paths: BundlePaths, dev: boolean, plugins: Plugin[]) {
  const { build } = fn;
  return {
    entryPoints: [paths.main],
    absWorkingDir: paths.root,
    outfile: outputFile(paths.root),
    bundle: true,
    write: false,
    metafile: true,
    logLevel: "silent",
    format: "esm",
    target: "es2024",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    mainFields: ["browser", "module", "main"],
    loader: { ".js": "jsx", ".mjs": "jsx", ".cjs": "jsx" },
    external: ["cloudflare:*", "workerd:*"],
    charset: "utf8",
    legalComments: "none",
    sourcemap: "external",
    minify: build.minify,
    keepNames: build.keepNames,
    define: {
      ...(hasNavigator(fn) ? { "navigator.userAgent": '"Cloudflare-Workers"' } : {}),
      "process.env.NODE_ENV": dev ? '"development"' : '"production"',
      ...build.define,
    },
    ...(build.tsconfig === undefined ? {} : { tsconfig: build.tsconfig }),
    plugins: [aliasPlugin(build.alias, paths.root), ...plugins],
  } satisfies BuildOptions;
}

export function outputFile(root: string): string {
  return path.join(root, OUTPUT_FOLDER, BUNDLE_NAME);
}

/**
 * `alias` as a plugin: esbuild's own option acts after all plugins, and a user's alias must win over the
 * replacements for Node.js modules.
 */
function aliasPlugin(alias: Readonly<Record<string, string>>, root: string): Plugin {
  const plugin: Plugin = {
    name: "dexter-alias",
    setup(build) {
      const names = Object.keys(alias).map((name) => name.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&"));
      if (names.length === 0) return;
      build.onResolve({ filter: new RegExp(`^(?:${names.join("|")})$`) }, (args) => {
        const target = alias[args.path];
        if (target === undefined || args.pluginData === plugin) return undefined;
        return build.resolve(target, { kind: args.kind, resolveDir: root, pluginData: plugin });
      });
    },
  };
  return plugin;
}
