/** The files that a running node keeps: pid file, lock file, scoreboard, sockets. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { prepareDataDirectory } from "../../scheduler/system/paths.ts";
import { startDexter } from "../support/dexter.ts";
import { cleanUp, PROBE, startNode, temporaryFolder, until, writeProject } from "../support/node.ts";

const OPTIONS = {
  functions: { probe: PROBE },
  directives: { num_servers: 2, start_threads: 1, min_spare_threads: 1, max_spare_threads: 2 },
};

describe("pid_file and lock_file", () => {
  it("hold the scheduler's process id while it runs, where the directives say", async (test) => {
    const node = await startNode(test, {
      ...OPTIONS,
      directives: { ...OPTIONS.directives, pid_file: "run.pid", lock_file: "run.lock" },
    });
    const [pid, lock] = [join(node.folder.dir, "run.pid"), join(node.folder.dir, "run.lock")];
    assert.equal(readFileSync(pid, "utf8"), `${node.dexter.pid}\n`);
    assert.equal(Number.parseInt(readFileSync(lock, "utf8"), 10), node.dexter.pid);
    await node.dexter.stop("SIGTERM");
    assert(!existsSync(pid) && !existsSync(lock));
  });

  it("keep a second scheduler off the data directory, which names the first", async (test) => {
    const node = await startNode(test, OPTIONS);
    await assert.rejects(startDexter({ dir: node.folder.dir }), ({ message }: Error) => {
      assert.match(
        message,
        new RegExp(`another dexter \\(process ${node.dexter.pid}\\) runs on this data directory`),
      );
      return true;
    });
    assert.equal((await node.get("/probe")).status, 200);
    assert.equal((await node.status()).pid, node.dexter.pid);
  });

  it("are taken over from a scheduler that is dead", async (test) => {
    const folder = await temporaryFolder(test);
    // A process id that is in use, but by another process than the one that wrote the file.
    await folder.write({ ".dexter/dexter.lock": `${process.pid} 1`, ".dexter/dexter.pid": "1\n" });
    const node = await startNode(test, { ...OPTIONS, folder });
    assert.equal(readFileSync(join(folder.dir, ".dexter/dexter.pid"), "utf8"), `${node.dexter.pid}\n`);
  });

  it("are taken over by one of several that start at once", async (test) => {
    const folder = await temporaryFolder(test);
    await folder.write({ ".dexter/dexter.lock": `${process.pid} 1` });
    await writeProject(OPTIONS, folder);
    const starts = await Promise.allSettled([1, 2, 3, 4].map(() => startDexter({ dir: folder.dir })));
    const started = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    for (const dexter of started) cleanUp(test, () => dexter.stop("SIGINT"));
    assert.equal(started.length, 1);
    for (const start of starts)
      if (start.status === "rejected")
        assert.match(String(start.reason.message), /another dexter \(process \d+\)/);
  });

  it("leave nothing of a node behind that has stopped", async (test) => {
    const node = await startNode(test, OPTIONS);
    await node.dexter.stop("SIGTERM");
    assert.deepEqual(readdirSync(join(node.folder.dir, ".dexter")), [".gitignore"]);
  });
});

describe("score_board_file", () => {
  it("is whole at every moment while it is rewritten, and has the shape of the status", async (test) => {
    const node = await startNode(test, {
      ...OPTIONS,
      directives: { ...OPTIONS.directives, score_board_file: "scoreboard.json" },
    });
    const path = join(node.folder.dir, "scoreboard.json");
    const writings = new Set<number>();
    const answer = node.get("/probe?ms=1500");
    let board = JSON.parse(readFileSync(path, "utf8"));
    await until("it was rewritten while a thread was busy", () => {
      board = JSON.parse(readFileSync(path, "utf8"));
      writings.add(statSync(path).mtimeMs);
      return writings.size >= 2 && board.totals.busy === 1;
    });
    assert.deepEqual(Object.keys(board), [
      "pid",
      "uptimeSeconds",
      "generation",
      "totals",
      "servers",
      "functions",
    ]);
    assert.deepEqual(Object.keys(board.totals), [
      "requests",
      "busy",
      "idle",
      "starting",
      "queued",
      "rejected",
    ]);
    assert.deepEqual(
      board.servers.map(({ slot, generation, state }: Record<string, unknown>) => ({
        slot,
        generation,
        state,
      })),
      [0, 1].map((slot) => ({ slot, generation: 1, state: "running" })),
    );
    for (const server of board.servers) {
      assert(server.pid > 0 && server.rssBytes > 1e6 && server.requests >= 0);
      for (const { serving, ...thread } of server.threads) {
        const keys = ["slot", "state", "letter", "function", "version", "kind", "requests"];
        assert.deepEqual(Object.keys(thread), keys);
        assert.equal(
          thread.letter,
          { starting: "S", idle: "_", busy: "W", retiring: "G" }[thread.state as string],
        );
        assert.equal(serving !== undefined, thread.state === "busy");
      }
    }
    const [fn] = board.functions;
    assert.deepEqual(Object.keys(fn), ["name", "version", "routes", "idle", "busy", "starting", "queued"]);
    assert.equal(fn.name, "probe");
    await answer;
    await node.dexter.stop("SIGTERM");
    assert(!existsSync(path), "a scoreboard of a dead node would mislead");
  });
});

describe("data_dir", () => {
  it("is kept out of git when dexter has made it", async (test) => {
    const node = await startNode(test, OPTIONS);
    assert.equal(readFileSync(join(node.folder.dir, ".dexter/.gitignore"), "utf8"), "*\n");
  });

  it("is left as it is when it was there already", async (test) => {
    const folder = await temporaryFolder(test);
    await folder.write({ "plain/kept": "", "own/.gitignore": "!kept\n" });
    for (const [name, files] of [
      ["plain", ["kept"]],
      ["own", [".gitignore"]],
    ] as const) {
      prepareDataDirectory(join(folder.dir, name));
      assert.deepEqual(readdirSync(join(folder.dir, name)), files);
    }
    assert.equal(readFileSync(join(folder.dir, "own/.gitignore"), "utf8"), "!kept\n");
  });

  it("may have a path that is too long for the address of a socket", async (test) => {
    const folder = await temporaryFolder(test);
    const long = `${folder.dir}/${"a-long-name-of-a-folder/".repeat(6)}data`;
    assert(long.length > 150);
    const node = await startNode(test, { ...OPTIONS, folder, args: ["--set", `data_dir=${long}`] });
    assert.equal((await node.get("/probe")).status, 200);
    assert.equal((await node.dexter.status()).pid, node.dexter.pid);
    assert(existsSync(`${long}/dexter.pid`));
    await assert.rejects(
      startDexter({ dir: folder.dir, args: ["--set", `data_dir=${long}`] }),
      /another dexter/,
    );
    assert.equal(await node.dexter.stop("SIGTERM"), 0);
  });

  it("shows its sockets to nobody else", async (test) => {
    const node = await startNode(test, OPTIONS);
    const data = join(node.folder.dir, ".dexter");
    assert.equal(statSync(join(data, "admin.sock")).mode & 0o077, 0);
    for (const generation of readdirSync(join(data, "run")))
      assert.equal(statSync(join(data, "run", generation)).mode & 0o777, 0o700);
  });
});
