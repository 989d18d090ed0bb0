/**
 * Tells the service manager (systemd's `Type=notify`) how this node is: ready, reloading, stopping, and, for its
 * watchdog, alive. Without NOTIFY_SOCKET all of it does nothing.
 *
 * Node.js cannot write to a unix datagram socket, so `systemd-notify` does it: one short process for each message,
 * which waits until the manager has read it. They follow one another, so they arrive in order.
 */
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

/** What systemd puts into the environment of a service. */
const VARIABLES = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] as const;
const PROGRAM = "systemd-notify";
/** The supervisor's passes come every second, so the next one may be too late for what is nearly due. */
const PASS_MS = 1_000;
/** A manager that reads nothing for so long is not waited for. */
const PATIENCE_MS = 10_000;

interface NotifierOptions {
  /** Gets a sentence for the log, once, when the service manager cannot be told. */
  readonly onFailure: (reason: string) => void;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #socket: string | undefined;
  /** How long the manager waits for a sign of life; undefined when it does not. */
  readonly #watchdogMs: number | undefined;
  #signOfLifeAtMs = Number.NEGATIVE_INFINITY;
  #sending = 0;
  #sent: Promise<void> = Promise.resolve();
  #failed = false;

  /** Takes its variables out of `env`, so that no process that is started later speaks for this one by mistake. */
  constructor(env: NodeJS.ProcessEnv, options: NotifierOptions) {
    this.#options = options;
    const [socket, watchdogUsec, watchdogPid = String(process.pid)] = VARIABLES.map((name) => env[name]);
    for (const name of VARIABLES) delete env[name];
    this.#socket = socket || undefined;
    if (Number(watchdogUsec) > 0 && watchdogPid === String(process.pid))
      this.#watchdogMs = Number(watchdogUsec) / 1_000;
  }

  /** It serves, as `status` says. */
  ready(status: string): Promise<void> {
    return this.#send("READY=1", `STATUS=${status}`);
  }

  reloading(): Promise<void> {
    const monotonicUsec = process.hrtime.bigint() / 1_000n;
    return this.#send("RELOADING=1", `MONOTONIC_USEC=${monotonicUsec}`, "STATUS=reloading");
  }

  stopping(): Promise<void> {
    return this.#send("STOPPING=1", "STATUS=stopping");
  }

  /**
   * The supervisor has compared what should be with what is. That is the only cause of a sign of life: it says that the
   * event loop turns and that the comparison came to its end. At least one goes out in half of the watchdog's time.
   */
  async passed(nowMs: number): Promise<void> {
    if (this.#watchdogMs === undefined || this.#sending > 0) return;
    if (nowMs - this.#signOfLifeAtMs + PASS_MS < this.#watchdogMs / 2) return;
    this.#signOfLifeAtMs = nowMs;
    await this.#send("WATCHDOG=1");
  }

  /** Resolves, never rejects, when the manager has read it or cannot be told. */
  #send(...variables: string[]): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return Promise.resolve();
    this.#sending++;
    this.#sent = this.#sent
      .then(() => run(variables, socket))
      .catch((error: Error) => this.#fail(error.message))
      .finally(() => this.#sending--);
    return this.#sent;
  }

  #fail(reason: string): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.onFailure(`the service manager could not be told: ${reason}`);
  }
}

function run(variables: readonly string[], socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const { PATH } = process.env;
    const child = spawn(PROGRAM, variables, {
      env: { NOTIFY_SOCKET: socket, ...(PATH === undefined ? {} : { PATH }) },
      stdio: ["ignore", "ignore", "pipe"],
      timeout: PATIENCE_MS,
      killSignal: "SIGKILL",
    });
    child.on("error", ({ code, message }: NodeJS.ErrnoException) => {
      const advice = code === "ENOENT" ? "; install it, or use Type=exec" : "";
      reject(new Error(`${PROGRAM} cannot be run (${message})${advice}`));
    });
    let said = "";
    // Without a file descriptor left there is no `stderr` at all, whatever its type says.
    (child.stderr as Readable | undefined)?.setEncoding("utf8").on("data", (text: string) => (said += text));
    child.on("close", (status, signal) => {
      if (status === 0) return resolve();
      reject(new Error(`${PROGRAM} ended with ${signal ?? `exit status ${status}`} ${said.trim()}`.trim()));
    });
  });
}
