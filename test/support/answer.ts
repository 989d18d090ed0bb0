/** What a server answers, whatever version of HTTP it speaks: its head, and its body piece by piece. */
export interface ResponseHead {
  readonly version: string;
  readonly status: number;
  readonly statusText: string;
  /** Names in lower case, values as latin-1 text, in the order they came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface RawAnswer {
  readonly head: ResponseHead;
  readonly status: number;
  readonly text: string;
  /** The body ended before its end. */
  readonly cut: boolean;
}

/** The connection ended before what was being read was complete. */
export class CutError extends Error {
  override readonly name = "CutError";
}

/** One response's body, read piece by piece. */
export class BodyReader {
  #pieces: AsyncGenerator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(pieces: AsyncGenerator<Buffer>) {
    this.#pieces = pieces;
  }

  /** The next bytes, or undefined at the end. Throws `CutError` if the body was cut. */
  async next(): Promise<Buffer | undefined> {
    if (this.#held.length > 0) {
      const held = this.#held;
      this.#held = Buffer.alloc(0);
      return held;
    }
    const { done, value } = await this.#pieces.next();
    return done ? undefined : value;
  }

  /** Reads up to and including `marker`, whatever the chunk boundaries, and returns the text read. */
  async until(marker: string): Promise<string> {
    let read: Buffer = Buffer.alloc(0);
    for (;;) {
      const at = read.indexOf(marker);
      if (at >= 0) {
        const end = at + Buffer.byteLength(marker);
        this.#held = read.subarray(end);
        return read.toString("utf8", 0, end);
      }
      const piece = await this.next();
      if (!piece) throw new CutError(`the body ended before "${marker}": ${read.toString("utf8")}`);
      read = Buffer.concat([read, piece]);
    }
  }

  /** Reads at least `count` bytes (fewer at the end) and returns how many there were. */
  async atLeast(count: number): Promise<number> {
    let total = 0;
    while (total < count) {
      const piece = await this.next();
      if (!piece) break;
      total += piece.length;
    }
    return total;
  }

  /** Everything that is left, and whether the body came to its proper end. */
  async rest(): Promise<{ readonly bytes: Buffer; readonly cut: boolean }> {
    const pieces: Buffer[] = [];
    try {
      for (let piece = await this.next(); piece; piece = await this.next()) pieces.push(piece);
      return { bytes: Buffer.concat(pieces), cut: false };
    } catch (error) {
      if (!(error instanceof CutError)) throw error;
      return { bytes: Buffer.concat(pieces), cut: true };
    }
  }
}

/** Reads the next answer of a connection, whatever version of HTTP it speaks. */
export async function readAnswer(
  connection: { head(): Promise<ResponseHead>; body(head: ResponseHead, method?: string): BodyReader },
  method = "GET",
): Promise<RawAnswer> {
  const head = await connection.head();
  const { bytes, cut } = await connection.body(head, method).rest();
  return { head, status: head.status, text: bytes.toString(), cut };
}

/** Every value of a header. */
export function valuesOf(head: ResponseHead, name: string): string[] {
  return head.headers.filter(([key]) => key === name).map(([, value]) => value);
}

/** The value of a header, or undefined. */
export function headerOf(head: ResponseHead, name: string): string | undefined {
  return head.headers.find(([key]) => key === name)?.[1];
}
