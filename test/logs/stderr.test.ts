/** The log on stderr: a reader that rests stops nothing, and loses nothing that waits for it within reason. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { describe, it } from "node:test";
import { UnhurriedOutput } from "../../scheduler/logs/stderr.ts";
import { startDexter } from "../support/dexter.ts";
import { cleanUp, httpGet, temporaryFolder, until, writeProject } from "../support/node.ts";
import { needs } from "../support/programs.ts";

/** A pipe that takes as many bytes as it is told. */
function pipe(room: number) {
  const taken = { room, text: "" };
  const output = new UnhurriedOutput((bytes) => {
    const count = Math.min(taken.room, bytes.length);
    if (count === 0) throw Object.assign(new Error("full"), { code: "EAGAIN" });
    taken.room -= count;
    taken.text += bytes.toString("latin1", 0, count);
    return count;
  });
  return { taken, output };
}

describe("an output whose reader rests", () => {
  it("keeps every line whole and in order", (test) => {
    test.mock.timers.enable({ apis: ["setTimeout"] });
    const { taken, output } = pipe(9);
    for (const line of ["first\n", "second\n", "third\n"]) output.add(line);
    assert.equal(taken.text, "first\nsec");
    taken.room = 6;
    output.add("fourth\n");
    assert.equal(taken.text, "first\nsec", "it is not tried for each line");
    test.mock.timers.tick(10);
    assert.equal(taken.text, "first\nsecond\nth");
    taken.room = 1_000;
    test.mock.timers.tick(10);
    assert.equal(taken.text, "first\nsecond\nthird\nfourth\n");
    output.add("fifth\n");
    assert.match(taken.text, /\nfourth\nfifth\n$/);
  });

  it("drops what is too much, and says how much when it is read again", (test) => {
    test.mock.timers.enable({ apis: ["setTimeout"] });
    const { taken, output } = pipe(0);
    const line = `${"x".repeat(1_023)}\n`;
    for (let count = 0; count < 4_096 + 7; count++) output.add(line);
    taken.room = 1_024;
    test.mock.timers.tick(10);
    output.add("dropped too, because lines before it are missing\n");
    taken.room = Number.POSITIVE_INFINITY;
    test.mock.timers.tick(10);
    output.add("last\n");
    const rest = taken.text.replaceAll(line, "");
    assert.equal(taken.text.length - rest.length, 4_096 * 1_024);
    assert.equal(rest, "dexter: 8 lines of the log were dropped: whoever reads stderr is too slow\nlast\n");
  });

  it("goes on after an error", () => {
    let broken = true;
    const lines: string[] = [];
    const output = new UnhurriedOutput((bytes) => {
      if (broken) throw Object.assign(new Error("gone"), { code: "EPIPE" });
      lines.push(String(bytes));
      return bytes.length;
    });
    output.add("lost\n");
    broken = false;
    output.add("written\n");
    assert.deepEqual(lines, ["written\n"]);
  });
});

describe("stderr as a pipe", () => {
  it("can be made non-blocking by this version of Node.js", () => {
    const module = new URL("../../scheduler/logs/stderr.ts", import.meta.url);
    const script = `
      import { stderrMayBlock } from ${JSON.stringify(module.href)};
      console.log("may block:", stderrMayBlock());
      process.stderr._handle.setBlocking = undefined;
      console.log("without the switch:", stderrMayBlock());`;
    const arguments_ = ["--import", "tsx", "--input-type=module", "-e", script];
    const { stdout } = spawnSync(process.execPath, arguments_, { encoding: "utf8" });
    assert.equal(stdout, "may block: false\nwithout the switch: true\n", `Node.js ${process.version}`);
  });
});

describe("a process that ends by an exception", () => {
  it("writes all that waited first", async (test) => {
    const module = new URL("../../scheduler/logs/stderr.ts", import.meta.url);
    const script = `
      import { readSync } from "node:fs";
      import { endStderr, writeToStderr } from ${JSON.stringify(module.href)};
      process.once("exit", endStderr);
      for (let count = 0; count < 3_000; count++) writeToStderr(count + " " + "x".repeat(1_000) + "\\n");
      console.log("waiting");
      readSync(0, Buffer.alloc(1));
      throw new Error("unforeseen");`;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script]);
    cleanUp(test, () => child.kill("SIGKILL"));
    await once(child.stdout, "data");
    let text = "";
    child.stderr.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    child.stdin.end("\n");
    await once(child, "close");
    const numbers = [...text.matchAll(/^(\d+) x{1000}$/gm)].map(([, count]) => Number(count));
    assert.deepEqual(
      numbers,
      Array.from({ length: 3_000 }, (_, count) => count),
    );
    assert.match(text, /Error: unforeseen\n/);
  });
});

const TALKS = `export default { fetch(request) {
  const turn = new URL(request.url).searchParams.get("turn");
  for (let count = 0; count < 100; count++) console.log(turn + "." + count + " " + "x".repeat(1_000));
  return new Response("hello");
} };`;

describe("a node whose stderr nobody reads", () => {
  it("serves on, and ends with every line in order once it is read", {
    skip: needs("mkfifo"),
  }, async (test) => {
    const folder = await temporaryFolder(test);
    await writeProject({ functions: { talks: TALKS }, directives: { num_servers: 1, log_rate: 0 } }, folder);
    const fifo = `${folder.dir}/stderr`;
    spawnSync("mkfifo", [fifo]);
    const descriptor = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    const reader = new Socket({ fd: descriptor, writable: false });
    cleanUp(test, () => reader.destroy());
    const stderr = openSync(fifo, "w");
    cleanUp(test, () => closeSync(stderr));
    const dexter = await startDexter({ dir: folder.dir, stderr });
    cleanUp(test, () => dexter.stop("SIGKILL"));
    for (let turn = 0; turn < 20; turn++) {
      const signal = AbortSignal.timeout(20_000);
      assert.equal((await httpGet(dexter.port, `/talks?turn=${turn}`, { signal })).status, 200);
    }
    let text = "";
    reader.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    assert.equal(await dexter.stop("SIGTERM"), 0);
    const said = () => [...text.matchAll(/"msg":"(\d+\.\d+) x{1000}"/g)].map(([, name]) => name);
    await until("all is read", () => said().length === 2_000 && text.includes("server ended"));
    assert.deepEqual(
      said(),
      Array.from({ length: 2_000 }, (_, count) => `${Math.floor(count / 100)}.${count % 100}`),
    );
    for (const line of text.trim().split("\n")) JSON.parse(line);
  });
});
