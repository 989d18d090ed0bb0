/** The packed package, as `npm pack` makes it in a clone, and how to lay it out where no registry can be asked. */
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Folder, makeFolder } from "./function.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

const { version, dependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));

export const PACKAGE_VERSION: string = version;
/** Names of the packages that an installation brings, but for those that they depend on. */
export const DEPENDENCIES: readonly string[] = Object.keys(dependencies);
/** What `npm pack` calls the package's file. */
export const TARBALL = `dexter-${version}.tgz`;

/** What packing does not need of a clone: much of it is big, and some is in use by other tests. */
const LEFT_OUT = /^(?:\..*|node_modules|dist|test|bench|simulate|.*\.tgz)$/;

/** A copy to pack in, so that nothing else that uses dist/ is disturbed. The caller removes it. */
export async function cloneForPacking(): Promise<Folder> {
  const clone = await makeFolder();
  const entries = (await readdir(root)).filter((name) => !LEFT_OUT.test(name));
  for (const name of entries) await cp(join(root, name), join(clone.dir, name), { recursive: true });
  await symlink(join(root, "node_modules"), join(clone.dir, "node_modules"));
  return clone;
}

/** Writes the tarball into the folder. @returns the files in it */
export async function npmPack(folder: Folder, ...options: string[]): Promise<string[]> {
  const { stdout } = await run("npm", ["pack", "--json", "--offline", ...options], { cwd: folder.dir });
  // The build before it may print as well.
  const [{ files }] = JSON.parse(stdout.slice(stdout.indexOf("[\n")));
  return files.map(({ path }: { path: string }) => path);
}

/**
 * What `npm install <tarball>` makes, without a registry: the packages that it depends on come from this clone, and no
 * others.
 * @param modules the `node_modules` folder
 * @param bin the folder of the command
 */
export async function layOut(tarball: string, modules: string, bin: string): Promise<void> {
  await mkdir(modules, { recursive: true });
  await mkdir(bin, { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", modules]);
  await run("mv", [join(modules, "package"), join(modules, "dexter")]);
  await symlink(join(modules, "dexter/bin/dexter.js"), join(bin, "dexter"));
  for (const name of DEPENDENCIES) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(root, "node_modules", name), join(modules, name));
  }
}
