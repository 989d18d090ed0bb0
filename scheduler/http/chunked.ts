/** Takes a chunked body apart (RFC 9112 §7.1), strictly: lines end with CR LF, sizes are plain hex digits. */

import type { Writable } from "node:stream";
import { isHeaderLine } from "./header-lines.ts";

/** Most bytes of a size line with its extensions, and of all trailers. */
const MAX_LINE = 4096;
const MAX_TRAILERS = 65_536;

const SIZE_LINE = /^([\dA-Fa-f]{1,13})(?:[\t ]*;[\t -~\x80-\xff]*)?$/;

const NO_DIGIT = 255;
const HEX = new Uint8Array(256).fill(NO_DIGIT);
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit;
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

/** The bytes are no chunked body; the message says why. */
export class ChunkError extends Error {}

export class ChunkedDecoder {
  /** The part of the body that the last `read` came upon. */
  data: Buffer | undefined;
  #state: "size" | "data" | "after data" | "trailers" | "done" = "size";
  /** Bytes left of the chunk in "data", of the line break in "after data". */
  #left = 0;
  #line = "";
  #trailerBytes = 0;
  /** How long the body is at least, by the chunks that have begun. */
  announced = 0;

  get done(): boolean {
    return this.#state === "done";
  }

  reset(): void {
    this.#state = "size";
    this.#line = "";
    this.#trailerBytes = 0;
    this.announced = 0;
    this.data = undefined;
  }

  /**
   * Goes on from `at`, at most until a piece of the body is in `data` or the body is `done`.
   * @returns where to go on
   * @throws ChunkError
   */
  read(chunk: Buffer, at: number): number {
    this.data = undefined;
    let position = at;
    while (position < chunk.length && this.#state !== "done") {
      if (this.#state === "data") return this.#readData(chunk, position);
      position =
        this.#state === "after data" ? this.#readBreak(chunk, position) : this.#readLine(chunk, position);
    }
    return position;
  }

  #readData(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    this.data = at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end);
    this.#left -= end - at;
    if (this.#left === 0) {
      this.#state = "after data";
      this.#left = 2;
    }
    return end;
  }

  #readBreak(chunk: Buffer, at: number): number {
    if (chunk[at] !== (this.#left === 2 ? 13 : 10)) throw new ChunkError("a chunk is longer than its size");
    this.#left--;
    if (this.#left === 0) this.#state = "size";
    return at + 1;
  }

  #readLine(chunk: Buffer, at: number): number {
    const next = this.#line === "" ? this.#readPlainLine(chunk, at) : at;
    if (next > at) return next;
    const lineFeed = chunk.indexOf(10, at);
    const end = lineFeed < 0 ? chunk.length : lineFeed + 1;
    const limit = this.#state === "size" ? MAX_LINE : MAX_TRAILERS - this.#trailerBytes;
    if (this.#line.length + end - at > limit)
      throw new ChunkError(`the ${this.#state} of a chunked body is too long`);
    const line = this.#line + chunk.toString("latin1", at, end);
    if (lineFeed < 0) {
      this.#line = line;
      return end;
    }
    this.#line = "";
    if (!line.endsWith("\r\n")) throw new ChunkError("a line of a chunked body ends without CR");
    if (this.#state === "size") this.#takeSize(line.slice(0, -2));
    else this.#takeTrailer(line.slice(0, -2));
    return end;
  }

  /** The usual size line (digits and CR LF, all there) or the empty last line. @returns `at` for any other */
  #readPlainLine(chunk: Buffer, at: number): number {
    let size = 0;
    let position = at;
    if (this.#state === "size") {
      for (; position < at + 8; position++) {
        const digit = HEX[chunk[position] ?? 0]!;
        if (digit === NO_DIGIT) break;
        size = size * 16 + digit;
      }
      if (position === at) return at;
    }
    if (chunk[position] !== 13 || chunk[position + 1] !== 10) return at;
    if (this.#state === "trailers") this.#state = "done";
    else this.#startChunk(size);
    return position + 2;
  }

  #startChunk(size: number): void {
    this.#left = size;
    this.announced += size;
    this.#state = size === 0 ? "trailers" : "data";
  }

  #takeSize(line: string): void {
    const digits = SIZE_LINE.exec(line)?.[1];
    if (digits === undefined) throw new ChunkError("bad chunk size");
    this.#startChunk(Number.parseInt(digits, 16));
  }

  #takeTrailer(line: string): void {
    this.#trailerBytes += line.length + 2;
    if (line === "") this.#state = "done";
    else if (!isHeaderLine(line)) throw new ChunkError("bad trailer");
  }
}

/** Writes a piece of a body as one chunk. @param done when the piece is no longer needed @returns as `write` */
export function writeChunk(socket: Writable, piece: Buffer, done?: () => void): boolean {
  socket.cork();
  socket.write(`${piece.length.toString(16)}\r\n`, "latin1");
  socket.write(piece, done);
  const goesOn = socket.write("\r\n", "latin1");
  socket.uncork();
  return goesOn;
}
