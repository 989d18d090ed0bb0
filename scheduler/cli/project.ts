/** What the commands have in common: their options, which project is meant, and how it is found. */
import { existsSync } from "node:fs";
import path from "node:path";
import { findDataDir, type LoadOptions } from "../config/load.ts";
import { adminSocket } from "../system/paths.ts";

/** Options that every command about a project takes. */
export interface CommonOptions {
  /** The project's folder; absent for the one that the command was called in. */
  readonly cwd?: string;
  readonly config?: string;
  readonly env?: string;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

export function projectOptions({ config, env, set = [], cwd }: CommonOptions): LoadOptions {
  return {
    cwd: cwd ?? process.cwd(),
    set,
    ...(config === undefined ? {} : { configPath: config }),
    ...(env === undefined ? {} : { envName: env }),
  };
}

/**
 * Where the node of this project listens for its operator. The configuration may have become unreadable
 * while the node runs; then the default place is tried.
 */
export async function adminSocketOf(options: CommonOptions): Promise<string> {
  try {
    return adminSocket(await findDataDir(projectOptions(options)));
  } catch (error) {
    const cwd = options.cwd ?? process.cwd();
    const folder = options.config === undefined ? cwd : path.dirname(path.resolve(cwd, options.config));
    const usual = adminSocket(path.join(folder, ".dexter"));
    if (existsSync(usual)) return usual;
    throw error;
  }
}

/** Warnings go to stderr, one line each. */
export function warn(warnings: readonly string[]): void {
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
}
