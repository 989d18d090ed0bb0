/**
 * A child process of the benchmark: leads a process group of its own, so that it and all its children can
 * be ended together; its output is always drained, and the end of it kept for error messages.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import type { Readable } from "node:stream";
import { onExit } from "./cleanup.ts";

const KEPT_OUTPUT = 8192;
const STOP_TIMEOUT_MS = 10_000;

export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Beside what the benchmark's own environment has. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ask the kernel to end the child should the benchmark be killed (not for one with children of its own
   * that would survive it). */
  readonly dieWithParent?: boolean;
}

let setpriv: boolean | undefined;

function hasSetpriv(): boolean {
  setpriv ??= process.platform === "linux" && spawnSync("setpriv", ["--version"]).status === 0;
  return setpriv;
}

export class Child {
  readonly name: string;
  readonly pid: number;
  /** What the child was ended by; settles when it is gone. */
  readonly exited: Promise<string>;
  readonly #process: ChildProcess;
  readonly #withdraw: () => void;
  #output = "";
  #listeners = new Set<() => void>();

  /** Spawns at once. Descriptor 3 of the child is a pipe whose lines count as output too. */
  constructor(options: ChildOptions) {
    const guard = options.dieWithParent && hasSetpriv() ? ["setpriv", "--pdeathsig", "KILL", "--"] : [];
    const [command, ...args] = [...guard, options.command, ...options.args];
    this.name = options.name;
    this.#process = spawn(command!, args, {
      ...(options.cwd && { cwd: options.cwd }),
      env: { ...process.env, NO_COLOR: "1", ...options.env },
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      detached: true,
    });
    this.exited = new Promise((resolve) => {
      this.#process.once("error", (error) => resolve(`not started: ${error.message}`));
      this.#process.once("close", (code, signal) => resolve(signal ?? `exit status ${code}`));
    });
    this.pid = this.#process.pid ?? -1;
    this.#withdraw = onExit(() => this.#signal("SIGKILL"));
    this.#process.stdin?.on("error", () => {});
    for (const stream of this.#process.stdio.slice(1)) this.#drain(stream as Readable);
  }

  /** The end of what the child has written so far. */
  get output(): string {
    return this.#output;
  }

  /** Resolves with the first match of `pattern` in the output; rejects if the child ends or time runs out. */
  async waitForOutput(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    let look = () => {};
    const timeout = AbortSignal.timeout(timeoutMs);
    const match = new Promise<RegExpExecArray>((resolve, reject) => {
      look = () => {
        const found = pattern.exec(this.#output);
        if (found) resolve(found);
      };
      this.#listeners.add(look);
      timeout.addEventListener("abort", () => reject(this.#failure(`not ready after ${timeoutMs} ms`)));
      this.exited.then((how) => reject(this.#failure(how)));
      look();
    });
    return match.finally(() => this.#listeners.delete(look));
  }

  /** Rejects when the child ends; for racing against work that needs it alive. */
  async untilExit(): Promise<never> {
    throw this.#failure(await this.exited);
  }

  /** Ends the child with SIGTERM, and what is left of its group with SIGKILL. Idempotent. */
  async stop(): Promise<void> {
    this.#process.stdin?.end();
    if (this.pid > 0) this.#process.kill("SIGTERM");
    const deadline = setTimeout(() => this.#signal("SIGKILL"), STOP_TIMEOUT_MS);
    await this.exited;
    clearTimeout(deadline);
    this.#signal("SIGKILL");
    this.#withdraw();
  }

  #failure(how: string): Error {
    return new Error(`${this.name}: ${how}\n${this.#output.trim()}`);
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid <= 0) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // The group is gone already.
    }
  }

  #drain(stream: Readable): void {
    stream.setEncoding("utf8");
    stream.on("error", () => {});
    stream.on("data", (text: string) => {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
      for (const look of this.#listeners) look();
    });
  }
}

/** Runs a command to its end and returns its stdout; throws with its output if it fails. */
export async function run(options: ChildOptions & { readonly timeoutMs: number }): Promise<string> {
  const child = spawn(options.command, [...options.args], {
    ...(options.cwd && { cwd: options.cwd }),
    env: { ...process.env, NO_COLOR: "1", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: options.timeoutMs,
    killSignal: "SIGKILL",
  });
  const withdraw = onExit(() => child.kill("SIGKILL"));
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-KEPT_OUTPUT);
  });
  const how = await new Promise<string | number>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(signal ?? code ?? "?"));
  });
  withdraw();
  if (how !== 0)
    throw new Error(`${options.name}: ended with ${how}\n${stdout.slice(-KEPT_OUTPUT)}${stderr}`);
  return stdout;
}
