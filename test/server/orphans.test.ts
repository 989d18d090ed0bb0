/** No process outlives the scheduler, however it dies, and what it leaves behind does not hinder the next. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import {
  descendants,
  isAlive,
  PROBE,
  startNode,
  type TestNode,
  temporaryFolder,
  until,
} from "../support/node.ts";

const OPTIONS = {
  functions: { probe: PROBE },
  directives: { num_servers: 2, start_threads: 1, min_spare_threads: 1, stop_timeout: "5s" },
};

/** Ends the scheduler, with a request in progress, and waits for every process that it had started to be gone. */
async function endAndWait(node: TestNode, signal: NodeJS.Signals): Promise<number> {
  const request = node.get("/probe?ms=1000").catch(() => {});
  const { servers } = await until("the request is in progress", async () => {
    const status = await node.status();
    return status.totals.busy === 1 && status;
  });
  const processes = new Set([...descendants(node.dexter.pid), ...servers.map(({ pid }) => pid)]);
  const code = await node.dexter.stop(signal);
  await until("every process is gone", () => [...processes].every((pid) => !isAlive(pid)));
  await request;
  return code;
}

async function endTwice(test: TestContext, signal: NodeJS.Signals, env: Record<string, string> = {}) {
  const folder = await temporaryFolder(test);
  await endAndWait(await startNode(test, { ...OPTIONS, folder, env }), signal);
  const next = await startNode(test, { ...OPTIONS, folder, env });
  assert.equal((await next.get("/probe")).status, 200);
}

describe("no server survives", () => {
  it("a scheduler killed with SIGKILL, and the next one starts in its place", (test) =>
    endTwice(test, "SIGKILL"));

  it("it where no program can be found on the PATH", (test) =>
    endTwice(test, "SIGKILL", { PATH: "/nonexistent" }));

  it("a scheduler that crashes", (test) => {
    const crash = 'process.on("SIGUSR2", () => { throw new Error("crash"); });';
    return endTwice(test, "SIGUSR2", {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(crash)}`,
    });
  });

  it("a scheduler that SIGTERM ends", async (test) => {
    assert.equal(await endAndWait(await startNode(test, OPTIONS), "SIGTERM"), 0);
  });

  it("a scheduler that SIGINT ends", async (test) => {
    assert.equal(await endAndWait(await startNode(test, OPTIONS), "SIGINT"), 0);
  });
});
