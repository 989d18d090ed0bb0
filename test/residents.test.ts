/** Threads that a server is born with: what makes them, what they serve, and how they are replaced. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { FleetWorld, spec } from "./support/fleet-world.ts";
import { constantLoad, startNode, type TestNode, threadsOf, until } from "./support/node.ts";

const DIRECTIVES = {
  resident_threads: "on",
  num_servers: 2,
  start_threads: 2,
  min_spare_threads: 1,
  max_spare_threads: 4,
};

const source = (version: number) => `
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/throw")) throw new Error("thrown in version ${version}");
    if (pathname.endsWith("/print")) console.log("printed");
    return new Response("version ${version}");
  },
};`;

async function residentNode(test: TestContext, functions: Record<string, string>): Promise<TestNode> {
  return await startNode(test, { functions, directives: { ...DIRECTIVES, max_requests_per_child: 0 } });
}

function everyServerHasResidents(node: TestNode, version?: string) {
  return until(
    "every server has resident threads",
    async () => {
      const { servers } = await node.status();
      const running = servers.filter(({ state }) => state === "running");
      return (
        running.length === 2 &&
        running.every((server) =>
          threadsOf(server, "hot").some(
            (thread) => thread.kind === "resident" && (version === undefined || thread.version === version),
          ),
        )
      );
    },
    40_000,
  );
}

describe("a hot function", () => {
  it("gets resident threads without a lost request, and they behave as loaded ones", async (test) => {
    const node = await residentNode(test, { hot: source(1) });
    const load = constantLoad(test, node, "/hot");
    await everyServerHasResidents(node);
    const thrown = await node.get("/hot/throw");
    await node.get("/hot/print");
    await load.stop();
    assert.deepEqual(load.errors, []);
    assert(load.answers.every(({ status, text }) => status === 200 && text === "version 1"));
    assert.equal(thrown.status, 500);
    assert.match(thrown.text, /request id/);
    const logged = (text: string) =>
      node
        .log()
        .some(({ msg, function: name, requestId }) => name === "hot" && requestId && msg.includes(text));
    assert(logged("thrown in version 1"));
    await until("the console line is logged with its function and request", () => logged("printed"));
  });

  it("is served in its new version at once after a reload, and resident again later", async (test) => {
    const node = await residentNode(test, { hot: source(1) });
    const load = constantLoad(test, node, "/hot");
    await everyServerHasResidents(node);
    await node.folder.write({ "functions/hot.js": source(2) });
    process.kill(node.dexter.pid, "SIGUSR1");
    await until("the new version is served", async () => (await node.get("/hot")).text === "version 2");
    const { functions } = await node.status();
    await everyServerHasResidents(node, functions[0]!.version);
    await load.stop();
    assert.deepEqual(load.errors, []);
    assert(load.answers.every(({ status }) => status === 200));
    const first = load.answers.findIndex(({ text }) => text === "version 2");
    assert(load.answers.slice(first + 32).every(({ text }) => text === "version 2"));
  });
});

describe("the policy of resident threads", () => {
  const hot = spec("hot", { startThreads: 2, minSpareThreads: 0 });

  /** A node whose function is hot, with a second server that is born with what `residents` says. */
  function world(allowed = true): { world: FleetWorld; born: number } {
    const made = FleetWorld.of(1, [hot]);
    for (let i = 0; i < 3_000; i++) made.finish(made.arrive("hot"));
    made.tick();
    const residents = made.fleet.residents({ maxThreads: 4, maxRequests: 0 }, () => allowed);
    made.living.set(1, new Set());
    made.fleet.addServer(1, { maxThreads: 4, maxRequests: 0 }, 1, residents, made.nowMs);
    made.settle();
    made.open(1);
    return { world: made, born: residents.length };
  }

  it("gives a generation the start threads of hot functions, ready at once", () => {
    const { world: made, born } = world();
    assert.equal(born, 2);
    assert.deepEqual(
      made.threads(1).map(({ kind, state }) => `${kind} ${state}`),
      ["resident idle", "resident idle"],
    );
    assert(made.fleet.isBornWith(1, [hot]));
    assert(!made.fleet.isBornWith(0, [hot]));
  });

  it("gives none to a function that may not reside", () => {
    assert.equal(world(false).born, 0);
  });

  it("never frees the slot of one alone: it stays until its generation ends", () => {
    const { world: made } = world();
    made.promote(spec("hot", { startThreads: 2, minSpareThreads: 0 }, "2"));
    assert.deepEqual(
      [...made.ending].filter(({ server }) => server === 1),
      [],
    );
    assert.deepEqual(
      made.threads(1).map(({ state }) => state),
      ["retiring", "retiring"],
    );
    assert(!made.fleet.isBornWith(1, []), "its generation has had its day");
  });
});
