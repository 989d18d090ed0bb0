/**
 * A running `dexter start` or `dexter dev` for tests: the real command line in a process of its own,
 * on a free port. No process is left behind, even if the test run is cut short.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const commandFile = fileURLToPath(new URL("../../bin/dexter.js", import.meta.url));

export interface DexterOptions {
  /** The project's folder: the working directory of the command. */
  readonly dir: string;
  /** Added to the command line after `--set listen=127.0.0.1:0`. */
  readonly args?: readonly string[];
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: "start" | "dev";
  /** A descriptor that gets its stderr, of which `output` then has nothing. */
  readonly stderr?: number;
  /** Its limit of file descriptors. */
  readonly descriptors?: number;
  /** How long it may take until ready, in ms. */
  readonly timeoutMs?: number;
}

export interface RunningDexter {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly dir: string;
  /** What `dexter status --json` prints, parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever field they are about
  status(): Promise<any>;
  /** Sends the signal (SIGTERM by default) and resolves with the exit status, -1 if a signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number>;
  /** Everything the command wrote to stdout and stderr so far. */
  output(): string;
}

/** Starts dexter and resolves when it says that it is ready. Throws with its output when it does not. */
export async function startDexter(options: DexterOptions): Promise<RunningDexter> {
  const { dir, args = [], env = {}, command = "start", stderr = "pipe", timeoutMs = 20_000 } = options;
  const line = [process.execPath, commandFile, command, "--set", "listen=127.0.0.1:0", ...args];
  const { descriptors } = options;
  if (descriptors !== undefined) line.unshift("sh", "-c", `ulimit -n ${descriptors} && exec "$0" "$@"`);
  const child = spawn(line[0]!, line.slice(1), {
    cwd: dir,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", stderr],
  });
  const killNow = () => child.kill("SIGKILL");
  process.once("exit", killNow);
  const exited = once(child, "exit").then(([code]) => {
    process.removeListener("exit", killNow);
    return (code as number | null) ?? -1;
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (output += String(data)));
  try {
    const url = await readyUrl(child, exited, timeoutMs);
    return {
      url,
      port: Number(new URL(url).port),
      pid: child.pid!,
      dir,
      status: () => readStatus(dir, args),
      stop(signal = "SIGTERM") {
        child.kill(signal);
        return exited;
      },
      output: () => output,
    };
  } catch (error) {
    child.kill("SIGKILL");
    await exited;
    throw new Error(`dexter ${command} in ${dir} did not become ready:\n${output}`, { cause: error });
  }
}

/** Waits for `dexter is ready on <url>` on stdout, in a line of its own or of JSON; rejects when the process ends or time is up. */
function readyUrl(child: ChildProcess, exited: Promise<number>, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(() => reject(new Error(`nothing after ${timeoutMs} ms`)), timeoutMs);
    child.stdout?.on("data", (data) => {
      text += String(data);
      const url = /dexter is ready on (https?:\/\/[^\s/,"]+)/.exec(text)?.[1];
      // The number is complete only once its line is.
      if (!url || !text.includes("\n", text.indexOf(url))) return;
      clearTimeout(timer);
      resolve(url);
    });
    exited.then((code) => {
      clearTimeout(timer);
      reject(new Error(`it ended with ${code}`));
    }, reject);
  });
}

/** Asks the running node through its command line, with the same configuration arguments. */
async function readStatus(dir: string, args: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [commandFile, "status", "--json", ...args], {
    cwd: dir,
  });
  return JSON.parse(stdout);
}
