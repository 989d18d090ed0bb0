/** What the commands have in common: which project is meant. */
import type { LoadOptions } from "../config/load.ts";
import type { CommonOptions } from "../main.ts";

export function projectOptions({ config, env, set }: CommonOptions): LoadOptions {
  return {
    cwd: process.cwd(),
    set,
    ...(config === undefined ? {} : { configPath: config }),
    ...(env === undefined ? {} : { envName: env }),
  };
}

/** Warnings go to stderr, one line each. */
export function warn(warnings: readonly string[]): void {
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
}
