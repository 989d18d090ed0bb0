/**
 * The scheduler is killed in the middle of a deploy, at one system call after the other: the next start serves the old
 * version or the new one, whole. By default at the calls that make, sync and name the store's files; with DEXTER_KILL_AT=all at
 * every system call that the scheduler's main thread and its file thread make during a deploy.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import { callNode } from "../../scheduler/cli/node-client.ts";
import { deployPackage, says, socketOf } from "../support/deploy.ts";
import { startDexter } from "../support/dexter.ts";
import { mountSmall } from "../support/mount.ts";
import { cleanUp, httpGet, startNode, temporaryFolder, writeProject } from "../support/node.ts";
import { attach, straceMissing } from "../support/strace.ts";

const ALL = process.env.DEXTER_KILL_AT === "all";
const STORE_CALLS = ["mkdir", "openat", "fsync", "rename"];
const DIRECTIVES = { num_servers: 1, start_threads: 1, min_spare_threads: 0, stop_timeout: "1s" };
/** One thread does all work with files, so that its calls come in the same order each time. */
const ENV = { UV_THREADPOOL_SIZE: "1" };

interface Call {
  readonly thread: "main" | "files";
  readonly name: string;
  /** The how-manieth of this name in its thread. */
  readonly count: number;
}

/** What the two threads call during one deploy, from a trace of one. */
function callsIn(trace: string, pid: number): { calls: Call[]; fileThread: number } {
  const lines = [...trace.matchAll(/^(\d+) +(\w+)\((.*)$/gm)].map(([, tid, name, rest]) => ({
    tid: Number(tid),
    name: name!,
    rest: rest!,
  }));
  const fileThread = lines.find(({ name, rest }) => name === "openat" && rest.includes(".tmp"))!.tid;
  const counts = new Map<string, number>();
  const calls: Call[] = [];
  for (const { tid, name } of lines) {
    const thread = tid === pid ? "main" : tid === fileThread ? "files" : undefined;
    if (thread === undefined) continue;
    const count = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, count);
    if (ALL || (thread === "files" && STORE_CALLS.includes(name))) calls.push({ thread, name, count });
  }
  return { calls, fileThread };
}

async function traced(test: TestContext): Promise<{ calls: Call[] }> {
  const node = await startNode(test, { functions: {}, directives: DIRECTIVES, env: ENV });
  await deployPackage(node, says("hello", "first"));
  const tracing = await attach(node.dexter.pid, ["-f"]);
  await deployPackage(node, says("hello", "second"));
  return callsIn(await tracing.stop(), node.dexter.pid);
}

/** Of the running scheduler's threads, the one that does the work with files. */
async function fileThreadOf(pid: number, deploy: () => Promise<unknown>): Promise<number> {
  const tracing = await attach(pid, ["-f", "-e", "trace=openat"]);
  await deploy();
  return callsIn(await tracing.stop(), pid).fileThread;
}

describe("a scheduler that is killed during a deploy", { skip: straceMissing() ?? false }, () => {
  it("leaves the old version or the new one, whole, wherever it is killed", async (test) => {
    const { calls } = await traced(test);
    assert.ok(calls.filter(({ name }) => name === "fsync").length >= 4, "files and folders are synced");
    const folder = await temporaryFolder(test);
    await writeProject({ functions: {}, directives: DIRECTIVES }, folder);
    let live = "";
    const outcomes = { old: 0, new: 0, survived: 0 };
    let dexter = await startDexter({ dir: folder.dir, env: ENV });
    cleanUp(test, () => dexter.stop("SIGKILL"));
    const deployText = (text: string) => deployPackage({ folder }, says("hello", text));
    for (const [turn, { thread, name, count }] of calls.entries()) {
      const where = `${thread} thread, ${name} number ${count}`;
      live = `before ${turn}`;
      const files = await fileThreadOf(dexter.pid, () => deployText(live));
      const killing = await attach(thread === "main" ? dexter.pid : files, [
        "-e",
        `trace=${name}`,
        "-e",
        `inject=${name}:signal=SIGKILL:when=${count}`,
      ]);
      const next = `after ${turn}`;
      const survived = await deployText(next).then(
        () => true,
        () => false,
      );
      await killing.stop();
      if (survived) outcomes.survived++;
      await dexter.stop("SIGKILL");
      dexter = await startDexter({ dir: folder.dir, env: ENV });
      const { text, status } = await httpGet(dexter.port, "/hello");
      assert.equal(status, 200, where);
      assert.ok([live, next].includes(text), `${where}: "${text}" serves, neither "${live}" nor "${next}"`);
      assert.doesNotMatch(dexter.output(), /damaged|no good version/, where);
      const kept = await callNode<{ live: boolean }[]>(
        socketOf({ folder }),
        "GET",
        "/functions/hello/versions",
      );
      assert.equal(kept.filter((version) => version.live).length, 1, where);
      outcomes[text === live ? "old" : "new"]++;
    }
    test.diagnostic(`killed at ${calls.length} system calls: ${JSON.stringify(outcomes)}`);
    assert.ok(outcomes.old > 0 && outcomes.new > 0, JSON.stringify(outcomes));
  });
});

describe("a disk that is full", () => {
  it("is told by 507, and what was live serves on, also after a restart", async (test) => {
    const folder = await temporaryFolder(test);
    const dataDir = `${folder.dir}/.dexter`;
    mkdirSync(dataDir);
    if (!mountSmall(test, dataDir)) return test.skip("no file system can be mounted here");
    const node = await startNode(test, { functions: {}, directives: DIRECTIVES, folder });
    await deployPackage(node, says("hello", "live"));
    const big = says("hello", "x".repeat(400_000));
    await assert.rejects(deployPackage(node, big), /no space is left/);
    assert.equal((await node.get("/hello")).text, "live");
    assert.equal(readdirSync(`${dataDir}/store/hello/versions`).length, 1, "nothing is left of the attempt");
    await node.dexter.stop();
    const again = await startNode(test, { functions: {}, directives: DIRECTIVES, folder });
    assert.equal((await again.get("/hello")).text, "live");
  });
});

describe("a disk that fills up during a deploy", { skip: straceMissing() ?? false }, () => {
  for (const name of ["fsync", "rename", "openat"]) {
    it(`is told by 507, and what was live serves: ${name}`, async (test) => {
      const node = await startNode(test, { functions: {}, directives: DIRECTIVES, env: ENV });
      await deployPackage(node, says("hello", "old"));
      const tid = await fileThreadOf(node.dexter.pid, () => deployPackage(node, says("hello", "live")));
      // Of the calls in question the first one of this name makes something; reads come by openat too.
      const when = name === "openat" ? "1+" : "1";
      const full = await attach(tid, [
        "-e",
        `trace=${name}`,
        "-e",
        `inject=${name}:error=ENOSPC:when=${when}`,
      ]);
      await assert.rejects(deployPackage(node, says("hello", "new")), /no space is left/);
      await full.stop();
      assert.equal((await node.get("/hello")).text, "live");
      await deployPackage(node, says("hello", "new"));
      assert.equal((await node.get("/hello")).text, "new");
    });
  }
});
