/** Runs one command of the real command line to its end. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const COMMAND_FILE = fileURLToPath(new URL("../../bin/dexter.js", import.meta.url));

export interface CommandResult {
  /** -1 if a signal ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly dir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Run as this user and group. */
  readonly uid?: number;
  /** All of its stdin; without it, that is empty. */
  readonly input?: string | Buffer;
  /** Gets all that it has written to stdout, whenever there is more. */
  readonly onStdout?: (text: string) => void;
}

/** Resolves when the command has ended; after `timeoutMs` it is killed. */
export function runDexter(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const { dir, env = {}, timeoutMs = 30_000, uid } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [COMMAND_FILE, ...args], {
      cwd: dir,
      env: { ...process.env, ...env },
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name]!.setEncoding("utf8").on("data", (text: string) => {
        output[name] += text;
        if (name === "stdout") options.onStdout?.(output.stdout);
      });
    // The command may end before it has read all.
    child.stdin?.on("error", () => {}).end(options.input);
    child.on("error", reject);
    child.on("close", (code) => resolve({ status: code ?? -1, ...output }));
  });
}

/** Processes whose command line or working directory names the folder. */
export function processesIn(dir: string): string[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return command.includes(dir) ? [`${pid} ${command}`] : [];
      } catch {
        return [];
      }
    });
}
