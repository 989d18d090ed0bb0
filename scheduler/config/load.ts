/**
 * Loads a project: the configuration file, the node's settings and every function, checked as a whole.
 * All problems are reported in one error.
 */
import { basename, dirname, extname, resolve } from "node:path";
import { DexterError } from "../errors.ts";
import type { FunctionConfig, Project } from "../types.ts";
import { NEWEST_COMPATIBILITY_DATE } from "./compatibility.ts";
import { configsIn, type Document, kindOf, readDocument, showPath } from "./document.ts";
import { NO_DEFAULTS, overlay } from "./function.ts";
import {
  checkFiles,
  checkNames,
  checkRoutes,
  devVars,
  folderFunctions,
  type Load,
  mainFunction,
} from "./functions.ts";
import { applySet, collectDirectives, parseNode } from "./node.ts";
import { Problems } from "./problems.ts";
import { checkCertificates } from "./tls.ts";
import { parseWrangler } from "./wrangler.ts";

export interface LoadOptions {
  /** Where to look for the configuration, and what messages shorten paths against. */
  readonly cwd: string;
  /** Names the file itself. */
  readonly configPath?: string | undefined;
  /** The wrangler environment, `env.<name>`. */
  readonly envName?: string | undefined;
  /** `--set name=value` options; they win over the file's `[dexter]` table. */
  readonly set?: readonly string[] | undefined;
  /** Whether `.dev.vars` count. */
  readonly dev?: boolean | undefined;
  /** Whether a project without functions is good, or one with a `[dexter]` table: for a node that has them deployed. */
  readonly mayBeEmpty?: boolean | "with directives" | undefined;
}

/**
 * Reads and checks a project. The result is frozen throughout.
 * Throws CONFIG_NOT_FOUND, CONFIG_UNREADABLE, CONFIG_SYNTAX, or CONFIG_INVALID with one problem a line.
 */
export async function loadProject(options: LoadOptions): Promise<Project> {
  const cwd = resolve(options.cwd);
  const { envName, dev = false } = options;
  const load: Load = { cwd, envName, dev, problems: new Problems(), watchFiles: new Set() };
  const { problems } = load;
  const document = await readConfiguration(options.configPath, load);
  const root = dirname(document.path);
  const wrangler = parseWrangler(document, { envName, envRequired: true }, problems);
  const directives = collectDirectives(wrangler.dexter, problems);
  applySet(options.set ?? [], directives, problems);
  const node = parseNode(directives, root, problems);
  checkCertificates(node, directives, problems);
  await checkFiles(wrangler, document, load);

  const defaults = overlay(wrangler, root, await devVars(root, load), NO_DEFAULTS);
  const functions: FunctionConfig[] = [];
  const errorsBefore = problems.errorCount;
  if (wrangler.fields.main !== undefined)
    functions.push(mainFunction(document, wrangler, defaults, node, load));
  else if (wrangler.fields.build?.command !== undefined)
    problems.warn(document, wrangler.pathOf("build"), "runs for main, and there is none; it is ignored");
  functions.push(...(await folderFunctions(document, directives, defaults, node, functions[0]?.main, load)));
  // A main or an entry that is wrong has a problem of its own, which says enough.
  const isEmpty = functions.length === 0 && wrangler.pathOf("main").length === 0;
  const mayBeEmpty =
    options.mayBeEmpty === "with directives" ? wrangler.dexter.length > 0 : options.mayBeEmpty;
  if (isEmpty && !mayBeEmpty && problems.errorCount === errorsBefore)
    problems.error(
      document,
      [],
      `there is no function: add main = "src/index.ts", or put one into ${showPath(node.functionsDir, cwd)}, such as hello.ts`,
    );
  checkNames(functions, load);
  problems.throwIfAny();
  checkRoutes(functions, node, load);
  problems.throwIfAny();
  if (wrangler.fields.compatibility_date === undefined && functions.length > 0)
    problems.warn(
      document,
      ["compatibility_date"],
      `is not set; add compatibility_date = "${NEWEST_COMPATIBILITY_DATE}", the newest that the installed workerd supports and taken for now`,
    );
  return deepFreeze({
    configPath: document.path,
    root,
    node,
    functions,
    warnings: [...problems.warnings],
    watchFiles: [...load.watchFiles],
  });
}

/**
 * Finds the data directory of a project's node, whatever else is wrong with the project. Throws
 * CONFIG_NOT_FOUND, CONFIG_UNREADABLE or CONFIG_SYNTAX, and CONFIG_INVALID for `set`.
 */
export async function findDataDir(options: LoadOptions): Promise<string> {
  const { envName, set = [] } = options;
  const problems = new Problems();
  const load = { cwd: resolve(options.cwd), envName, dev: false, problems, watchFiles: new Set<string>() };
  const document = await readConfiguration(options.configPath, load);
  const { dexter } = parseWrangler(document, { envName, envRequired: true }, problems);
  const directives = collectDirectives(dexter, problems);
  const ofCommand = new Problems();
  applySet(set, directives, ofCommand);
  ofCommand.throwIfAny();
  return parseNode(directives, dirname(document.path), problems).dataDir;
}

async function readConfiguration(configPath: string | undefined, load: Load): Promise<Document> {
  const [found, ...others] = configPath === undefined ? await configsIn(load.cwd) : [];
  const path = resolve(load.cwd, configPath ?? found ?? "wrangler.toml");
  if (![".toml", ".json", ".jsonc"].includes(extname(path)) && (await kindOf(path)) === "file")
    throw new DexterError("CONFIG_INVALID", {
      reason: `${showPath(path, load.cwd)}: must be a .toml, .json or .jsonc file; pass one with --config`,
    });
  const document = await readDocument(path, load.cwd);
  load.watchFiles.add(path);
  if (others.length > 0)
    load.problems.warn(
      document,
      [],
      `is read, and ${others.map((other) => basename(other)).join(" and ")} beside it ignored`,
    );
  return document;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
