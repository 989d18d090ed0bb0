/** Finds the functions of a `functions/` folder: one entry each, a module or a folder of its own. */
import { readdir } from "node:fs/promises";
import { join, parse } from "node:path";
import { DexterError } from "../errors.ts";
import { fileReason } from "../system/file-reason.ts";
import { configsIn, kindOf, showPath } from "./document.ts";
import type { Problems, Source } from "./problems.ts";
import { DNS_LABEL, NAME_RULE } from "./values.ts";

const EXTENSIONS = [".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs"];
const NOT_ENTRIES = /\.(test|spec)\.[^.]+$|\.d\.[cm]?ts$/;

/** One function as it lies on the disk. */
export interface FolderEntry {
  /** The name that its file or folder gives it. */
  readonly name: string;
  /** Its file or folder. */
  readonly path: string;
  /** The entry module; undefined when only the configuration can name it. */
  readonly main?: string;
  /** Its own configuration, which may name another entry module. */
  readonly configPath?: string;
}

/** A path as the source of messages about it. */
export function pathSource(path: string, cwd: string): Source {
  return { at: () => showPath(path, cwd) };
}

/**
 * Lists the functions in `folder`, by name. Files that cannot be functions are passed over; a folder
 * without an entry is a warning. Throws CONFIG_UNREADABLE when a folder cannot be listed.
 */
export async function listFolder(folder: string, cwd: string, problems: Problems): Promise<FolderEntry[]> {
  const entries: FolderEntry[] = [];
  for (const item of await list(folder, cwd)) {
    if (/^[._]/.test(item) || item === "node_modules") continue;
    const path = join(folder, item);
    const kind = await kindOf(path);
    // A dangling link is of no kind.
    if (kind === "none" || (kind === "file" && !isModule(item))) continue;
    const entry =
      kind === "file"
        ? { name: parse(item).name, path, main: path }
        : await folderEntry(path, item, cwd, problems);
    if (entry && hasGoodName(entry, cwd, problems)) entries.push(entry);
  }
  return entries;
}

async function folderEntry(
  path: string,
  name: string,
  cwd: string,
  problems: Problems,
): Promise<FolderEntry | undefined> {
  const source = pathSource(path, cwd);
  const items = await list(path, cwd);
  const [configPath, ...others] = await configsIn(path);
  const mains = items.filter((item) => parse(item).name === "index" && isModule(item));
  if (configPath !== undefined && others.length > 0)
    problems.warn(source, [], `has several configurations; only ${parse(configPath).base} is read`);
  if (mains.length > 1)
    problems.error(
      source,
      [],
      `must have one entry module, and has ${mains.join(" and ")}; keep one of them`,
    );
  if (configPath === undefined && mains.length === 0) {
    problems.warn(
      source,
      [],
      'is not a function: add an index.ts or a wrangler.toml, or start its name with "_" if it is not one',
    );
    return undefined;
  }
  return {
    name,
    path,
    ...(mains[0] !== undefined && { main: join(path, mains[0]) }),
    ...(configPath !== undefined && { configPath }),
  };
}

/** A folder's own configuration may still give it a good name, so only the others are checked here. */
function hasGoodName(entry: FolderEntry, cwd: string, problems: Problems): boolean {
  if (entry.configPath !== undefined || DNS_LABEL.test(entry.name)) return true;
  problems.error(
    pathSource(entry.path, cwd),
    [],
    `a function's name ${NAME_RULE} (got "${entry.name}"); rename it, or start its name with "_" to have it passed over`,
  );
  return false;
}

function isModule(item: string): boolean {
  return EXTENSIONS.includes(parse(item).ext) && !NOT_ENTRIES.test(item);
}

async function list(folder: string, cwd: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    const details = { path: showPath(folder, cwd), reason: fileReason(cause) };
    throw new DexterError("CONFIG_UNREADABLE", details, { cause });
  }
}
