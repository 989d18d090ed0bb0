/**
 * Whether masked bytes that come in pieces are UTF-8 (RFC 3629): a character may be split between pieces. They are read
 * where they lie.
 */

/** The highest bits of four bytes: none is set when all four are ASCII. */
const NOT_ASCII = 0x80808080 | 0;

export class Utf8Check {
  /** How many bytes of the character are to come, and between what the next one must be. */
  #need = 0;
  #lower = 0x80;
  #upper = 0xbf;

  /** Forgets what came before: another text begins. */
  reset(): void {
    this.#need = 0;
    this.#lower = 0x80;
    this.#upper = 0xbf;
  }

  /** Whether the text may end here. */
  get isWhole(): boolean {
    return this.#need === 0;
  }

  /**
   * Reads `bytes` from `from` to `to`.
   * @param mask four bytes, with which the bytes of the text are masked in turn (RFC 6455 §5.3)
   * @param phase which of them masks the first byte
   * @returns false when this can be no UTF-8, whatever follows
   */
  push(bytes: Buffer, from: number, to: number, mask: Uint8Array, phase: number): boolean {
    let at = from;
    while (at < to) {
      if (this.#need === 0) at = afterAscii(bytes, at, to, mask, phase + at - from);
      // Where one character is not ASCII, more are.
      for (const next = Math.min(to, at + WORTH_A_VIEW); at < next; at++)
        if (!this.#take(bytes[at]! ^ mask[(phase + at - from) & 3]!)) return false;
    }
    return true;
  }

  #take(byte: number): boolean {
    if (this.#need > 0) {
      if (byte < this.#lower || byte > this.#upper) return false;
      this.#need--;
      this.#lower = 0x80;
      this.#upper = 0xbf;
      return true;
    }
    if (byte < 0x80) return true;
    if (byte < 0xc2 || byte > 0xf4) return false;
    this.#need = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    // No longer form than needed, no surrogates, nothing above U+10FFFF.
    if (byte === 0xe0) this.#lower = 0xa0;
    else if (byte === 0xed) this.#upper = 0x9f;
    else if (byte === 0xf0) this.#lower = 0x90;
    else if (byte === 0xf4) this.#upper = 0x8f;
    return true;
  }
}

/** A shorter rest is read byte by byte: a view costs as much. */
const WORTH_A_VIEW = 32;

/** Eight bytes at a time, because most texts are ASCII. @returns where it had to stop: before the last seven, at the latest */
function afterAscii(bytes: Buffer, from: number, to: number, mask: Uint8Array, phase: number): number {
  if (to - from < WORTH_A_VIEW) return from;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word =
    mask[phase & 3]! |
    (mask[(phase + 1) & 3]! << 8) |
    (mask[(phase + 2) & 3]! << 16) |
    (mask[(phase + 3) & 3]! << 24);
  let at = from;
  for (; at + 8 <= to; at += 8) {
    const both = (view.getInt32(at, true) ^ word) | (view.getInt32(at + 4, true) ^ word);
    if ((both & NOT_ASCII) !== 0) break;
  }
  return at;
}
