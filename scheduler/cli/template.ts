/**
 * `dexter init`: writes a small project that runs as it is. The template is a folder of ordinary files in
 * the package; `{{name}}` in them becomes the project's name, `{{package}}` the way to dexter's package, and `gitignore`
 * becomes `.gitignore`, which `npm pack` would leave out under its own name. No file that exists is ever overwritten.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DexterError } from "../errors.ts";

/** Beside dist/dexter.js, or from here where the sources run. */
const templateDir = ["../templates/default", "../../templates/default"]
  .map((place) => fileURLToPath(new URL(place, import.meta.url)))
  .find((place) => existsSync(place))!;

/** The folder of the package that runs: an installed one, or a clone. */
export const packageDir = resolve(templateDir, "../..");

/** What this package is called in a `node_modules`. */
const PACKAGE = "dexter";

/** What may lie in a folder that still counts as empty. */
const HARMLESS = new Set([".git", ".DS_Store"]);

/** How many of the entries in the way the error names. */
const NAMED_ENTRIES = 5;

interface InitOptions {
  /** Writes into a folder that is not empty too; the files it has stay as they are. */
  readonly force?: boolean;
}

interface InitResult {
  /** Absolute path of the project. */
  readonly directory: string;
  /** The files written, relative to `directory`, sorted. */
  readonly files: string[];
}

/**
 * Writes the template into `target`, which is created if need be. Throws INIT_NOT_EMPTY when something is
 * there already (and `force` is not set), INIT_FAILED when the folder cannot be read or written.
 */
export async function initProject(target: string, options: InitOptions = {}): Promise<InitResult> {
  const directory = resolve(target);
  try {
    await mkdir(directory, { recursive: true });
    if (!options.force) await assertEmpty(directory);
    const name = projectName(directory);
    const files: string[] = [];
    for (const source of await templateFiles()) {
      const file = source.replace(/^gitignore$/, ".gitignore");
      const text = await readFile(join(templateDir, source), "utf8");
      const filled = text.replaceAll("{{name}}", name).replaceAll("{{package}}", packageFrom(directory));
      if (await writeNew(join(directory, file), filled)) files.push(file);
    }
    return { directory, files: files.sort() };
  } catch (cause) {
    if (cause instanceof DexterError) throw cause;
    throw new DexterError("INIT_FAILED", { path: directory, reason: (cause as Error).message }, { cause });
  }
}

/** The folder's name as a DNS label, since a function's host is made of it: "My Site!" becomes "my-site". */
export function projectName(directory: string): string {
  const label = basename(directory)
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 63)
    .replace(/^-|-$/g, "");
  return label || "functions";
}

/**
 * Where a project finds the package that is installed for it, from its own folder: the one that runs when that is in a
 * `node_modules` above the project, otherwise the one that `npm install` will put into the project's own.
 */
function packageFrom(directory: string): string {
  const modules = dirname(packageDir);
  const within = relative(dirname(modules), directory);
  const isAbove = basename(modules) === "node_modules" && !within.startsWith("..") && !isAbsolute(within);
  return isAbove && within !== "" ? relative(directory, packageDir) : `./node_modules/${PACKAGE}`;
}

async function assertEmpty(directory: string): Promise<void> {
  const entries = (await readdir(directory)).filter((entry) => !HARMLESS.has(entry)).sort();
  if (entries.length === 0) return;
  const more = entries.length - NAMED_ENTRIES;
  const named = entries.slice(0, NAMED_ENTRIES).join(", ") + (more > 0 ? ` and ${more} more` : "");
  throw new DexterError("INIT_NOT_EMPTY", { path: directory, entries: named });
}

async function templateFiles(): Promise<string[]> {
  const entries = await readdir(templateDir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(templateDir, join(entry.parentPath, entry.name)));
}

/** Writes the file unless there is one; returns whether it did. */
async function writeNew(path: string, text: string): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
