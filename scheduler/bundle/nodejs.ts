/**
 * esbuild plugins for imports of Node.js' own modules: left to the runtime where workerd has them, replaced
 * by unenv's stand-ins where it has not (as wrangler does), an error that names the flag without
 * `nodejs_compat`.
 */
import { readFile } from "node:fs/promises";
import { builtinModules, createRequire } from "node:module";
import path from "node:path";
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";
import type { defineEnv } from "unenv";
import type { Compatibility, NodeMode } from "./compat.ts";

/** Modules that only re-export a Node.js module to `require`. */
const REQUIRED = "node-required";
/** Files of unenv, by their path below node_modules: bundles must not depend on where dexter is installed. */
const POLYFILL = "node-polyfill";
/** Modules that set the globals which the runtime lacks. */
const GLOBALS = "node-globals";

const require = createRequire(import.meta.url);
const builtins = new Set(builtinModules.filter((name) => !name.startsWith("node:")));

/** The plugin for a mode; `v2` loads unenv, which the other modes go without. */
export async function nodejsPlugin(mode: NodeMode, compat: Compatibility): Promise<Plugin> {
  if (mode === "v2") return polyfillPlugin(compat);
  return {
    name: "dexter-nodejs",
    setup(build) {
      build.onResolve({ filter: filterOf(builtins) }, (args) => {
        const name = bareName(args.path);
        if (name === undefined) return undefined;
        if (mode === "v1" || (mode === "als" && name === "async_hooks"))
          return external(`node:${name}`, args);
        // A dynamic import may be guarded at run time; all else is esbuild's error, with our hint.
        return args.kind === "dynamic-import" && args.path.startsWith("node:")
          ? { path: args.path, external: true }
          : undefined;
      });
      provideRequired(build);
    },
  };
}

/** The builtin that a specifier means, without `node:`; undefined for anything else. */
export function bareName(specifier: string): string | undefined {
  if (specifier.startsWith("node:")) return specifier.slice("node:".length);
  return builtins.has(specifier) ? specifier : undefined;
}

/** Matches `node:` specifiers and these names. */
function filterOf(names: Iterable<string>): RegExp {
  return new RegExp(`^(?:node:.+|${[...names].map((name) => name.replace(/[.]/g, "\\.")).join("|")})$`);
}

/** An import left to the runtime. ES modules have no `require`, so that one gets a module in between. */
function external(specifier: string, args: OnResolveArgs): OnResolveResult {
  return args.kind === "require-call"
    ? { path: specifier, namespace: REQUIRED }
    : { path: specifier, external: true };
}

function provideRequired(build: PluginBuild): void {
  build.onLoad({ filter: /.*/, namespace: REQUIRED }, ({ path: specifier }) => ({
    contents:
      bareName(specifier) === undefined
        ? `import * as all from ${JSON.stringify(specifier)};
const { default: main = {}, ...named } = all;
module.exports = Object.defineProperties(main, Object.getOwnPropertyDescriptors(named));`
        : `import value from ${JSON.stringify(specifier)};\nmodule.exports = value;`,
    loader: "js",
  }));
}

type NodeEnvironment = ReturnType<typeof defineEnv>["env"];
const environments = new Map<string, NodeEnvironment>();

/** What unenv says of a date and flags. Working that out looks for many files, so it is done once. */
async function nodeEnvironment({
  compatibilityDate,
  compatibilityFlags,
}: Compatibility): Promise<NodeEnvironment> {
  const key = JSON.stringify([compatibilityDate, compatibilityFlags]);
  const [unenv, { getCloudflarePreset }] = await Promise.all([
    import("unenv"),
    import("@cloudflare/unenv-preset"),
  ]);
  const known = environments.get(key);
  if (known) return known;
  const preset = getCloudflarePreset({ compatibilityDate, compatibilityFlags: [...compatibilityFlags] });
  const { env } = unenv.defineEnv({ presets: [preset], npmShims: true });
  environments.set(key, env);
  return env;
}

async function polyfillPlugin(compat: Compatibility): Promise<Plugin> {
  const { alias, inject, polyfill, external: native } = await nodeEnvironment(compat);
  const natives = new Set(native);

  return {
    name: "dexter-nodejs",
    setup(build) {
      const globals = globalModules(inject, polyfill);
      build.initialOptions.inject = [...(build.initialOptions.inject ?? []), ...globals.keys()];

      build.onResolve({ filter: filterOf([...builtins, ...Object.keys(alias)]) }, (args) => {
        const target = alias[args.path];
        const name = bareName(args.path);
        if (target !== undefined && !natives.has(target)) {
          // A package of npm that unenv replaces, or a builtin that the runtime lacks.
          return args.kind === "require-call"
            ? { path: args.path, namespace: REQUIRED }
            : polyfillFile(target);
        }
        return name === undefined ? undefined : external(`node:${name}`, args);
      });
      build.onResolve({ filter: /^(?:unenv|@cloudflare\/unenv-preset)\// }, (args) =>
        args.namespace === POLYFILL || args.namespace === GLOBALS ? polyfillFile(args.path) : undefined,
      );
      build.onResolve({ filter: /^\.\.?\//, namespace: POLYFILL }, (args) => ({
        path: path.posix.join(path.posix.dirname(args.importer), args.path),
        namespace: POLYFILL,
        sideEffects: false,
      }));
      build.onLoad({ filter: /.*/, namespace: POLYFILL }, async (args) => ({
        contents: await polyfillSource(args.path),
        loader: "js",
      }));
      build.onResolve({ filter: /^node-globals:/ }, (args) => ({
        path: args.path.slice(GLOBALS.length + 1),
        namespace: GLOBALS,
      }));
      build.onLoad({ filter: /.*/, namespace: GLOBALS }, (args) => ({
        contents: globals.get(`${GLOBALS}:${args.path}`) ?? "",
        loader: "js",
      }));
      provideRequired(build);
    },
  };
}

/** The sources of the modules that set globals, by the name under which the build injects them. */
function globalModules(
  inject: Readonly<Record<string, string | readonly string[]>>,
  polyfill: readonly string[],
): Map<string, string> {
  const modules = new Map<string, string>();
  for (const [name, source] of Object.entries(inject)) {
    const [from, exported] = typeof source === "string" ? [source, "default"] : [source[0]!, source[1]!];
    modules.set(
      `${GLOBALS}:${name.toLowerCase()}`,
      `import { ${exported} as value } from ${JSON.stringify(from)};\nglobalThis.${name} = value;`,
    );
  }
  polyfill.forEach((specifier, index) => {
    modules.set(`${GLOBALS}:polyfill-${index}`, `import ${JSON.stringify(specifier)};`);
  });
  return modules;
}

/** A file of unenv or its preset as a module named by its path from the package's folder. */
function polyfillFile(specifier: string): OnResolveResult {
  const file = require.resolve(specifier);
  const name = specifier.startsWith("@") ? "@cloudflare/unenv-preset" : "unenv";
  const below = path.relative(packageDir(name), file).replaceAll("\\", "/");
  return { path: `${name}/${below}`, namespace: POLYFILL, sideEffects: below.includes("/polyfill/") };
}

const sources = new Map<string, Promise<string>>();

/** Read once: they do not change while dexter runs, and every rebuild asks for them. */
function polyfillSource(modulePath: string): Promise<string> {
  const known = sources.get(modulePath);
  if (known) return known;
  const name = modulePath.startsWith("@") ? "@cloudflare/unenv-preset" : "unenv";
  const source = readFile(path.join(packageDir(name), modulePath.slice(name.length)), "utf8");
  sources.set(modulePath, source);
  return source;
}

function packageDir(name: string): string {
  return path.dirname(require.resolve(`${name}/package.json`));
}
