/** Puts one function's configuration together from its own file and the project's defaults. */
import { resolve } from "node:path";
import type { BuildSettings, FunctionConfig, FunctionDirectives } from "../types.ts";
import { NEWEST_COMPATIBILITY_DATE } from "./compatibility.ts";
import { routesOf, type WranglerConfig } from "./wrangler.ts";

/** What a function takes from the project unless it says otherwise. */
export interface FunctionDefaults {
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly vars: Readonly<Record<string, unknown>>;
  /** Of the project's `.dev.vars`; they win over every `vars`. */
  readonly devVars: Readonly<Record<string, string>>;
  readonly build: BuildSettings;
}

/** The defaults of a project that sets nothing. */
export const NO_DEFAULTS: FunctionDefaults = {
  compatibilityDate: NEWEST_COMPATIBILITY_DATE,
  compatibilityFlags: [],
  vars: {},
  devVars: {},
  build: { rules: [], define: {}, alias: {}, minify: false, keepNames: true, noBundle: false },
};

/** What a file adds to the defaults: its own settings win, key by key for `vars`, `define` and `alias`. */
export function overlay(
  { fields }: WranglerConfig,
  root: string,
  devVars: Readonly<Record<string, string>>,
  defaults: FunctionDefaults,
): FunctionDefaults {
  return {
    compatibilityDate: fields.compatibility_date ?? defaults.compatibilityDate,
    compatibilityFlags: fields.compatibility_flags ?? defaults.compatibilityFlags,
    vars: { ...defaults.vars, ...fields.vars },
    devVars: { ...defaults.devVars, ...devVars },
    build: overlayBuild(fields, root, defaults.build),
  };
}

function overlayBuild(
  fields: WranglerConfig["fields"],
  root: string,
  defaults: BuildSettings,
): BuildSettings {
  const tsconfig = fields.tsconfig === undefined ? defaults.tsconfig : resolve(root, fields.tsconfig);
  // Own rules first: the first rule that matches a module decides.
  const rules = (fields.rules ?? []).map((rule) => ({ ...rule, fallthrough: rule.fallthrough ?? false }));
  // A relative target means the folder of the file it stands in, which the function may not be in.
  const alias = Object.entries(fields.alias ?? {}).map(([from, to]) => [
    from,
    /^\.\.?\//.test(to) ? resolve(root, to) : to,
  ]);
  const { command, cwd = ".", watch_dir: watchDir = ["src"] } = fields.build ?? {};
  return {
    rules: [...rules, ...defaults.rules],
    define: { ...defaults.define, ...fields.define },
    alias: { ...defaults.alias, ...Object.fromEntries(alias) },
    minify: fields.minify ?? defaults.minify,
    keepNames: fields.keep_names ?? defaults.keepNames,
    ...(tsconfig !== undefined && { tsconfig }),
    noBundle: fields.no_bundle ?? defaults.noBundle,
    ...(command !== undefined && {
      command: {
        line: command,
        cwd: resolve(root, cwd),
        watchDir: watchDir.map((path) => resolve(root, path)),
      },
    }),
  };
}

/** A build command belongs to the file it stands in; the other settings are fit for all functions. */
export function withoutCommand(defaults: FunctionDefaults): FunctionDefaults {
  const { command: _, ...build } = defaults.build;
  return { ...defaults, build };
}

/** The finished function. `config` is its own file, if it has one. */
export function finishFunction(
  identity: { name: string; main: string; root: string; configPath?: string | undefined; catchAll: boolean },
  settings: FunctionDefaults,
  directives: FunctionDirectives,
  config?: WranglerConfig,
): FunctionConfig {
  const { configPath, ...rest } = identity;
  return {
    ...rest,
    ...(configPath !== undefined && { configPath }),
    compatibilityDate: settings.compatibilityDate,
    compatibilityFlags: settings.compatibilityFlags,
    vars: { ...settings.vars, ...settings.devVars },
    routes: config ? routesOf(config) : [],
    ...directives,
    build: settings.build,
  };
}
