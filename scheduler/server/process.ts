/**
 * The handle of one server: the supervisor's whole view of a child process. It starts `workerd`, says
 * when it is ready, stops it, and removes what it left behind. A server for which no process can be made has ended
 * before it was ready, like one that fails to start: who waits for servers has one case to handle, not two.
 */
import { strict as assert } from "node:assert";
import type { ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { DexterError } from "../errors.ts";
import { type ControlAnswer, callControl } from "./control.ts";
import { launch, removeDirectory, type ServerOptions } from "./launch.ts";
import { LineSplitter, type TakeLine } from "./lines.ts";
import { parseControlLine, parseServerLine } from "./output.ts";
import { blamed } from "./residents.ts";
import { controlSocket, threadSocket } from "./workerd-config.ts";

type ProcessStage = "starting" | "running" | "draining" | "exited";

const ORDER: readonly ProcessStage[] = ["starting", "running", "draining", "exited"];

export class ServerProcess {
  readonly slot: number;
  readonly generation: number;
  readonly directory: string;
  readonly startedAtMs = Date.now();
  /** Resolves when every socket listens and the control socket answers; rejects with SERVER_FAILED. */
  readonly ready: Promise<void>;
  /** Resolves, never rejects, when the process is gone and its directory removed. */
  readonly exited: Promise<string>;
  #stage: ProcessStage = "starting";
  /** What is in the way of a process, where there is none. */
  readonly #child: ChildProcess | Error;
  #failedToStart = false;
  #killTimer: NodeJS.Timeout | undefined;
  #lastErrors: string[] = [];
  #inspectorPort: number | undefined;

  /** @param start makes the process */
  constructor(options: ServerOptions, start: typeof launch = launch) {
    this.slot = options.slot;
    this.generation = options.generation;
    this.directory = options.directory;
    this.#child = start(options);
    this.exited = this.#watchExit();
    this.#readLines(1, (line, cut) => options.onLine(line, "stdout", cut));
    this.#readLines(2, (line, cut) => {
      if (this.#stage === "starting") this.#lastErrors = [...this.#lastErrors.slice(-9), line];
      options.onLine(line, "stderr", cut);
    });
    this.ready = this.#becomeReady(options);
    this.ready.catch(() => {});
  }

  /** It ended before it was ready. */
  get failedToStart(): boolean {
    return this.#failedToStart;
  }

  /** Names of the resident threads because of which it ended before it was ready, as far as it said so. */
  get failedResidents(): ReadonlySet<string> {
    const names = this.#lastErrors.map((line) => blamed(parseServerLine(line).message));
    return new Set(names.filter((name) => name !== undefined));
  }

  /** Where its inspector listens on the loopback; undefined until it is ready, and without an inspector. */
  get inspectorPort(): number | undefined {
    return this.#inspectorPort;
  }

  get pid(): number | undefined {
    return this.#child instanceof Error ? undefined : this.#child.pid;
  }

  get stage(): ProcessStage {
    return this.#stage;
  }

  socketOf(threadSlot: number): string {
    return threadSocket(this.directory, threadSlot);
  }

  control(
    method: string,
    path: string,
    options: { body?: string; signal?: AbortSignal } = {},
  ): Promise<ControlAnswer> {
    return callControl(controlSocket(this.directory), method, path, options);
  }

  async exitsWithin(ms: number): Promise<boolean> {
    const timeUp = new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
    await Promise.race([this.exited, timeUp]);
    return this.#stage === "exited";
  }

  /** The server takes no new requests from now on. */
  drain(): void {
    if (this.#stage === "running" || this.#stage === "starting") this.#become("draining");
  }

  /** Asks the process to end, and kills it `deadlineMs` later. May be called again. */
  term(deadlineMs: number): void {
    if (this.#stage === "exited" || this.#killTimer) return;
    this.drain();
    this.#signal("SIGTERM");
    this.#killTimer = setTimeout(() => this.kill(), deadlineMs);
  }

  kill(): void {
    if (this.#stage !== "exited") this.#signal("SIGKILL");
  }

  #signal(signal: NodeJS.Signals): void {
    if (!(this.#child instanceof Error)) this.#child.kill(signal);
  }

  #become(next: ProcessStage): void {
    assert(
      ORDER.indexOf(next) > ORDER.indexOf(this.#stage),
      `server ${this.slot}: ${this.#stage} to ${next}`,
    );
    this.#stage = next;
  }

  #watchExit(): Promise<string> {
    return new Promise((resolve) => {
      const ended = (how: string) => {
        if (this.#stage === "exited") return;
        this.#failedToStart = this.#stage === "starting";
        this.#become("exited");
        clearTimeout(this.#killTimer);
        const watcher = this.#stream(4) as Writable | undefined;
        watcher?.on("error", () => {});
        watcher?.end("\n");
        removeDirectory(this.directory);
        resolve(how);
      };
      if (this.#child instanceof Error) return ended(this.#child.message);
      this.#child.on("error", (error) => ended(error.message));
      this.#child.on("exit", (code, signal) => ended(signal ? `killed by ${signal}` : `exit status ${code}`));
    });
  }

  async #becomeReady({ threadSlots, onLine }: ServerOptions): Promise<void> {
    const listening = new Promise<void>((resolve) => {
      let left = threadSlots + 1;
      this.#readLines(3, (line, cut) => {
        const said = parseControlLine(line);
        // It comes before the sockets.
        if (said?.event === "listen-inspector") this.#inspectorPort = said.port;
        else if (said?.event === "listen" && --left === 0) resolve();
        else if (said === undefined) onLine(line, "control", cut);
      });
    });
    const failed = this.exited.then((how) => {
      const reason = this.#lastErrors.join("\n") || how;
      throw new DexterError("SERVER_FAILED", { slot: this.slot, reason });
    });
    await Promise.race([listening.then(() => this.control("GET", "/")), failed]);
    if (this.#stage === "starting") this.#become("running");
  }

  #readLines(descriptor: number, take: TakeLine): void {
    const stream = this.#stream(descriptor) as Readable | undefined;
    if (!stream) return;
    const lines = new LineSplitter(take);
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => lines.push(chunk));
    stream.on("end", () => lines.end());
  }

  /** A child that could not be given its pipes has no `stdio` at all, whatever its type says. */
  #stream(descriptor: number): Readable | Writable | undefined {
    if (this.#child instanceof Error) return undefined;
    return (this.#child.stdio as ChildProcess["stdio"] | undefined)?.[descriptor] ?? undefined;
  }
}
