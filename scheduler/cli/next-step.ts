/** What to type after `dexter init`, by how dexter is installed: as a command, for the project, or neither. */
import { realpathSync } from "node:fs";
import path from "node:path";
import { packageDir } from "./template.ts";

/** A command line that serves the project at `directory`, an absolute path, when it is typed in `cwd`. */
export function nextStep(directory: string, cwd = process.cwd()): string {
  const shown = path.relative(cwd, directory);
  const steps = shown === "" ? [] : [`cd ${quoted(shown)}`];
  const command = path.join(packageDir, "bin/dexter.js");
  if (isGlobal(command)) steps.push("dexter dev");
  else if (isInstalledFor(directory, command)) steps.push("npx dexter dev");
  else steps.push(`npm install ${quoted(packageDir)}`, "npx dexter dev");
  return steps.join(" && ");
}

/** Whether the shell finds it. What npm runs has the folders of its own commands in the path, which the shell has not. */
function isGlobal(command: string): boolean {
  const folders = (process.env.PATH ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  const own = folders.filter((folder) => !/[\\/]node_modules[\\/]\.bin[\\/]?$/.test(folder));
  return own.some((folder) => isCommand(path.join(folder, "dexter"), command));
}

/** Whether npx finds it there: it looks in the folder and in those above. */
function isInstalledFor(directory: string, command: string): boolean {
  if (isCommand(path.join(directory, "node_modules/.bin/dexter"), command)) return true;
  const above = path.dirname(directory);
  return above !== directory && isInstalledFor(above, command);
}

/** A command of the name may be another program: one of that name is in the npm registry. */
function isCommand(found: string, command: string): boolean {
  try {
    return realpathSync(found) === realpathSync(command);
  } catch {
    return false;
  }
}

function quoted(text: string): string {
  return /^[\w./@+,:=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
