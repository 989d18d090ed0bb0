/** The functions of a project: the one that `main` names, and those of the functions folder. */
import { basename, dirname, resolve } from "node:path";
import { findConflicts, parseRoute } from "../policy/routes.ts";
import type { FunctionConfig, NodeConfig } from "../types.ts";
import { readDevVars } from "./dev-vars.ts";
import { type Document, kindOf, readDocument, showPath } from "./document.ts";
import { type FolderEntry, listFolder, pathSource } from "./folder.ts";
import { type FunctionDefaults, finishFunction, overlay, withoutCommand } from "./function.ts";
import { nodeDirectives, parseFunctionDirectives } from "./node.ts";
import { type Entries, formatValue, type Problems } from "./problems.ts";
import { DNS_LABEL, NAME_RULE } from "./values.ts";
import { parseWrangler, type WranglerConfig } from "./wrangler.ts";

/** What the steps of one load share. */
export interface Load {
  readonly cwd: string;
  readonly envName: string | undefined;
  readonly dev: boolean;
  readonly problems: Problems;
  readonly watchFiles: Set<string>;
}

/** The values of a folder's `.dev.vars`, in dev. */
export async function devVars(folder: string, load: Load): Promise<Record<string, string>> {
  if (!load.dev) return {};
  const { vars, files } = await readDevVars(folder, load.envName, load.cwd);
  for (const file of files) load.watchFiles.add(file);
  return vars;
}

/** The function that `main` names; it gets every path. */
export function mainFunction(
  document: Document,
  wrangler: WranglerConfig,
  defaults: FunctionDefaults,
  node: NodeConfig,
  load: Load,
): FunctionConfig {
  const root = dirname(document.path);
  const name = mainName(root, wrangler, load.envName);
  if (wrangler.fields.name !== undefined && !DNS_LABEL.test(name))
    load.problems.error(
      document,
      wrangler.pathOf("name"),
      `${NAME_RULE}, with its environment (got "${name}")`,
    );
  const main = resolve(root, wrangler.fields.main!);
  return finishFunction(
    { name, main, root, configPath: document.path, catchAll: true },
    defaults,
    nodeDirectives(node),
    wrangler,
  );
}

/** The name of the main function: as set, with the environment behind it unless that has a name of its own. */
function mainName(root: string, { fields, pathOf }: WranglerConfig, envName: string | undefined): string {
  const fromFolder = basename(root)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replace(/^-+|-+$/g, "");
  const name = fields.name ?? (fromFolder || "main");
  return envName === undefined || pathOf("name")[0] === "env" ? name : `${name}-${envName}`;
}

/** The functions of the folder, but for the one that is the project's `main` already. */
export async function folderFunctions(
  document: Document,
  directives: Entries,
  defaults: FunctionDefaults,
  node: NodeConfig,
  main: string | undefined,
  load: Load,
): Promise<FunctionConfig[]> {
  const setting = directives.get("functions");
  const kind = await kindOf(node.functionsDir);
  if (kind === "file" || (kind === "none" && setting)) {
    const { source, path } = setting ?? { source: document, path: ["dexter", "functions"] };
    load.problems.error(
      source,
      path,
      `must be a folder, and ${showPath(node.functionsDir, load.cwd)} is none; create it or name another`,
    );
  }
  if (kind !== "folder") return [];
  const functions: FunctionConfig[] = [];
  for (const entry of await listFolder(node.functionsDir, load.cwd, load.problems)) {
    if (entry.main !== undefined && entry.main === main) continue;
    const found = await folderFunction(entry, document, withoutCommand(defaults), node, load);
    if (found) functions.push(found);
  }
  return functions;
}

async function folderFunction(
  entry: FolderEntry,
  project: Document,
  defaults: FunctionDefaults,
  node: NodeConfig,
  load: Load,
): Promise<FunctionConfig | undefined> {
  const { cwd, envName, problems } = load;
  if (entry.configPath === undefined) {
    const isFile = entry.path === entry.main;
    const vars = isFile ? {} : await devVars(entry.path, load);
    const settings = { ...defaults, devVars: { ...defaults.devVars, ...vars } };
    const root = isFile ? dirname(project.path) : entry.path;
    return finishFunction(
      { name: entry.name, main: entry.main!, root, catchAll: false },
      settings,
      nodeDirectives(node),
    );
  }
  const document = await readDocument(entry.configPath, cwd);
  load.watchFiles.add(document.path);
  const config = parseWrangler(document, { envName, envRequired: false }, problems);
  const directives = parseFunctionDirectives(config.dexter, node, project.shown, problems);
  await checkFiles(config, document, load);
  const settings = overlay(config, entry.path, await devVars(entry.path, load), defaults);
  const name = config.fields.name ?? entry.name;
  if (config.pathOf("name").length === 0 && !DNS_LABEL.test(name))
    problems.error(document, ["name"], `${NAME_RULE} (got "${name}" from its folder); set name`);
  const main = config.fields.main === undefined ? entry.main : resolve(entry.path, config.fields.main);
  if (main === undefined) {
    if (config.pathOf("main").length === 0)
      problems.error(
        document,
        ["main"],
        'must name the entry module, such as main = "src/index.ts": there is no index.ts',
      );
    return undefined;
  }
  return finishFunction(
    { name, main, root: entry.path, configPath: document.path, catchAll: false },
    settings,
    directives,
    config,
  );
}

/** Reports functions that share a name. */
export function checkNames(functions: readonly FunctionConfig[], { cwd, problems }: Load): void {
  const byName = new Map<string, FunctionConfig>();
  for (const found of functions) {
    const other = byName.get(found.name);
    if (other)
      problems.error(
        pathSource(found.main, cwd),
        [],
        `is a second function named "${found.name}", beside ${showPath(other.main, cwd)}; rename one of them`,
      );
    else byName.set(found.name, found);
  }
}

/** Reports routes that several functions were given. A given route may well take a default one's place. */
export function checkRoutes(
  functions: readonly FunctionConfig[],
  { baseDomain }: NodeConfig,
  { cwd, problems }: Load,
): void {
  const fileOf = ({ configPath, main }: FunctionConfig) => showPath(configPath ?? main, cwd);
  for (const { pattern } of findConflicts(functions, { baseDomain })) {
    const [first, ...others] = functions.filter(({ routes }) =>
      routes.some((route) => parseRoute(route).pattern === pattern),
    );
    for (const other of others)
      problems.error(
        { at: () => fileOf(other) },
        [],
        `function "${other.name}" has the route "${pattern}", and so has "${first!.name}" (${fileOf(first!)}); leave it to one of them`,
      );
  }
}

/** Reports files that a configuration names and that are not there. */
export async function checkFiles(
  config: WranglerConfig,
  document: Document,
  { cwd, problems }: Load,
): Promise<void> {
  const root = dirname(document.path);
  const { main, tsconfig, build } = config.fields;
  // A build command may be what makes `main`.
  for (const [field, value] of Object.entries({
    main: build?.command === undefined ? main : undefined,
    tsconfig,
  })) {
    if (value === undefined) continue;
    const path = resolve(root, value);
    if ((await kindOf(path)) !== "file")
      problems.error(
        document,
        config.pathOf(field),
        `there is no file ${showPath(path, cwd)}; create it, or name another (got ${formatValue(value)})`,
      );
  }
}
