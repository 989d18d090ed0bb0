/** Frames of WebSockets as raw bytes, also such as no library would send. */

export interface FrameOptions {
  readonly opcode?: number;
  readonly fin?: boolean;
  /** RSV1 to RSV3, as the bits 4, 2, 1. */
  readonly reserved?: number;
  /** Four bytes; null = unmasked. */
  readonly mask?: readonly [number, number, number, number] | null;
  /** In how many bytes the length is written; by default in as few as it needs. */
  readonly lengthBytes?: 0 | 2 | 8;
  /** A length that is not the payload's. */
  readonly length?: bigint;
}

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;

/** One frame, by default masked text. */
export function frame(payload: string | Buffer, options: FrameOptions = {}): Buffer {
  const { opcode = TEXT, fin = true, reserved = 0, mask = [0x12, 0x34, 0x56, 0x78] } = options;
  const data = Buffer.from(payload);
  const { length = BigInt(data.length) } = options;
  const { lengthBytes = length < 126n ? 0 : length < 65_536n ? 2 : 8 } = options;
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (mask ? 0x80 : 0) | (lengthBytes === 0 ? Number(length) : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(Number(length), 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(length, 2);
  const masked = data.map((byte, i) => byte ^ (mask?.[i & 3] ?? 0));
  return Buffer.concat([head, Buffer.from(mask ?? []), masked]);
}

/** A Close frame's payload. */
export function closing(code: number, reason: string | Buffer = ""): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);
}

/** The first frame in these bytes, which are unmasked. */
export function readFrame(bytes: Buffer): { readonly opcode: number; readonly payload: Buffer } {
  const short = bytes[1]! & 0x7f;
  const start = short === 127 ? 10 : short === 126 ? 4 : 2;
  const length =
    short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
  return { opcode: bytes[0]! & 0x0f, payload: bytes.subarray(start, start + length) };
}
