/** `.dev.vars`: values for development beside a configuration, in dotenv syntax, never part of a deploy. */
import { join } from "node:path";
import { parseEnv } from "node:util";
import { kindOf, readText, showPath } from "./document.ts";

/**
 * Reads `.dev.vars.<env>` in `folder` when there is one, otherwise `.dev.vars`: like wrangler, one or the other.
 * Also gives both paths, so that a file which appears later is noticed. Throws CONFIG_UNREADABLE.
 */
export async function readDevVars(
  folder: string,
  envName: string | undefined,
  cwd: string,
): Promise<{ vars: Record<string, string>; files: string[] }> {
  const general = join(folder, ".dev.vars");
  const files = envName === undefined ? [general] : [`${general}.${envName}`, general];
  for (const file of files) {
    if ((await kindOf(file)) === "none") continue;
    const vars = parseEnv(await readText(file, showPath(file, cwd)));
    return { vars: { ...vars } as Record<string, string>, files };
  }
  return { vars: {}, files };
}
