/** Servers that cannot be started, because the system has no room for them: the scheduler lives on. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import { ServerProcess } from "../../scheduler/server/process.ts";
import { leaveDescriptors } from "../support/descriptors.ts";
import { mountSmall } from "../support/mount.ts";
import { PROBE, startNode, temporaryFolder, until } from "../support/node.ts";
import { needs } from "../support/programs.ts";
import { serverOptions } from "../support/server-options.ts";

const serverIn = (directory: string) => new ServerProcess(serverOptions(directory, { slot: 3 }));

async function endsUnstarted(server: ServerProcess, reason: RegExp): Promise<void> {
  await assert.rejects(server.ready, { code: "SERVER_FAILED", message: reason });
  assert.match(await server.exited, reason);
  assert.deepEqual([server.stage, server.failedToStart, server.pid], ["exited", true, undefined]);
  server.term(1);
  server.kill();
}

describe("a server", () => {
  it("whose folder cannot be made ends before it is ready, and says why", async (test) => {
    const { dir } = await temporaryFolder(test);
    writeFileSync(`${dir}/file`, "");
    await endsUnstarted(serverIn(`${dir}/file/3.1`), /cannot be started in .*3\.1: a file is in the way/);
  });

  for (const [left, reason] of [
    [0, /cannot be started in .*3\.1: too many files and connections are open/],
    [2, /EMFILE/],
  ] as const)
    it(`for which ${left} file descriptors are left ends before it is ready`, {
      skip: needs("prlimit"),
    }, async (test: TestContext) => {
      const { dir } = await temporaryFolder(test);
      const giveBack = leaveDescriptors(test, left);
      const server = serverIn(`${dir}/3.1`);
      giveBack();
      await endsUnstarted(server, reason);
    });
});

describe("a node whose disk is full", () => {
  it("serves on with the servers that it has, and replaces them when there is room", async (test) => {
    const folder = await temporaryFolder(test);
    const dataDir = `${folder.dir}/.dexter`;
    mkdirSync(dataDir);
    if (!mountSmall(test, dataDir)) return test.skip("no file system can be mounted here");
    const directives = { num_servers: 1, resident_threads: "off" };
    const node = await startNode(test, { functions: { probe: PROBE }, directives, folder });
    const filler = `${dataDir}/filler`;
    assert.throws(() => writeFileSync(filler, Buffer.alloc(1_000_000)), { code: "ENOSPC" });
    process.kill(node.dexter.pid, "SIGUSR1");
    await until("it has tried twice", () => {
      const failures = node.log().filter(({ msg }) => /^server died: .*no space is left there/.test(msg));
      return failures.length >= 2;
    });
    assert.equal((await node.get("/probe")).status, 200);
    assert.equal(node.readyPids().length, 1);
    rmSync(filler);
    await until("the server is replaced", () => node.readyPids().length === 2, 20_000);
    assert.equal((await node.get("/probe")).status, 200);
  });
});
