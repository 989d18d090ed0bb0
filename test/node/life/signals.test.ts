/** Signals and restarts: which requests they let finish, and which processes they replace. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  connections,
  constantLoad,
  isAlive,
  PROBE,
  startNode,
  type TestNode,
  until,
  writeProject,
} from "../../support/node.ts";

const DIRECTIVES = {
  num_servers: 2,
  start_threads: 2,
  min_spare_threads: 2,
  max_spare_threads: 6,
  max_threads_per_child: 12,
};
const FUNCTIONS = { probe: PROBE, stuck: "export default { fetch() { for (;;); } };" };

const node = (test: TestContext, directives: Record<string, unknown> = {}) =>
  startNode(test, { functions: FUNCTIONS, directives: { ...DIRECTIVES, ...directives } });

const command = fileURLToPath(new URL("../../../bin/dexter.js", import.meta.url));
const dexter = (of: TestNode, ...args: string[]) =>
  promisify(execFile)(process.execPath, [command, ...args], { cwd: of.folder.dir });

const busy = (of: TestNode, count: number) =>
  until(`${count} requests are in progress`, async () => (await of.status()).totals.busy === count);

describe("SIGTERM", () => {
  it("finishes the requests in progress, refuses new connections, and exits with 0", async (test) => {
    const of = await node(test);
    const agent = connections(test, 4);
    await Promise.all([1, 2, 3].map(() => of.get("/probe", { agent })));
    const answer = of.get("/probe?ms=1500", { agent });
    await busy(of, 1);
    const exit = of.dexter.stop("SIGTERM");
    await until("new connections are refused", () =>
      of.get("/probe").then(
        () => false,
        (error) => error.code === "ECONNREFUSED",
      ),
    );
    assert(isAlive(of.dexter.pid));
    assert.equal((await answer).status, 200);
    const answeredAtMs = performance.now();
    assert.equal(await exit, 0);
    // Idle keep-alive connections of clients are no reason to wait.
    assert(performance.now() - answeredAtMs < 5_000);
  });

  it("waits no longer than stop_timeout for a server that is stuck", async (test) => {
    const of = await node(test, { stop_timeout: "300ms" });
    const answer = of.get("/stuck").catch(() => undefined);
    await busy(of, 1);
    const pids = of.readyPids();
    const sinceMs = performance.now();
    assert.equal(await of.dexter.stop("SIGTERM"), 0);
    const tookMs = performance.now() - sinceMs;
    assert.deepEqual(pids.filter(isAlive), []);
    await answer;
    // The default is 30 s.
    assert(tookMs >= 300 && tookMs < 15_000, `${tookMs} ms`);
  });
});

describe("SIGINT", () => {
  it("ends at once, whatever is in progress", async (test) => {
    const of = await node(test);
    const answer = of.get("/probe?ms=60000").then(
      () => "answered",
      () => "cut off",
    );
    await busy(of, 1);
    assert.equal(await of.dexter.stop("SIGINT"), 0);
    assert.equal(await answer, "cut off");
  });
});

describe("a restart loses no request under constant load", () => {
  /** Restarts under load; returns the process ids before and after. */
  async function underLoad(of: TestNode, test: TestContext, restart: () => unknown): Promise<void> {
    const load = constantLoad(test, of, "/probe?ms=3");
    const before = of.readyPids();
    await until("requests are answered", () => load.answers.length > 100);
    await restart();
    await until("every server is replaced", async () => {
      const { servers } = await of.status();
      return (
        servers.length === 2 &&
        servers.every(({ pid, state }) => state === "running" && !before.includes(pid))
      );
    });
    const replaced = load.answers.length;
    await until("requests are answered", () => load.answers.length > replaced + 100);
    await load.stop();
    assert.deepEqual(load.errors, []);
    assert.deepEqual(
      load.answers.filter(({ status }) => status !== 200),
      [],
    );
    await until("the old processes are gone", () => !before.some(isAlive));
  }

  for (const signal of ["SIGHUP", "SIGUSR1", "SIGWINCH"] as const) {
    it(`by ${signal}`, async (test) => {
      const of = await node(test);
      await underLoad(of, test, () => void of.dexter.stop(signal));
    });
  }

  it("by dexter reload", async (test) => {
    const of = await node(test);
    await underLoad(of, test, () => dexter(of, "reload"));
  });
});

describe("dexter reload", () => {
  it("puts another num_servers into force, upwards and downwards", async (test) => {
    const of = await node(test);
    const load = constantLoad(test, of, "/probe?ms=3", 4);
    for (const num_servers of [3, 1]) {
      await writeProject({ functions: FUNCTIONS, directives: { ...DIRECTIVES, num_servers } }, of.folder);
      await dexter(of, "reload");
      await until(`${num_servers} servers run`, async () => {
        const { servers } = await of.status();
        return servers.length === num_servers && servers.every(({ state }) => state === "running");
      });
    }
    await load.stop();
    assert.deepEqual(load.errors, []);
    assert(load.answers.every(({ status }) => status === 200));
  });

  it("kills a server that is stuck when its stop_timeout is over", async (test) => {
    const of = await node(test, { stop_timeout: "300ms" });
    const answer = of.get("/stuck");
    await busy(of, 1);
    const before = of.readyPids();
    await dexter(of, "reload");
    await until("the old processes are gone", () => !before.some(isAlive));
    assert.equal((await answer).status, 502);
    assert.equal((await of.get("/probe")).status, 200);
  });
});

describe("dexter stop", () => {
  it("returns when the node has stopped, its requests being finished", async (test) => {
    const of = await node(test);
    const answer = of.get("/probe?ms=500");
    await busy(of, 1);
    await dexter(of, "stop");
    assert.equal((await answer).status, 200);
    assert.equal(await of.dexter.stop("SIGTERM"), 0);
  });
});
