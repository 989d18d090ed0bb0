/**
 * What a project is made of on the disk: which folders to watch, and what a change of a file concerns. Reads
 * the disk only to list folders that are watched as a whole.
 */
import { readdirSync } from "node:fs";
import path from "node:path";
import type { DeployedFunction } from "../deploy/registry.ts";
import type { Project } from "../types.ts";

/** What belongs to editors and tools. */
const TEMPORARY = /(?:^[#.].*|~|\.(?:sw[a-z]|tmp|bak)|^4913)$/;
const CONFIGURATION = /^(?:wrangler\.(?:toml|jsonc?)|\.dev\.vars(?:\..+)?)$/;
/** Read by esbuild for every file below their folder, but not among a build's inputs. */
const COMPILER_SETTINGS = /^(?:tsconfig.*|package)\.json$/;
/** What an import without extension, or with another one, may come to mean. */
const IMPORTABLE = /^[^.]*$|\.(?:[cm]?[jt]sx?|json)$/;

/** Changed paths, each with whether it came or went. */
export type Changes = ReadonlyMap<string, boolean>;

export class WatchScope {
  readonly #project: Project;
  readonly #entries: readonly DeployedFunction[];

  constructor(project: Project, entries: Iterable<DeployedFunction>) {
    this.#project = project;
    this.#entries = [...entries];
  }

  /** Whether a change can mean anything to anybody; what it means, the other methods say. */
  isNoise(file: string): boolean {
    if (within(this.#project.node.dataDir, file)) return true;
    if (this.files().has(file)) return false;
    const name = path.basename(file);
    return TEMPORARY.test(name) && !CONFIGURATION.test(name);
  }

  /** Every file that the project and its functions were read from, or would be read from if it were there. */
  files(): Set<string> {
    return new Set([...this.#project.watchFiles, ...this.#entries.flatMap(({ builder }) => builder.inputs)]);
  }

  /** The folders of these files, and those above them in the project: a folder may go and come back. */
  folders(): Set<string> {
    const folders = new Set<string>();
    for (const file of this.files()) this.#addWithParents(folders, path.dirname(file));
    const { functionsDir } = this.#project.node;
    this.#addWithParents(folders, functionsDir);
    for (const folder of subfolders(functionsDir)) folders.add(folder);
    for (const { source } of this.#entries) {
      for (const tree of source?.build.command?.watchDir ?? []) {
        this.#addWithParents(folders, tree);
        for (const folder of this.#tree(tree)) folders.add(folder);
      }
    }
    return folders;
  }

  /** Whether the configuration, or the list of functions, may read differently now. */
  concernsProject(changes: Changes): boolean {
    const { root, watchFiles, node } = this.#project;
    const folders = new Set([root, node.functionsDir, ...subfolders(node.functionsDir)]);
    return [...changes].some(([file, comesOrGoes]) => {
      if (watchFiles.includes(file)) return true;
      const folder = path.dirname(file);
      if (CONFIGURATION.test(path.basename(file)) && folders.has(folder)) return true;
      if (!comesOrGoes) return false;
      return within(file, node.functionsDir) || [folder, path.dirname(folder)].includes(node.functionsDir);
    });
  }

  /** The functions whose build may come out differently now. */
  concerned(changes: Changes): DeployedFunction[] {
    return this.#entries.filter((entry) =>
      [...changes].some(([file, comesOrGoes]) => concerns(entry, file, comesOrGoes)),
    );
  }

  #addWithParents(folders: Set<string>, folder: string): void {
    const { root } = this.#project;
    folders.add(folder);
    // Outside the project one level must do: what lies above is not ours to watch.
    if (!within(root, folder)) folders.add(path.dirname(folder));
    for (let above = folder; above !== root && within(root, above); above = path.dirname(above))
      folders.add(path.dirname(above));
  }

  #tree(folder: string): string[] {
    const below = subfolders(folder).filter((sub) => !within(this.#project.node.dataDir, sub));
    return below.flatMap((sub) => [sub, ...this.#tree(sub)]);
  }
}

function concerns({ source, builder }: DeployedFunction, file: string, comesOrGoes: boolean): boolean {
  if (builder.inputs.includes(file)) return true;
  if (source?.build.command?.watchDir.some((tree) => within(tree, file))) return true;
  const folder = path.dirname(file);
  if (COMPILER_SETTINGS.test(path.basename(file)))
    return builder.inputs.some((input) => within(folder, input)) && !isInstalled(file);
  // A new neighbour may be what an import means from now on.
  if (!comesOrGoes || isInstalled(file) || !IMPORTABLE.test(path.basename(file))) return false;
  return builder.inputs.some((input) => path.dirname(input) === folder || within(file, input));
}

function isInstalled(file: string): boolean {
  return file.includes(`${path.sep}node_modules${path.sep}`);
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !/^(?:node_modules$|\.git$)/.test(entry.name))
      .map((entry) => path.join(folder, entry.name));
  } catch {
    return []; // not there (any more)
  }
}

export function within(folder: string, file: string): boolean {
  return file === folder || file.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);
}
