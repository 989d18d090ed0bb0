/** Folders for tests, and whatever else a test makes and is to leave nothing of. */
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

/** The folder of a function; removed when its test file is done with it. */
export interface Folder {
  readonly dir: string;
  write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void>;
  remove(): Promise<void>;
}

/** A temporary folder with these files. `node_modules` of the repository is linked when asked for. */
export async function makeFolder(
  files: Readonly<Record<string, string | Uint8Array>> = {},
  options: { readonly packages?: boolean } = {},
): Promise<Folder> {
  const dir = await realpath(await mkdtemp(path.join(tmpdir(), "dexter-function-")));
  const folder: Folder = {
    dir,
    async write(entries) {
      for (const [name, content] of Object.entries(entries)) {
        await mkdir(path.dirname(path.join(dir, name)), { recursive: true });
        await writeFile(path.join(dir, name), content);
      }
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
  await folder.write(files);
  const packages = fileURLToPath(new URL("../../node_modules", import.meta.url));
  if (options.packages) await symlink(packages, path.join(dir, "node_modules"));
  return folder;
}

const cleanUps = new WeakMap<TestContext, (() => unknown)[]>();

/** Runs `task` when the test is over: the last one given first, and each even if another fails. */
export function cleanUp(test: TestContext, task: () => unknown): void {
  const known = cleanUps.get(test);
  if (known) return void known.unshift(task);
  const tasks = [task];
  cleanUps.set(test, tasks);
  test.after(async () => {
    const failures: unknown[] = [];
    for (const next of tasks) await Promise.resolve(next()).catch((error) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  });
}

/** An empty folder that goes with the test, after the nodes in it. */
export async function temporaryFolder(test: TestContext): Promise<Folder> {
  const folder = await makeFolder();
  cleanUp(test, () => folder.remove());
  return folder;
}
