/**
 * Lines on their way to a file. They are gathered and written together, so that no request waits for a disk.
 * What cannot be written, or comes faster than it is written, is dropped and counted, and both the trouble and its
 * end are told once.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { fileReason } from "../system/file-reason.ts";
import type { LineTarget } from "./append-file.ts";

/** How long a line waits for company. */
const FLUSH_MS = 100;
/** Characters that are written at once without waiting. */
const FULL_CHARS = 64 * 1024;
/** Characters that may wait for a slow disk or reader. */
const MOST_CHARS = 4 * 1024 * 1024;
/** How long the end waits for one. */
const CLOSE_MS = 2_000;

export class LineBuffer {
  readonly target: LineTarget;
  readonly #tell: (level: "error" | "info", message: string) => void;
  /** What the messages call it. */
  readonly #name: string;
  #text = "";
  #lines = 0;
  #dropped = 0;
  #inTrouble = false;
  /** The last write may have ended in the middle of a line. */
  #torn = false;
  #closed = false;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(name: string, target: LineTarget, tell: (level: "error" | "info", message: string) => void) {
    this.#name = name;
    this.target = target;
    this.#tell = tell;
  }

  /** @param line with its line break */
  add(line: string): void {
    if (this.#text.length > MOST_CHARS) return this.#drop(1, "it is written too slowly");
    this.#text += line;
    this.#lines++;
    if (this.#text.length >= FULL_CHARS && !this.#inTrouble) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  /** Writes what is there, if the target takes it in time, and closes the target. */
  async close(): Promise<void> {
    const late = new AbortController();
    const written = async () => {
      await this.#writing;
      this.#flush();
      await this.#writing;
      late.abort();
    };
    await Promise.race([written(), sleep(CLOSE_MS, undefined, { signal: late.signal }).catch(() => {})]);
    clearTimeout(this.#timer);
    this.#closed = true;
    this.target.close();
  }

  #flush(): void {
    if (this.#writing || this.#text === "") return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const [text, lines] = [this.#text, this.#lines];
    this.#text = "";
    this.#lines = 0;
    this.#writing = this.target
      .write(Buffer.from(this.#torn ? `\n${text}` : text))
      .then(
        () => this.#wentWell(),
        (error) => {
          this.#torn = true;
          this.#drop(lines, fileReason(error));
        },
      )
      .finally(() => this.#next());
  }

  #next(): void {
    this.#writing = undefined;
    if (this.#text !== "" && !this.#closed) this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  #wentWell(): void {
    this.#torn = false;
    if (!this.#inTrouble || this.#text.length > MOST_CHARS) return;
    this.#inTrouble = false;
    this.#tell("info", `${this.#name} is written again; ${this.#dropped} lines were dropped`);
    this.#dropped = 0;
  }

  #drop(lines: number, reason: string): void {
    this.#dropped += lines;
    if (this.#inTrouble) return;
    this.#inTrouble = true;
    this.#tell(
      "error",
      `${this.#name} cannot be written: ${reason}; requests are served, their lines are dropped`,
    );
  }
}
