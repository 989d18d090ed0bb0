/**
 * The log on stderr. A line is written at once, but stderr may be a pipe whose reader rests, and then writing would stop
 * every request. So what does not fit waits in order, and beyond a limit it is dropped and counted.
 */
import { fstatSync, writeSync } from "node:fs";

/** After so long it is tried again. */
const RETRY_MS = 10;
/** Bytes that may wait for a slow reader. */
const MOST_BYTES = 4 * 1024 * 1024;
/** The end waits no longer for a reader that takes nothing. */
const END_MS = 1_000;

export class UnhurriedOutput {
  /** Returns how many bytes were written; throws EAGAIN when none fits. */
  readonly #write: (bytes: Buffer) => number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (bytes: Buffer) => number) {
    this.#write = write;
  }

  /** @param line with its line break */
  add(line: string): void {
    // Until all is written, so that the lines that are missing are missing in one place.
    if (this.#dropped > 0 || this.#waitingBytes >= MOST_BYTES) this.#dropped++;
    else this.#push(line);
    if (this.#timer === undefined) this.#flush();
  }

  /** Writes what waits, for as long as the reader takes of it. */
  end(): void {
    clearTimeout(this.#timer);
    let progressAtMs = performance.now();
    let before = this.#waitingBytes;
    while (!this.#writeWhatFits()) {
      const nowMs = performance.now();
      if (this.#waitingBytes !== before) progressAtMs = nowMs;
      else if (nowMs - progressAtMs >= END_MS) return;
      before = this.#waitingBytes;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }

  #push(line: string): void {
    const bytes = Buffer.from(line);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #flush(): void {
    this.#timer = undefined;
    // It keeps no process alive; the end writes what is left.
    if (!this.#writeWhatFits()) this.#timer = setTimeout(() => this.#flush(), RETRY_MS).unref();
  }

  /** Returns whether nothing waits any more. */
  #writeWhatFits(): boolean {
    try {
      while (this.#waiting.length > 0 || this.#dropped > 0) {
        if (this.#waiting.length === 0) this.#tellDropped();
        const bytes = this.#waiting[0]!;
        const written = this.#write(bytes);
        this.#waitingBytes -= written;
        if (written < bytes.length) this.#waiting[0] = bytes.subarray(written);
        else this.#waiting.shift();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
      // It has no reader any more, or its disk is full: there is nobody to tell.
      this.#waiting = [];
      this.#waitingBytes = 0;
    }
    return true;
  }

  #tellDropped(): void {
    this.#push(`dexter: ${this.#dropped} lines of the log were dropped: whoever reads stderr is too slow\n`);
    this.#dropped = 0;
  }
}

let stderr: UnhurriedOutput | undefined;

/** What waits is lost when the process ends without `endStderr`. */
export function writeToStderr(text: string): void {
  stderr ??= openStderr();
  stderr.add(text);
}

/** The last thing that a process does, however it ends: writes what waits, unless the reader rests for ever. */
export function endStderr(): void {
  stderr?.end();
}

function openStderr(): UnhurriedOutput {
  const dontBlock = blockingSwitch();
  return new UnhurriedOutput((bytes) => {
    dontBlock?.();
    return writeSync(2, bytes);
  });
}

/**
 * How to make a pipe or socket say that it is full instead of making the writer wait. Node.js does so when it opens
 * stderr, but each child that inherits stderr (esbuild's does) undoes it for all who share the pipe.
 */
function blockingSwitch(): (() => void) | undefined {
  const handle = isPipe() ? pipeHandle() : undefined;
  return handle && (() => handle.setBlocking(false));
}

/** Whether a reader that rests may stop the process: this version of Node.js has no such switch. */
export function stderrMayBlock(): boolean {
  return isPipe() && pipeHandle() === undefined;
}

function isPipe(): boolean {
  const kind = fstatSync(2);
  return kind.isFIFO() || kind.isSocket();
}

interface PipeHandle {
  setBlocking(blocking: boolean): void;
}

/** The documentation of Node.js leaves it out. */
function pipeHandle(): PipeHandle | undefined {
  const { _handle: handle } = process.stderr as { _handle?: Partial<PipeHandle> };
  return typeof handle?.setBlocking === "function" ? (handle as PipeHandle) : undefined;
}
