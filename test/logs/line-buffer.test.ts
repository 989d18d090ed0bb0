/** Lines on their way to a file: gathered, bounded, and dropped rather than waited for. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LineTarget } from "../../scheduler/logs/append-file.ts";
import { LineBuffer } from "../../scheduler/logs/line-buffer.ts";
import { until } from "../support/until.ts";

/** A target that takes what it is given when told to. */
class Target implements LineTarget {
  readonly taken: string[] = [];
  closed = 0;
  /** What the next writes meet: an error, or a wait until `release`. */
  error: Error | undefined;
  #held: Promise<void> | undefined;
  release = () => {};

  hold(): void {
    this.#held = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  async write(bytes: Buffer): Promise<void> {
    await this.#held;
    if (this.error) throw this.error;
    this.taken.push(String(bytes));
  }

  reopen(): void {}

  close(): void {
    this.closed++;
  }
}

function buffer() {
  const target = new Target();
  const said: string[] = [];
  return {
    target,
    said,
    lines: new LineBuffer("log", target, (level, message) => said.push(`${level}: ${message}`)),
  };
}

const full = Object.assign(new Error("full"), { code: "ENOSPC" });

describe("a line buffer", () => {
  it("writes lines together, in their order", async () => {
    const { target, lines } = buffer();
    for (const line of ["a\n", "b\n", "c\n"]) lines.add(line);
    await until("they are written", () => target.taken.length > 0);
    assert.deepEqual(target.taken, ["a\nb\nc\n"]);
    await lines.close();
  });

  it("writes what waits before it closes", async () => {
    const { target, lines } = buffer();
    target.hold();
    lines.add(`${"x".repeat(100_000)}\n`);
    lines.add("last\n");
    const closed = lines.close();
    target.release();
    await closed;
    assert.equal(target.taken.join("").length, 100_001 + 5);
    assert.equal(target.closed, 1);
  });

  it("drops what cannot be written, says so once, begins a new line, and says when it can again", async () => {
    const { target, said, lines } = buffer();
    target.error = full;
    lines.add("one\n");
    await until("it failed", () => said.length > 0);
    lines.add("two\n");
    lines.add("three\n");
    await until("it failed again", () => target.taken.length === 0 && said.length === 1);
    target.error = undefined;
    await until("it is written again", () => {
      lines.add("more\n");
      return said.length > 1;
    });
    await lines.close();
    assert.match(target.taken[0]!, /^\n/);
    assert.equal(
      said[0],
      "error: log cannot be written: no space is left there; requests are served, their lines are dropped",
    );
    assert.match(said[1]!, /^info: log is written again; [1-9]\d* lines were dropped$/);
    assert.equal(said.length, 2);
  });

  it("keeps a bounded number of characters for a target that is too slow", async () => {
    const { target, said, lines } = buffer();
    target.hold();
    const line = `${"x".repeat(1023)}\n`;
    for (let i = 0; i < 10_000; i++) lines.add(line);
    assert.deepEqual(said, [
      "error: log cannot be written: it is written too slowly; requests are served, their lines are dropped",
    ]);
    target.release();
    await lines.close();
    const kept = target.taken.join("").length / 1024;
    assert.ok(kept > 4_000 && kept < 4_500, String(kept));
    assert.match(said[1]!, new RegExp(`; ${10_000 - kept} lines were dropped$`));
  });

  it("ends in time although the target takes nothing", async () => {
    const { target, lines } = buffer();
    target.hold();
    lines.add("never\n");
    await lines.close();
    assert.equal(target.closed, 1);
    target.release();
  });
});
