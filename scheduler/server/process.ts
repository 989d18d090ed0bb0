/**
 * The handle of one server: the supervisor's whole view of a child process. It starts `workerd`, says
 * when it is ready, stops it, and removes what it left behind.
 *
 * The child starts through a shell that leaves a watcher beside it: the watcher blocks on a pipe from the
 * scheduler and kills the server when the pipe ends, which it does however the scheduler dies. The server
 * has a session of its own, so that a terminal's Ctrl-C reaches the scheduler alone.
 */
import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, closeSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import workerd from "workerd";
import { DexterError } from "../errors.ts";
import { hasSecrets } from "../revision.ts";
import { withoutCapabilities } from "./capabilities.ts";
import { type ControlAnswer, callControl } from "./control.ts";
import { descriptorPath, openHidden } from "./hidden-file.ts";
import { parseServerLine } from "./output.ts";
import { blamed, type Resident, writeModules } from "./residents.ts";
import { controlSocket, renderWorkerdConfig, threadSocket } from "./workerd-config.ts";

/** `$1`: working directory with core dumps, or empty. A byte on descriptor 4 lets the watcher go; 5 is its server's. */
const LAUNCHER = `
if [ -n "$1" ]; then ulimit -c unlimited 2>&- || ulimit -S -c "$(ulimit -H -c)"; cd "$1" || exit 71; fi; shift
{ read _ <&4 || kill -9 $$; } >/dev/null 2>&1 3>&- 5<&- &
exec "$@" 4<&-`;

export interface ServerOptions {
  readonly slot: number;
  readonly generation: number;
  /** Made, with mode 0700, for this generation alone. */
  readonly directory: string;
  readonly threadSlots: number;
  readonly residents: readonly Resident[];
  readonly hostModule: string;
  readonly allowNetwork: readonly string[];
  readonly v8Flags: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
  readonly coreDumpDirectory?: string;
  /** Lets debuggers at its resident threads, on a port of the loopback that the system chooses. */
  readonly inspector: boolean;
  /** Takes every line the server prints. */
  readonly onLine: (line: string, stream: "stdout" | "stderr") => void;
}

export type ServerStage = "starting" | "running" | "draining" | "exited";

const ORDER: readonly ServerStage[] = ["starting", "running", "draining", "exited"];

export class ServerProcess {
  readonly slot: number;
  readonly generation: number;
  readonly directory: string;
  readonly startedAtMs = Date.now();
  /** Resolves when every socket listens and the control socket answers; rejects with SERVER_FAILED. */
  readonly ready: Promise<void>;
  /** Resolves, never rejects, when the process is gone and its directory removed. */
  readonly exited: Promise<string>;
  #stage: ServerStage = "starting";
  readonly #child: ChildProcess;
  #failedToStart = false;
  #killTimer: NodeJS.Timeout | undefined;
  #lastErrors: string[] = [];
  #inspectorPort: number | undefined;

  constructor(options: ServerOptions) {
    this.slot = options.slot;
    this.generation = options.generation;
    this.directory = options.directory;
    const { config, hidden } = prepareDirectory(options);
    const { uid, gid } = options;
    this.#child = spawn(
      "/bin/sh",
      [
        "-c",
        LAUNCHER,
        "sh",
        options.coreDumpDirectory ?? "",
        ...withoutCapabilities(),
        workerd.default,
        "serve",
        "--experimental",
        config,
        "--control-fd=3",
        ...(options.inspector ? ["--inspector-addr=127.0.0.1:0"] : []),
      ],
      {
        stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", ...(hidden === undefined ? [] : [hidden])],
        detached: true,
        ...(uid === undefined ? {} : { uid }),
        ...(gid === undefined ? {} : { gid }),
      },
    );
    if (hidden !== undefined) closeSync(hidden);
    this.exited = this.#watchExit();
    this.#readLines(this.#child.stdout!, (line) => options.onLine(line, "stdout"));
    this.#readLines(this.#child.stderr!, (line) => {
      if (this.#stage === "starting") this.#lastErrors = [...this.#lastErrors.slice(-9), line];
      options.onLine(line, "stderr");
    });
    this.ready = this.#becomeReady(options.threadSlots + 1);
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
    return this.#child.pid;
  }

  get stage(): ServerStage {
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
    this.#child.kill("SIGTERM");
    this.#killTimer = setTimeout(() => this.kill(), deadlineMs);
  }

  kill(): void {
    if (this.#stage !== "exited") this.#child.kill("SIGKILL");
  }

  #become(next: ServerStage): void {
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
        const watcher = this.#child.stdio[4] as Writable | undefined;
        watcher?.on("error", () => {});
        watcher?.end("\n");
        rmSync(this.directory, { recursive: true, force: true });
        resolve(how);
      };
      this.#child.on("error", (error) => ended(error.message));
      this.#child.on("exit", (code, signal) => ended(signal ? `killed by ${signal}` : `exit status ${code}`));
    });
  }

  async #becomeReady(sockets: number): Promise<void> {
    const listening = new Promise<void>((resolve) => {
      let left = sockets;
      this.#readLines(this.#child.stdio[3] as Readable, (line) => {
        const { event, port } = JSON.parse(line) as { event: string; port: number };
        // It comes before the sockets.
        if (event === "listen-inspector") this.#inspectorPort = port;
        else if (event === "listen" && --left === 0) resolve();
      });
    });
    const failed = this.exited.then((how) => {
      const reason = this.#lastErrors.join("\n") || how;
      throw new DexterError("SERVER_FAILED", { slot: this.slot, reason });
    });
    await Promise.race([listening.then(() => this.control("GET", "/")), failed]);
    if (this.#stage === "starting") this.#become("running");
  }

  #readLines(stream: Readable, take: (line: string) => void): void {
    stream.on("error", () => {});
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", take);
  }
}

/** The child's descriptor of a hidden configuration. */
const HIDDEN = 5;

interface Prepared {
  readonly config: string;
  /** The file that `config` leads to, if that is hidden. */
  readonly hidden?: number;
}

function prepareDirectory(options: ServerOptions): Prepared {
  const config = `${options.directory}/config.capnp`;
  rmSync(options.directory, { recursive: true, force: true });
  // Servers that run as somebody else must get through the folder of all generations to their own.
  mkdirSync(dirname(options.directory), { recursive: true, mode: 0o711 });
  mkdirSync(options.directory, { mode: 0o700 });
  const modules = writeModules(options.directory, options.residents);
  const text = renderWorkerdConfig({ ...options, slots: options.threadSlots });
  const hide = options.residents.some(({ spec }) => hasSecrets(spec.version));
  if (!hide) writeFileSync(config, text);
  if (options.uid !== undefined || options.gid !== undefined) {
    for (const path of [options.directory, ...(hide ? [] : [config]), ...modules])
      chownSync(path, options.uid ?? -1, options.gid ?? -1);
  }
  if (!hide) return { config };
  // The files that the configuration embeds are found from where the link is.
  symlinkSync(descriptorPath(HIDDEN), config);
  try {
    return { config, hidden: openHidden(text, options) };
  } catch {
    // The link leads nowhere: this start fails, and the next one is without resident threads.
    return { config };
  }
}
