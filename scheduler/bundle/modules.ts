/**
 * Files that stay modules of their own beside the bundle (Wasm, text, data), and the modules of a
 * function that is not bundled at all.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { OnResolveArgs, OnResolveResult, Plugin } from "esbuild";
import type { FunctionConfig, VersionModule } from "../types.ts";
import { hashedName, moduleOf } from "../versions/version.ts";
import { BuildError, plainProblem } from "./problems.ts";
import { effectiveRules, findRule, globToRegExp, type ModuleRule } from "./rules.ts";

const isScript = ({ type }: ModuleRule) => type === "ESModule" || type === "CommonJS";
const posix = (file: string) => file.replaceAll(path.sep, "/");

/** What the plugin found in the build under way. */
export interface CollectedModules {
  readonly modules: Record<string, VersionModule>;
  readonly files: Set<string>;
}

/** Takes imports that match a rule out of the bundle; each build leaves its finds in `found()`. */
export function moduleCollector(userRules: readonly ModuleRule[]): {
  plugin: Plugin;
  found(): CollectedModules;
} {
  const rules = effectiveRules(userRules).filter((rule) => !isScript(rule));
  let found: CollectedModules = { modules: {}, files: new Set() };
  const filter = new RegExp(rules.flatMap(({ globs }) => globs.map(importFilter)).join("|") || "^$");
  const plugin: Plugin = {
    name: "dexter-modules",
    setup(build) {
      build.onStart(() => {
        found = { modules: {}, files: new Set() };
      });
      build.onResolve({ filter }, async (args): Promise<OnResolveResult | undefined> => {
        if (args.kind === "entry-point" || args.pluginData === plugin) return undefined;
        const rule = findRule(rules, args.path);
        if (!rule) return undefined;
        const resolved = await resolve(args);
        if (resolved.errors.length > 0) return { errors: resolved.errors };
        const file = resolved.path;
        if (resolved.external || resolved.namespace !== "file") return undefined;
        const content = await readFile(file);
        const name = hashedName(content, path.basename(file));
        found.modules[name] = moduleOf(rule.type, content);
        found.files.add(file);
        return { path: `./${name}`, external: true };
      });
      // esbuild's own resolver knows packages, their `exports`, and tsconfig's paths.
      const resolve = ({ path: specifier, importer, resolveDir, kind, namespace }: OnResolveArgs) =>
        build.resolve(specifier.replace(/\?module$/, ""), {
          importer,
          resolveDir,
          kind,
          namespace,
          pluginData: plugin,
        });
    },
  };
  return { plugin, found: () => found };
}

/** What findRule accepts, as a filter that esbuild applies before anything crosses to us. */
function importFilter(glob: string): string {
  return globToRegExp(glob).source.replace("^", "^(?:\\.{0,2}/)*");
}

/** The modules of a `no_bundle` function: `main` as it is, and every file beside or below it that a rule matches. */
export async function collectUnbundled(
  fn: FunctionConfig,
): Promise<CollectedModules & { mainModule: string }> {
  const root = path.dirname(fn.main);
  const rules = effectiveRules(fn.build.rules);
  const mainModule = path.basename(fn.main);
  if (/\.[cm]?tsx?$|\.jsx$/.test(mainModule)) {
    throw new BuildError([
      plainProblem(
        fn.main,
        "no_bundle takes modules as they are, and the runtime cannot read this one; remove no_bundle or compile it first",
      ),
    ]);
  }
  const modules: Record<string, VersionModule> = { [mainModule]: { js: await readFile(fn.main, "utf8") } };
  const files = new Set([fn.main]);
  for await (const file of filesBelow(root)) {
    const name = posix(path.relative(root, file));
    const rule = findRule(rules, name);
    if (!rule || file === fn.main || file === fn.configPath) continue;
    modules[name] = moduleOf(rule.type, await readFile(file));
    files.add(file);
  }
  return { modules, files, mainModule };
}

/** Files in name order; hidden folders and node_modules left out. */
async function* filesBelow(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = path.join(folder, entry.name);
    if (entry.isFile()) yield file;
    else if (entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules")
      yield* filesBelow(file);
  }
}
