/**
 * The log files of a node, and the log itself. They are opened before anything else is done, because that can fail;
 * a reload opens them afresh, so that whoever rotates logs renames them and reloads.
 */
import { DexterError } from "../errors.ts";
import type { Prepared } from "../system/prepared.ts";
import type { NodeConfig } from "../types.ts";
import { AccessLog } from "./access-log.ts";
import { AppendFile, stdoutTarget } from "./append-file.ts";
import { ErrorFile } from "./error-file.ts";
import { LineBuffer } from "./line-buffer.ts";
import { createLogger, type Logger } from "./logger.ts";
import { stderrMayBlock, writeToStderr } from "./stderr.ts";

type Settings = Pick<NodeConfig, "logLevel" | "accessLog" | "accessLogFormat" | "errorLog">;

interface LogsOptions {
  /** The log is also for who looks at the terminal, whatever the file gets. */
  readonly dev: boolean;
  /** Makes a line for people of one in JSON. */
  readonly format?: (line: string) => string;
}

export class Logs {
  readonly log: Logger;
  readonly #options: LogsOptions;
  #access: AccessLog | undefined;
  #error: ErrorFile | undefined;
  #closing: Promise<void> | undefined;
  /** Files that could not be opened afresh, and are to be before a change is taken. */
  readonly #stale = new Set<string>();

  /** Throws FILE_UNWRITABLE. */
  constructor(settings: Settings, options: LogsOptions) {
    this.#options = options;
    this.log = createLogger(settings.logLevel, (line) => this.#write(line));
    this.change(settings).finish();
    if (stderrMayBlock())
      this.log.debug(
        `Node.js ${process.version} does not let stderr be non-blocking: a slow reader stops requests`,
      );
  }

  get access(): AccessLog | undefined {
    return this.#access;
  }

  /** Opens every file afresh. One that cannot be opened stays in use; a change will say why. */
  reopen(): void {
    for (const open of [this.#access?.lines.target, this.#error?.file]) {
      const path = open instanceof AppendFile ? open.path : "-";
      try {
        open?.reopen();
        this.#stale.delete(path);
      } catch (error) {
        if (!(error instanceof DexterError)) throw error;
        this.#stale.add(path);
      }
    }
  }

  /** Opens the files that are new. Throws FILE_UNWRITABLE, and then changes nothing. */
  change(settings: Settings): Prepared {
    const access = this.#accessFor(settings);
    let error: ErrorFile | undefined;
    try {
      error = this.#errorFor(settings);
    } catch (problem) {
      if (access !== this.#access) access?.lines.target.close();
      throw problem;
    }
    const abandon = () => {
      if (access !== this.#access) access?.lines.target.close();
      if (error !== this.#error) error?.file.close();
    };
    const finish = () => {
      const [oldAccess, oldError] = [this.#access, this.#error];
      this.#access = access;
      this.#error = error;
      if (access) access.format = settings.accessLogFormat;
      this.#stale.clear();
      this.log.level = settings.logLevel;
      if (oldAccess !== access) void oldAccess?.lines.close();
      if (oldError !== error) oldError?.file.close();
    };
    return { finish, abandon };
  }

  /** Writes what is left. Afterwards the log is on stderr. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    const access = this.#access;
    this.#access = undefined;
    await access?.lines.close();
    this.#error?.file.close();
    this.#error = undefined;
  }

  #accessFor({ accessLog: path, accessLogFormat }: Settings): AccessLog | undefined {
    if (path === undefined) return undefined;
    if (path === this.#access?.path && !this.#stale.has(path)) return this.#access;
    const target = path === "-" ? stdoutTarget : new AppendFile("access_log", path);
    const name = `access_log: ${path === "-" ? "stdout" : path}`;
    const lines = new LineBuffer(name, target, (level, message) => this.log[level](message));
    return new AccessLog(path, lines, accessLogFormat);
  }

  #errorFor({ errorLog: path }: Settings): ErrorFile | undefined {
    if (path === undefined) return undefined;
    if (path === this.#error?.file.path && !this.#stale.has(path)) return this.#error;
    return new ErrorFile(new AppendFile("error_log", path), writeToStderr);
  }

  #write(line: string): void {
    this.#error?.write(line);
    if (this.#error && !this.#options.dev) return;
    writeToStderr(this.#options.format?.(line) ?? line);
  }
}
