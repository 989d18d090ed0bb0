/** What passes of the frames of a WebSocket, and which of a client's frames end it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { closeFrame, FrameReader } from "../../scheduler/dispatch/frame-reader.ts";
import { Utf8Check } from "../../scheduler/dispatch/utf8.ts";
import { BINARY, CLOSE, closing, frame, PING, readFrame, TEXT } from "../support/frames.ts";
import { assertProperty } from "../support/properties.ts";

const CLIENT = { fromClient: true, deflate: false };

/** Gives the reader these chunks. */
function read(chunks: readonly Buffer[], rules = CLIENT) {
  const reader = new FrameReader(rules);
  const passed: Buffer[] = [];
  for (const chunk of chunks) {
    const violation = reader.push(chunk, (piece) => void passed.push(Buffer.from(piece)));
    if (violation) return { violation, reader, passed: Buffer.concat(passed) };
  }
  return { violation: undefined, reader, passed: Buffer.concat(passed) };
}

/** The bytes in pieces of at most these sizes, again and again. */
function inPieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

const GOOD: Record<string, Buffer> = {
  "an empty text": frame(""),
  "a text": frame("hello"),
  "a text of 126 bytes": frame("x".repeat(126)),
  "a text of 70,000 bytes": frame("x".repeat(70_000)),
  "binary that is no UTF-8": frame(Buffer.from([0xc3, 0x28]), { opcode: BINARY }),
  "a ping of 125 bytes": frame("p".repeat(125), { opcode: PING }),
  "a character in two frames": Buffer.concat([
    frame(Buffer.from([0xe2, 0x82]), { fin: false }),
    frame("between", { opcode: PING }),
    frame(Buffer.from([0xac]), { opcode: 0 }),
  ]),
  "an empty last frame": Buffer.concat([frame("a", { fin: false }), frame("", { opcode: 0 })]),
  "a text after binary in two frames": Buffer.concat([
    frame(Buffer.from([0xff]), { opcode: BINARY, fin: false }),
    frame(Buffer.from([0xff]), { opcode: 0 }),
    frame("text"),
  ]),
};

const BAD: Record<string, readonly [bytes: Buffer, code: number]> = {
  "an unmasked text": [frame("a", { mask: null }), 1002],
  "a ping of 126 bytes": [frame("p".repeat(126), { opcode: PING }), 1002],
  "a ping in pieces": [frame("p", { opcode: PING, fin: false }), 1002],
  "the opcode 3": [frame("a", { opcode: 3 }), 1002],
  "the opcode 11": [frame("a", { opcode: 11 }), 1002],
  "RSV1 without an extension": [frame("a", { reserved: 4 }), 1002],
  RSV2: [frame("a", { reserved: 2 }), 1002],
  RSV3: [frame("a", { reserved: 1 }), 1002],
  "a short length in two bytes": [frame("a", { lengthBytes: 2 }), 1002],
  "a length in eight bytes that needs two": [frame("a".repeat(200), { lengthBytes: 8 }), 1002],
  "a length over 63 bits": [frame("a", { length: 2n ** 63n, lengthBytes: 8 }), 1002],
  "a continuation of nothing": [frame("a", { opcode: 0 }), 1002],
  "a message within another": [Buffer.concat([frame("a", { fin: false }), frame("b")]), 1002],
  "a close of one byte": [frame("x", { opcode: CLOSE }), 1002],
  "a close of 126 bytes": [frame(closing(1000, "x".repeat(124)), { opcode: CLOSE }), 1002],
  "a close reason that is not UTF-8": [frame(closing(1000, Buffer.from([0xff])), { opcode: CLOSE }), 1007],
  "a text that is not UTF-8": [frame(Buffer.from([0xc3, 0x28])), 1007],
  "a surrogate": [frame(Buffer.from([0xed, 0xa0, 0x80])), 1007],
  "a longer form than needed": [frame(Buffer.from([0xc0, 0xaf])), 1007],
  "a text that ends within a character": [frame(Buffer.from([0x61, 0xe2, 0x82])), 1007],
  "a message whose last, empty frame leaves a character open": [
    Buffer.concat([frame(Buffer.from([0xe2]), { fin: false }), frame("", { opcode: 0 })]),
    1007,
  ],
};
for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535])
  BAD[`the close code ${code}`] = [frame(closing(code), { opcode: CLOSE }), 1002];

describe("what a client sends", () => {
  for (const [what, bytes] of Object.entries(GOOD)) {
    it(`passes unchanged, in whatever pieces it comes: ${what}`, () => {
      for (const sizes of [[bytes.length], [1], [2, 3], [7, 1]]) {
        const { violation, passed, reader } = read(inPieces(bytes, sizes));
        assert.equal(violation, undefined);
        assert(passed.equals(bytes));
        assert(reader.between);
      }
    });
  }

  for (const [what, [bytes, code]] of Object.entries(BAD)) {
    it(`ends the socket with ${code}: ${what}`, () => {
      const before = frame("good");
      for (const sizes of [[4_096], [1], [2, 3], [7, 1]]) {
        const all = Buffer.concat([before, bytes]);
        const { violation, passed, reader } = read(inPieces(all, sizes));
        assert.equal(violation?.code, code);
        assert(Buffer.byteLength(violation.reason) <= 123);
        assert(passed.equals(all.subarray(0, passed.length)));
        // Only what is found within a text may have passed in part.
        if (code === 1002 || sizes[0] === 4_096) assert(reader.between, "a frame has passed in part");
      }
    });
  }

  for (const code of [1000, 1001, 1003, 1007, 1011, 1012, 1014, 3000, 4999]) {
    it(`may be the close code ${code}, and nothing passes behind it`, () => {
      const close = frame(closing(code, "caf\u00e9"), { opcode: CLOSE });
      const { violation, passed, reader } = read([
        Buffer.concat([close, frame("more")]),
        frame("still more"),
      ]);
      assert.equal(violation, undefined);
      assert(reader.closed);
      assert(passed.equals(close));
    });
  }

  it("may be compressed when that was agreed upon, in the first frame of a message", () => {
    const rules = { fromClient: true, deflate: true };
    const first = frame(Buffer.from([0xff, 0xfe]), { reserved: 4, fin: false });
    const rest = frame(Buffer.from([0xff]), { opcode: 0 });
    assert.equal(read([first, rest], rules).violation, undefined);
    const again = frame(Buffer.from([0xff]), { opcode: 0, reserved: 4 });
    assert.equal(read([first, again], rules).violation?.code, 1002);
    assert.equal(read([frame("p", { opcode: PING, reserved: 4 })], rules).violation?.code, 1002);
  });

  it("passes without a copy where frames are not cut", () => {
    const chunk = Buffer.concat([frame("one"), frame("two")]);
    const pieces: Buffer[] = [];
    new FrameReader(CLIENT).push(chunk, (piece) => void pieces.push(piece));
    assert.deepEqual(pieces, [chunk]);
    assert.equal(pieces[0]!.buffer, chunk.buffer);
  });
});

describe("what a function sends", () => {
  it("is followed, so that it is known where a frame ends", () => {
    const bytes = Buffer.concat([frame("one", { mask: null }), frame("x".repeat(300), { mask: null })]);
    const reader = new FrameReader({ fromClient: false, deflate: true });
    let passed = 0;
    const push = (chunk: Buffer) =>
      reader.push(chunk, (piece) => {
        passed += piece.length;
      });
    push(bytes.subarray(0, 5));
    assert.deepEqual([passed, reader.between], [5, true]);
    // Of half a header nothing passes.
    push(bytes.subarray(5, 8));
    assert.deepEqual([passed, reader.between], [5, true]);
    push(bytes.subarray(8, 20));
    assert.deepEqual([passed, reader.between], [20, false]);
    push(bytes.subarray(20));
    assert.deepEqual([passed, reader.between], [bytes.length, true]);
  });
});

describe("a Close frame of dexter's", () => {
  it("is one that a reader of either side takes", () => {
    const { opcode, payload } = readFrame(closeFrame(1012, "again", false));
    assert.deepEqual([opcode, payload.readUInt16BE(0), payload.toString("utf8", 2)], [CLOSE, 1012, "again"]);
    const { violation, reader } = read([closeFrame(1001, "bye", true)]);
    assert.equal(violation, undefined);
    assert(reader.closed);
  });
});

describe("the check of a text", () => {
  it("says of any bytes, in any pieces and behind any mask, what TextDecoder says of the whole", () => {
    const bytes = fc.oneof(
      fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array)),
      fc.tuple(fc.string({ unit: "binary" }), fc.nat(), fc.nat(255)).map(([text, at, byte]) => {
        const some = Buffer.from(text);
        if (some.length > 0) some[at % some.length] = byte;
        return some;
      }),
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
    const mask = fc.uint8Array({ minLength: 4, maxLength: 4 });
    assertProperty(
      fc.property(bytes, sizes, mask, (text, pieces, key) => {
        const check = new Utf8Check();
        const masked = Buffer.from(text.map((byte, i) => byte ^ key[i & 3]!));
        let at = 0;
        const ok = inPieces(masked, pieces).every((piece) => {
          const good = check.push(piece, 0, piece.length, key, at & 3);
          at += piece.length;
          return good;
        });
        let expected = true;
        try {
          new TextDecoder("utf-8", { fatal: true }).decode(text);
        } catch {
          expected = false;
        }
        assert.equal(ok && check.isWhole, expected);
      }),
      5_000,
    );
  });

  it("takes the same bytes as text of a socket", () => {
    assert.equal(read([frame("\u20ac".repeat(1_000), { opcode: TEXT })]).violation, undefined);
  });
});
