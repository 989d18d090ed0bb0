/** Programs that not every machine has; what needs one says so when it skips. */
import { spawnSync } from "node:child_process";

/** Whether the program can be run; `--version` by default, which nearly all have. */
export function hasProgram(name: string, args: readonly string[] = ["--version"]): boolean {
  return spawnSync(name, args, { stdio: "ignore", timeout: 20_000 }).status === 0;
}

/** For node:test's `skip`: false when all are there, else what is missing. */
export function needs(...programs: readonly (string | readonly [name: string, ...args: string[]])[]) {
  const missing = programs
    .map((program): readonly [string, ...string[]] => (typeof program === "string" ? [program] : program))
    .filter(([name, ...args]) => !(args.length > 0 ? hasProgram(name, args) : hasProgram(name)));
  return missing.length > 0 && `needs ${missing.map(([name]) => name).join(" and ")}`;
}
