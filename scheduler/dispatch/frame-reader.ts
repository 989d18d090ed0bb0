/**
 * Follows the frames of one direction of a WebSocket (RFC 6455 §5.2) as their bytes pass. Payloads pass where they lie; of
 * a header that comes in pieces, and of a Close frame, nothing passes before it is whole and was looked at. So
 * whoever ends the socket knows whether it stands between two frames, where a Close frame of its own may follow.
 */
import { isUtf8 } from "node:buffer";
import { Utf8Check } from "./utf8.ts";

/** What a client has done that the protocol forbids. */
export interface Violation {
  /** The status of the Close frame that answers it (RFC 6455 §7.4.1). */
  readonly code: 1002 | 1007;
  /** For the log, and at most 123 bytes long, for the Close frame. */
  readonly reason: string;
}

interface FrameRules {
  /** Frames come from a client: they must be masked, and are checked. What workerd sends is only followed. */
  readonly fromClient: boolean;
  /** permessage-deflate was agreed upon: messages may be compressed. */
  readonly deflate: boolean;
}

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PONG = 10;

/** A header, and a whole Close frame behind it. */
const MOST_HELD = 14 + 125;

export class FrameReader {
  readonly #rules: FrameRules;
  /** The header that is being read, up to `#held`; with a Close frame, its payload as well. */
  readonly #head = Buffer.allocUnsafeSlow(MOST_HELD);
  #held = 0;
  /** Bytes to come of the payload of a frame whose header has passed. */
  #left = 0;
  /** The frame is text of a message, to be checked; how much of its payload came before. */
  #checked = false;
  #phase = 0;
  readonly #mask = new Uint8Array(4);
  #isLast = false;
  /** What kind of message further frames continue; 0 = none. */
  #message = CONTINUATION;
  #compressed = false;
  readonly #text = new Utf8Check();
  /** Whether what has passed ends between two frames. */
  between = true;
  /** Whether a Close frame has passed: nothing follows it. */
  closed = false;

  constructor(rules: FrameRules) {
    this.#rules = rules;
  }

  /**
   * Reads on.
   * @param pass gets what may pass, in order
   * @returns what is wrong with the frame at which it stopped: nothing of it passes from here on
   */
  push(chunk: Buffer, pass: (piece: Buffer) => void): Violation | undefined {
    if (this.closed) return undefined;
    let at = 0;
    /** Up to here all has passed. */
    let passed = 0;
    /** Where the frame began; -1 = in an earlier chunk. */
    let began = this.#held > 0 || this.#left > 0 ? -1 : 0;
    const passTo = (end: number) => {
      if (end > passed) pass(passed === 0 && end === chunk.length ? chunk : chunk.subarray(passed, end));
      passed = Math.max(passed, end);
    };
    const stop = (violation: Violation) => {
      if (began >= 0) passTo(began);
      this.between = began >= 0 || this.#left === 0;
      return violation;
    };
    while (at < chunk.length && !this.closed) {
      if (this.#left > 0) {
        const end = Math.min(chunk.length, at + this.#left);
        if (this.#checked && !this.#text.push(chunk, at, end, this.#mask, this.#phase)) return stop(BAD_TEXT);
        this.#phase = (this.#phase + end - at) & 3;
        if (end - at === this.#left && this.#endsBadly()) return stop(BAD_TEXT);
        this.#left -= end - at;
        at = end;
      } else {
        if (this.#held === 0) began = at;
        at = this.#gather(chunk, at);
        const violation = this.#look();
        if (violation) return stop(violation);
        if (this.#held < this.#wanted()) break;
        if (began < 0) {
          pass(Buffer.from(this.#head.subarray(0, this.#held)));
          passed = at;
        }
        this.#begin();
        if (this.#left === 0 && this.#endsBadly()) return stop(BAD_TEXT);
      }
    }
    // Of what is only begun nothing passes; behind a Close frame nothing does.
    passTo(this.#held > 0 ? Math.max(began, 0) : at);
    this.between = this.#left === 0;
    return undefined;
  }

  /** Takes bytes of a header, or of a Close frame, as far as they are there. @returns what is next */
  #gather(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && this.#held < this.#wanted()) this.#head[this.#held++] = chunk[at++]!;
    return at;
  }

  /** How long the header is, as far as its beginning tells. */
  #wanted(): number {
    if (this.#held < 2) return 2;
    const [first, second] = [this.#head[0]!, this.#head[1]!];
    const length = second & 0x7f;
    const header = 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + (second >= 0x80 ? 4 : 0);
    return (first & 0x0f) === CLOSE && length <= 125 ? header + length : header;
  }

  /** What is wrong with what is held. */
  #look(): Violation | undefined {
    if (!this.#rules.fromClient || this.#held < 2) return undefined;
    const [first, second] = [this.#head[0]!, this.#head[1]!];
    const reason = this.#wrongBegin(first, second);
    if (reason !== undefined) return { code: 1002, reason };
    if (this.#held < this.#wanted()) return undefined;
    const length = second & 0x7f;
    if (length === 126 && this.#head.readUInt16BE(2) < 126) return LONG_FORM;
    if (length === 127 && this.#head.readUInt32BE(2) === 0 && this.#head.readUInt32BE(6) < 65_536)
      return LONG_FORM;
    if (length === 127 && this.#head[2]! >= 0x80) return { code: 1002, reason: "a length over 63 bits" };
    return (first & 0x0f) === CLOSE ? wrongClose(this.#unmasked(6)) : undefined;
  }

  #wrongBegin(first: number, second: number): string | undefined {
    const opcode = first & 0x0f;
    const isFinal = first >= 0x80;
    if (second < 0x80) return "a frame without a mask";
    if (opcode > PONG || (opcode > BINARY && opcode < CLOSE)) return `the reserved opcode ${opcode}`;
    const mayCompress = this.#rules.deflate && (opcode === TEXT || opcode === BINARY);
    if ((first & 0x70) !== 0 && !(mayCompress && (first & 0x70) === 0x40)) return "a reserved bit";
    if (opcode >= CLOSE) {
      if (!isFinal) return "a control frame in pieces";
      return (second & 0x7f) > 125 ? "a control frame over 125 bytes" : undefined;
    }
    if (opcode === CONTINUATION && this.#message === CONTINUATION) return "a continuation of no message";
    if (opcode !== CONTINUATION && this.#message !== CONTINUATION) return "a message within another";
    return undefined;
  }

  /** The payload of the Close frame that is held. */
  #unmasked(from: number): Buffer {
    const payload = Buffer.from(this.#head.subarray(from, this.#held));
    for (let i = 0; i < payload.length; i++) payload[i]! ^= this.#head[from - 4 + (i & 3)]!;
    return payload;
  }

  /** The header is whole, and good. */
  #begin(): void {
    const [first, second] = [this.#head[0]!, this.#head[1]!];
    const opcode = first & 0x0f;
    this.#isLast = first >= 0x80;
    this.#checked = false;
    if (opcode < CLOSE) {
      const kind = opcode === CONTINUATION ? this.#message : opcode;
      if (opcode !== CONTINUATION) {
        this.#compressed = (first & 0x40) !== 0;
        this.#text.reset();
      }
      this.#checked = this.#rules.fromClient && kind === TEXT && !this.#compressed;
      this.#message = this.#isLast ? CONTINUATION : kind;
      this.#phase = 0;
      if (this.#checked) this.#mask.set(this.#head.subarray(this.#held - 4, this.#held));
    }
    this.closed = opcode === CLOSE;
    this.#left = this.closed ? 0 : this.#length(second & 0x7f);
    this.#held = 0;
  }

  /** Not exact from 2 ** 53 on: nobody will see the end of such a frame. */
  #length(short: number): number {
    if (short === 126) return this.#head.readUInt16BE(2);
    return short === 127 ? this.#head.readUInt32BE(2) * 2 ** 32 + this.#head.readUInt32BE(6) : short;
  }

  /** Whether the text whose last frame is over ends within a character. */
  #endsBadly(): boolean {
    return this.#checked && this.#isLast && !this.#text.isWhole;
  }
}

const BAD_TEXT: Violation = { code: 1007, reason: "a text that is not UTF-8" };
const LONG_FORM: Violation = { code: 1002, reason: "a length in a longer form than needed" };

function wrongClose(payload: Buffer): Violation | undefined {
  if (payload.length === 0) return undefined;
  if (payload.length === 1) return { code: 1002, reason: "a Close frame with half a code" };
  const code = payload.readUInt16BE(0);
  if (!mayBeSent(code)) return { code: 1002, reason: `the close code ${code}` };
  return isUtf8(payload.subarray(2)) ? undefined : { code: 1007, reason: "a close reason that is not UTF-8" };
}

/** RFC 6455 §7.4.2; 1012 to 1014 were registered later. */
function mayBeSent(code: number): boolean {
  if (code >= 3_000) return code < 5_000;
  return code >= 1_000 && code <= 1_014 && !(code >= 1_004 && code <= 1_006);
}

/** A Close frame. @param masked as a client sends it; the mask is zero, because nothing between here and workerd reads it */
export function closeFrame(code: number, reason: string, masked: boolean): Buffer {
  const text = Buffer.from(reason);
  const header = masked ? 6 : 2;
  const frame = Buffer.alloc(header + 2 + text.length);
  frame[0] = 0x80 | CLOSE;
  frame[1] = (masked ? 0x80 : 0) | (2 + text.length);
  frame.writeUInt16BE(code, header);
  text.copy(frame, header + 2);
  return frame;
}
