/**
 * A file that is only ever appended to, by several processes if need be, and opened afresh on demand: whoever
 * rotates logs renames the file first, and asks for that then.
 */
import { closeSync, constants, openSync, write, writeSync } from "node:fs";
import { DexterError } from "../errors.ts";
import { fileReason } from "../system/file-reason.ts";

/** Where whole lines go. */
export interface LineTarget {
  /** Resolves when all is written; rejects when some of it was not. Never called while a call is under way. */
  write(bytes: Buffer): Promise<void>;
  /** Throws FILE_UNWRITABLE, and goes on as before then. */
  reopen(): void;
  close(): void;
}

/** `O_NONBLOCK` is for named pipes: neither a missing reader nor a slow one may stop the scheduler. */
const FLAGS = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_NONBLOCK;
const MODE = 0o640;

export class AppendFile implements LineTarget {
  readonly path: string;
  readonly #directive: string;
  #descriptor: number;
  #writing: Promise<void> | undefined;

  /** Throws FILE_UNWRITABLE. */
  constructor(directive: string, path: string) {
    this.#directive = directive;
    this.path = path;
    this.#descriptor = this.#open();
  }

  /** For a log that must be whole whatever happens next. Throws what the system says. */
  writeSync(text: string): void {
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#descriptor, bytes, done);
  }

  write(bytes: Buffer): Promise<void> {
    const writing = writeAll(this.#descriptor, bytes).finally(() => (this.#writing = undefined));
    this.#writing = writing;
    return writing;
  }

  reopen(): void {
    const next = this.#open();
    this.close();
    this.#descriptor = next;
  }

  /** What is being written still gets there. */
  close(): void {
    const descriptor = this.#descriptor;
    const close = () => closeSync(descriptor);
    if (this.#writing) this.#writing.then(close, close);
    else close();
  }

  #open(): number {
    try {
      return openSync(this.path, FLAGS, MODE);
    } catch (cause) {
      const details = { directive: this.#directive, path: this.path, reason: fileReason(cause) };
      throw new DexterError("FILE_UNWRITABLE", details, { cause });
    }
  }
}

/** The process's own output, for whoever collects it. */
export const stdoutTarget: LineTarget = {
  write: (bytes) =>
    new Promise((resolve, reject) =>
      process.stdout.write(bytes, (error) => (error ? reject(error) : resolve())),
    ),
  reopen() {},
  close() {},
};

async function writeAll(descriptor: number, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += await writeSome(descriptor, bytes, done);
}

function writeSome(descriptor: number, bytes: Buffer, from: number): Promise<number> {
  return new Promise((resolve, reject) =>
    write(descriptor, bytes, from, (error, written) => (error ? reject(error) : resolve(written))),
  );
}
