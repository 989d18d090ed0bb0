/** What has come of a body and was not handed on: few pieces, of which each is worth its memory. */

interface Piece {
  bytes: Buffer;
  readonly done: (() => void) | undefined;
}

/** Shorter pieces are put together: for itself, each would cost more than it holds. */
const OWN_PIECE_BYTES = 16_384;
const FIRST_ROOM_BYTES = 1_024;

export class GatheredBody {
  length = 0;
  readonly #pieces: Piece[] = [];
  /** The memory of the last piece, if there may be room in it for more. */
  #room: Buffer | undefined;

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** @returns whether the piece is still needed after the call: then `done` follows */
  add(piece: Buffer, done?: () => void): boolean {
    this.length += piece.length;
    if (piece.length >= OWN_PIECE_BYTES) {
      this.#room = undefined;
      this.#pieces.push({ bytes: piece, done });
      return true;
    }
    this.#append(piece);
    done?.();
    return false;
  }

  /** The first piece, which is no longer gathered. */
  shift(): Piece | undefined {
    const piece = this.#pieces.shift();
    if (piece) this.length -= piece.bytes.length;
    if (this.#pieces.length === 0) this.#room = undefined;
    return piece;
  }

  /** Nobody needs it any more. */
  clear(): void {
    for (let piece = this.shift(); piece; piece = this.shift()) piece.done?.();
  }

  #append(piece: Buffer): void {
    const last = this.#room && this.#pieces.at(-1);
    if (!last) {
      this.#room = Buffer.allocUnsafeSlow(Math.max(FIRST_ROOM_BYTES, piece.length));
      this.#pieces.push({ bytes: this.#fill(0, piece), done: undefined });
      return;
    }
    const filled = last.bytes.length;
    if (filled + piece.length > this.#room!.length) {
      const wider = Buffer.allocUnsafeSlow(Math.max(2 * this.#room!.length, filled + piece.length));
      last.bytes.copy(wider);
      this.#room = wider;
    }
    last.bytes = this.#fill(filled, piece);
  }

  #fill(from: number, piece: Buffer): Buffer {
    piece.copy(this.#room!, from);
    return this.#room!.subarray(0, from + piece.length);
  }
}
