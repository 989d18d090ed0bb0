/**
 * Hot reload: watches what the project is made of, and brings changes to life. A change of a source
 * rebuilds the functions that read it; a change of configuration, or a file that comes or goes in the
 * functions folder, reads the whole project again.
 */
import path from "node:path";
import { type FSWatcher, watch } from "chokidar";
import { DexterError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { DexterNode } from "../node.ts";
import type { Project } from "../types.ts";

/** Editors write a file in several steps; what follows within this time belongs to the same change. */
const GATHER_MS = 8;

export async function watchProject(
  node: DexterNode,
  { log, readProject }: { log: Logger; readProject: () => Promise<Project> },
): Promise<FSWatcher> {
  const changed = new Set<string>();
  let whole = false;
  let timer: NodeJS.Timeout | undefined;

  const { root, node: settings } = node.project;
  const ignored = (file: string) =>
    /(?:^|[\\/])(?:node_modules|\.git)(?:[\\/]|$)/.test(file) || within(settings.dataDir, file);
  const watcher = watch(root, { ignored, ignoreInitial: true });
  const watchInputs = () => {
    for (const { builder } of node.registry.functions.values()) {
      for (const input of builder.inputs) if (!within(root, input) || ignored(input)) watcher.add(input);
    }
    watcher.add(node.project.watchFiles.filter((file) => !within(root, file)));
  };

  const takeUp = async () => {
    const files = new Set(changed);
    const again = whole;
    changed.clear();
    whole = false;
    try {
      if (again) {
        const project = await readProject();
        for (const warning of project.warnings) log.warn(warning);
        await node.apply(project);
        log.info("took up the changed project");
      }
      const entries = [...node.registry.functions.values()];
      await node.rebuild(entries.filter(({ builder }) => builder.inputs.some((input) => files.has(input))));
    } catch (error) {
      if (!(error instanceof DexterError)) throw error;
      log.error(`${error.message}\n(still serving what was there before)`);
    }
    watchInputs();
  };

  watcher.on("all", (event, file) => {
    const absolute = path.resolve(file);
    changed.add(absolute);
    const { functionsDir } = node.project.node;
    const comesOrGoes = event !== "change" && within(functionsDir, absolute);
    whole ||= comesOrGoes || node.project.watchFiles.includes(absolute) || isConfiguration(absolute);
    clearTimeout(timer);
    timer = setTimeout(() => void takeUp(), GATHER_MS);
  });
  watcher.on("error", (error) => log.error(`cannot watch files: ${(error as Error).message}`));
  await new Promise<void>((resolve) => watcher.once("ready", resolve));
  watchInputs();
  return watcher;
}

function within(folder: string, file: string): boolean {
  return file === folder || file.startsWith(folder + path.sep);
}

function isConfiguration(file: string): boolean {
  return /^(?:wrangler\.(?:toml|jsonc?)|\.dev\.vars.*)$/.test(path.basename(file));
}
