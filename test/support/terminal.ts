/**
 * A shell that a test types into, block after block, as a person does who copies from a document: variables, the
 * working directory and jobs last from one block to the next. Nothing that it started outlives it.
 */
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { cleanUp, descendants, isAlive, until } from "./node.ts";

export interface Typed {
  /** Of stdout and stderr, in the order in which it came. */
  readonly output: string;
  /** Exit status and text of each command that failed. */
  readonly failed: readonly string[];
}

/** `errexit` would end the shell where a person goes on; and jobs end with it, even if this process is killed. */
const PRELUDE = `exec 2>&1
set -o pipefail
trap 'failed+="$? $BASH_COMMAND"$'"'\\n'"'' ERR
trap 'kill $(jobs -p) 2>/dev/null' EXIT
`;

export class Terminal {
  readonly #shell: ChildProcessWithoutNullStreams;
  #output = "";
  /** How much of the output belongs to blocks that are over. */
  #read = 0;

  private constructor(shell: ChildProcessWithoutNullStreams) {
    this.#shell = shell;
    shell.stdout.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    // Of a shell that has ended; what is awaited then fails by its deadline.
    shell.stdin.on("error", () => {});
  }

  /** It ends, with all that it started, when the test is over. */
  static open(
    test: TestContext,
    options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  ): Terminal {
    // A group of its own, for Ctrl-C.
    const shell = spawn("bash", ["--noprofile", "--norc"], { ...options, detached: true });
    const terminal = new Terminal(shell);
    const killNow = () => terminal.#signal("SIGKILL");
    process.once("exit", killNow);
    cleanUp(test, async () => {
      const started = descendants(shell.pid!);
      const exited = once(shell, "exit");
      killNow();
      if (terminal.#isOpen) await exited;
      process.removeListener("exit", killNow);
      await until("what the shell started has ended", () => !started.some(isAlive), 20_000);
    });
    shell.stdin.write(PRELUDE);
    return terminal;
  }

  /** Resolves when all commands of the block have ended. */
  async type(block: string, withinMs = 60_000): Promise<Typed> {
    const end = this.#begin(block);
    await this.shows(new RegExp(`^${end}\\.\n`, "m"), withinMs);
    const text = this.#output.slice(this.#read);
    this.#read = this.#output.length;
    const at = text.indexOf(`${end} `);
    const failed = text.slice(at + end.length + 1, text.indexOf(`${end}.`)).trim();
    return { output: text.slice(0, at - 1), failed: failed === "" ? [] : failed.split("\n") };
  }

  /** @returns the line that will follow what the block prints */
  #begin(block: string): string {
    const end = `-- ${randomUUID()}`;
    // The newline ends a here-document; \`true\`, that the last command's status is not that of eval.
    const quoted = `${block}\ntrue`.replaceAll("'", `'\\''`);
    this.#shell.stdin.write(
      `failed=; eval '${quoted}'; printf '\\n%s %s\\n' '${end}' "$failed"; echo "${end}."\n`,
    );
    return end;
  }

  /** Types a line that a command which runs reads. */
  paste(line: string): void {
    this.#shell.stdin.write(`${line}\n`);
  }

  /** Ctrl-C: what runs in the foreground ends, the shell goes on. */
  interrupt(): void {
    this.#signal("SIGINT");
  }

  /** Waits for something in the output of the present block. */
  async shows(pattern: RegExp, withinMs = 60_000): Promise<void> {
    const from = this.#read;
    const shown = () => this.#output.slice(from);
    const isShown = () => {
      if (pattern.test(shown())) return true;
      assert.ok(this.#read === from && this.#isOpen, `the commands have ended without ${pattern}`);
      return false;
    };
    await until(`the shell shows ${pattern}`, isShown, withinMs).catch((error) =>
      assert.fail(`${error.message}, but:\n${shown()}`),
    );
  }

  get #isOpen(): boolean {
    return this.#shell.exitCode === null && this.#shell.signalCode === null;
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#shell.pid!, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
