/** The scoreboard file: whole at any moment, in the place that a reload names, and gone with the node. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { keepScoreboard, writeFileAtomically } from "../../scheduler/status/scoreboard.ts";
import { makeFolder } from "../support/folder.ts";

async function folder(test: TestContext): Promise<string> {
  const { dir, remove } = await makeFolder();
  test.after(remove);
  return dir;
}

describe("writeFileAtomically", () => {
  it("replaces the content and leaves no other file", async (test) => {
    const dir = await folder(test);
    writeFileSync(join(dir, "board.json"), "old and longer");
    writeFileAtomically("score_board_file", join(dir, "board.json"), "new");
    assert.equal(readFileSync(join(dir, "board.json"), "utf8"), "new");
    assert.deepEqual(readdirSync(dir), ["board.json"]);
  });

  it("says which directive names a file that cannot be written, and why", async (test) => {
    const path = join(await folder(test), "none/board.json");
    assert.throws(() => writeFileAtomically("score_board_file", path, ""), {
      code: "FILE_UNWRITABLE",
      message: `score_board_file: ${path} cannot be written: its folder does not exist; create it`,
    });
  });
});

describe("keepScoreboard", () => {
  it("moves the file when its place changes, tells a failure once, and removes the file at the end", async (test) => {
    test.mock.timers.enable({ apis: ["setInterval"] });
    const dir = await folder(test);
    let path: string | undefined = join(dir, "a.json");
    const problems: string[] = [];
    let writes = 0;
    const end = keepScoreboard({
      path: () => path,
      content: () => String(++writes),
      onError: (message) => void problems.push(message),
    });
    assert.equal(readFileSync(path, "utf8"), "1");

    path = join(dir, "b.json");
    test.mock.timers.tick(1_000);
    assert.deepEqual([readdirSync(dir), readFileSync(path, "utf8")], [["b.json"], "2"]);

    path = join(dir, "gone/b.json");
    test.mock.timers.tick(2_000);
    assert.equal(problems.length, 1);
    mkdirSync(join(dir, "gone"));
    test.mock.timers.tick(1_000);
    assert.equal(readFileSync(path, "utf8"), "5");

    end();
    assert.equal(existsSync(path), false);
  });
});
