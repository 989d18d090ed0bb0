/**
 * `build.command`: a project's own build step, run by a shell before each build.
 */
import { spawn } from "node:child_process";
import type { BuildSettings } from "../types.ts";
import { BuildError, plainProblem } from "./problems.ts";

/** Kept of the command's output, from its end: the cause of a failure is there. */
const MAX_OUTPUT_CHARS = 20_000;

/**
 * Runs the command and waits for its end. Throws BuildError with its output when it fails; aborting
 * the signal kills it and whatever it started.
 */
export async function runBuildCommand(
  command: NonNullable<BuildSettings["command"]>,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  // A process group of its own, so that the shell's children can be ended with it.
  const child = spawn(command.line, {
    shell: true,
    cwd: command.cwd,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const collect = (chunk: string) => {
    output = (output + chunk).slice(-MAX_OUTPUT_CHARS);
  };
  child.stdout.setEncoding("utf8").on("data", collect);
  child.stderr.setEncoding("utf8").on("data", collect);
  const abort = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // already gone
    }
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    const how = await new Promise<string | undefined>((resolve) => {
      child.once("error", (error) => resolve(`could not be started in ${command.cwd}: ${error.message}`));
      child.once("close", (code, by) => {
        if (code === 0) resolve(undefined);
        else resolve(by ? `was ended by ${by}` : `failed with exit status ${code}`);
      });
    });
    signal.throwIfAborted();
    if (how === undefined) return;
    const said = output.trimEnd();
    throw new BuildError([
      plainProblem("", `build.command \`${command.line}\` ${how}${said === "" ? "" : `:\n${said}`}`),
    ]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
