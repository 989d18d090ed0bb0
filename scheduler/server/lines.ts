/**
 * Cuts what a server prints into lines. A line that is too long is cut while it comes: a function may print 100 MB in
 * one line, and no more than the front of it is ever kept.
 */

/** Bytes of a line that are kept. */
export const MAX_LINE = 16 * 1024;

const LINE_FEED = 0x0a;
const RETURN = 0x0d;

/** @param cut how many bytes of the line are missing at its end */
export type TakeLine = (line: string, cut: number) => void;

export class LineSplitter {
  readonly #take: TakeLine;
  /** The front of a line whose end has not come; made for the first line that comes in pieces. */
  #front: Buffer | undefined;
  #kept = 0;
  /** Bytes of that line that were not kept. */
  #cut = 0;

  constructor(take: TakeLine) {
    this.#take = take;
  }

  push(chunk: Buffer): void {
    let at = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, at);
      if (end < 0) break;
      if (this.#kept + this.#cut === 0) this.#tell(chunk, at, end, 0);
      else {
        this.#keep(chunk, at, end);
        this.#flush();
      }
      at = end + 1;
    }
    if (at < chunk.length) this.#keep(chunk, at, chunk.length);
  }

  /** Nothing comes any more: what is left is a line, too. */
  end(): void {
    if (this.#kept + this.#cut > 0) this.#flush();
    this.#front = undefined;
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    this.#front ??= Buffer.allocUnsafeSlow(MAX_LINE);
    const kept = Math.min(end - start, MAX_LINE - this.#kept);
    chunk.copy(this.#front, this.#kept, start, start + kept);
    this.#kept += kept;
    this.#cut += end - start - kept;
  }

  #flush(): void {
    const [kept, cut] = [this.#kept, this.#cut];
    this.#kept = 0;
    this.#cut = 0;
    this.#tell(this.#front!, 0, kept, cut);
  }

  #tell(bytes: Buffer, start: number, end: number, cut: number): void {
    let last = Math.min(end, start + MAX_LINE);
    const missing = cut + end - last;
    if (missing > 0) last = characterEnd(bytes, start, last);
    else if (last > start && bytes[last - 1] === RETURN) last--;
    this.#take(bytes.toString("utf8", start, last), missing > 0 ? cut + end - last : 0);
  }
}

/** Where the last whole character of UTF-8 ends. */
function characterEnd(bytes: Buffer, start: number, end: number): number {
  let lead = end - 1;
  while (lead > start && end - lead < 4 && (bytes[lead]! & 0xc0) === 0x80) lead--;
  const byte = bytes[lead]!;
  const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
  return lead + length > end ? lead : end;
}
