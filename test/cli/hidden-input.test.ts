/** A secret that is typed: nothing of it is shown, and the usual keys work. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { hiddenInput } from "../../scheduler/cli/hidden-input.ts";

/** What comes of these pieces of input, on a terminal that knows whether it is in raw mode. */
async function type(...pieces: (string | Buffer)[]) {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), { setRawMode: (raw: boolean) => modes.push(raw) });
  const output = new PassThrough({ encoding: "utf8" });
  for (const piece of pieces) input.write(piece);
  input.end();
  const outcome = await hiddenInput("Value: ", input, output).catch((error: Error) => error);
  return { outcome, modes, shown: output.read() as string };
}

describe("hidden input", () => {
  for (const [title, pieces, value] of [
    ["ends with Enter", ["secret\r"], "secret"],
    ["ends with a newline, and what follows is left", ["one\ntwo\n"], "one"],
    ["comes key by key", ["a", "b", "c", "\r"], "abc"],
    ["loses what Backspace erases, a whole character each time", ["aü😀\u007f\u007fb\b\bc\r"], "c"],
    ["stays empty when too much is erased", ["\u007f\u007fx\r"], "x"],
    ["is erased as a whole by Ctrl-U", ["wrong\u0015right\r"], "right"],
    ["ends with Ctrl-D after something", ["abc\u0004"], "abc"],
    ["may have characters cut between pieces", [Buffer.from([0xc3]), Buffer.from([0xbc, 0x0d])], "ü"],
    ["may be empty", ["\r"], ""],
  ] as const)
    it(title, async () => {
      const { outcome, modes, shown } = await type(...pieces);
      assert.equal(outcome, value);
      assert.equal(shown, "Value: \n");
      assert.deepEqual(modes, [true, false]);
    });

  for (const [title, piece] of [
    ["Ctrl-C", "abc\u0003"],
    ["Ctrl-D before anything", "\u0004"],
    ["the end of input", "abc"],
  ] as const)
    it(`is given up with ${title}, and the terminal is as before`, async () => {
      const { outcome, modes, shown } = await type(piece);
      assert.ok(outcome instanceof Error);
      assert.equal(outcome.message, "nothing was set");
      assert.equal(shown, "Value: \n");
      assert.deepEqual(modes, [true, false]);
    });
});
