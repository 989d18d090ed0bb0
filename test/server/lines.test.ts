/** What servers print comes in lines, however it arrives, and a long one costs no more than its front. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { LineSplitter, MAX_LINE } from "../../scheduler/server/lines.ts";
import { parseServerLine } from "../../scheduler/server/output.ts";
import { assertProperty } from "../support/properties.ts";

type Taken = [line: string, cut: number];

function split(...chunks: readonly Buffer[]): Taken[] {
  const taken: Taken[] = [];
  const lines = new LineSplitter((line, cut) => void taken.push([line, cut]));
  for (const chunk of chunks) lines.push(chunk);
  lines.end();
  return taken;
}

const text = (...chunks: readonly string[]) => split(...chunks.map((chunk) => Buffer.from(chunk)));

describe("lines", () => {
  it("end with a line feed, which a carriage return may precede, or with the stream", () => {
    assert.deepEqual(text("a\n\nb\r\nc"), [
      ["a", 0],
      ["", 0],
      ["b", 0],
      ["c", 0],
    ]);
    assert.deepEqual(text("a", "b", "\r", "\nc\n"), [
      ["ab", 0],
      ["c", 0],
    ]);
    assert.deepEqual(text(""), []);
  });

  it("of the longest length are whole, and one byte more is cut", () => {
    const longest = "x".repeat(MAX_LINE);
    assert.deepEqual(text(`${longest}\n`), [[longest, 0]]);
    assert.deepEqual(text(`${longest}y\nz\n`), [
      [longest, 1],
      ["z", 0],
    ]);
    assert.deepEqual(text(longest, "y", "yy\nz"), [
      [longest, 3],
      ["z", 0],
    ]);
  });

  it("are cut between two characters", () => {
    for (const character of ["é", "€", "😀"]) {
      const bytes = Buffer.byteLength(character);
      for (let before = 1; before < bytes; before++) {
        const front = "x".repeat(MAX_LINE - before);
        assert.deepEqual(text(`${front}${character}\n`), [[front, bytes]]);
      }
    }
  });

  it("are the same, in whatever pieces they come", () => {
    const piece = fc.oneof(
      fc.constantFrom("\n", "\r\n", "é", "€", "😀", ""),
      fc.string({ maxLength: 20 }),
      fc.integer({ min: MAX_LINE - 20, max: MAX_LINE + 20 }).map((length) => "x".repeat(length)),
    );
    const cuts = fc.array(fc.nat({ max: 3 * MAX_LINE }), { maxLength: 6 });
    const same = fc.property(fc.array(piece, { maxLength: 8 }), cuts, (pieces, places) => {
      const whole = Buffer.from(pieces.join(""));
      const at = [
        0,
        ...places.map((place) => Math.min(place, whole.length)).sort((a, b) => a - b),
        whole.length,
      ];
      const chunks = at.slice(1).map((end, index) => whole.subarray(at[index], end));
      assert.deepEqual(split(...chunks), split(whole));
    });
    assertProperty(same);
  });
});

describe("a line of workerd's JSON without its end", () => {
  const front = '{"timestamp":1796093356001,"level":"error","message":"';

  it("still names thread and request, and says how much is missing", () => {
    assert.deepEqual(parseServerLine(`${front}\\u0001hello-1\\u0002abc\\u0003a \\"b\\" xx`, 7), {
      level: "error",
      message: 'a "b" xx… (7 bytes cut)',
      thread: "hello-1",
      requestId: "abc",
    });
  });

  for (const torn of ["\\", "\\u", "\\u0", "\\u00e"])
    it(`may end within ${torn}`, () => {
      assert.equal(parseServerLine(`${front}a\\\\${torn}`, 9).message, "a\\… (9 bytes cut)");
    });

  it("that begins otherwise is shown as it is", () => {
    assert.equal(parseServerLine("Segmentation fa", 4).message, "Segmentation fa… (4 bytes cut)");
  });
});
