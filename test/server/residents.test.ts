/** Threads that a server is born with: what makes them, what they serve, and how they are replaced. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { ServerStatus } from "../../scheduler/status/status.ts";
import {
  cleanUp,
  constantLoad,
  startNode,
  type TestNode,
  temporaryFolder,
  threadsOf,
  until,
} from "../support/node.ts";

const DIRECTIVES = {
  num_servers: 2,
  start_threads: 2,
  min_spare_threads: 1,
  max_spare_threads: 4,
  max_requests_per_child: 0,
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

/** It may not be resident, and does not call it either. */
const ABORTING = `
import { abortIsolate } from "cloudflare:workers";
export default {
  fetch(request) {
    if (request.url.endsWith("/abort")) abortIsolate();
    return new Response("loaded");
  },
};`;

/** Modules as they are, so that one of them can ask what kind of thread it is in: "-r" and a place if resident. */
const BORN_BAD = {
  "functions/bad/wrangler.toml": 'main = "index.js"\nno_bundle = true\ncompatibility_date = "2026-11-01"\n',
  "functions/bad/index.js": `
import { thread } from "./dexter-thread.js";
if (/-r\\d+$/.test(thread)) throw new Error("not to be born with");
export default { fetch: () => new Response("loaded") };`,
};

const residentsOf = (server: ServerStatus, name: string, version?: string) =>
  threadsOf(server, name).filter(
    (thread) => thread.kind === "resident" && (version === undefined || thread.version === version),
  );

/** Waits until both servers run, alone, with the start threads of the function resident. */
function everyServerHasResidents(node: TestNode, name: string, version?: string) {
  return until(
    `every server has resident threads of ${name}`,
    async () => {
      const { servers } = await node.status();
      const settled = servers.length === 2 && servers.every(({ state }) => state === "running");
      return settled && servers.every((server) => residentsOf(server, name, version).length === 2) && servers;
    },
    40_000,
  );
}

const startHot = (test: TestContext, functions: Record<string, string>) =>
  startNode(test, { functions, directives: DIRECTIVES });

const startAlways = (test: TestContext, functions: Record<string, string>) =>
  startNode(test, { functions, directives: { ...DIRECTIVES, resident_threads: "always" } });

describe("a hot function", () => {
  it("gets resident threads without a lost request, and they behave as loaded ones", async (test) => {
    const node = await startHot(test, { hot: source(1) });
    const load = constantLoad(test, node, "/hot");
    await everyServerHasResidents(node, "hot");
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

  it("is served in its new version at once after a reload, loses nothing, and is resident in the end", async (test) => {
    const node = await startHot(test, { hot: source(1) });
    const load = constantLoad(test, node, "/hot");
    const before = await everyServerHasResidents(node, "hot");
    await node.folder.write({ "functions/hot.js": source(2) });
    process.kill(node.dexter.pid, "SIGUSR1");
    await until("the new version is served", async () => (await node.get("/hot")).text === "version 2");
    const { functions, servers } = await node.status();
    const { version } = functions[0]!;
    const serving = servers.flatMap((server) => threadsOf(server, "hot"));
    assert(serving.some((thread) => thread.version === version && thread.kind === "loaded"));
    const after = await everyServerHasResidents(node, "hot", version);
    await load.stop();
    for (const { slot, generation } of after) assert(generation > before[slot]!.generation);
    assert.deepEqual(load.errors, []);
    assert(load.answers.every(({ status }) => status === 200));
    const first = load.answers.findIndex(({ text }) => text === "version 2");
    assert(load.answers.slice(first + 32).every(({ text }) => text === "version 2"));
  });

  it("has resident threads again after its servers have died", async (test) => {
    const node = await startAlways(test, { hot: source(1) });
    const before = await everyServerHasResidents(node, "hot");
    for (const { pid } of before) process.kill(pid, "SIGKILL");
    const after = await until("other servers run with resident threads", async () => {
      const { servers } = await node.status();
      const back = servers.filter((server) => residentsOf(server, "hot").length === 2);
      return back.length === 2 && back.every(({ pid }) => !before.some((old) => old.pid === pid)) && back;
    });
    assert.equal((await node.get("/hot")).text, "version 1");
    const used = (await node.status()).servers.flatMap((server) => residentsOf(server, "hot"));
    assert(after.length === 2 && used.some(({ requests }) => requests > 0));
  });
});

describe("a function that mentions abortIsolate", () => {
  it("is never resident, and takes no server with it", async (test) => {
    const node = await startAlways(test, { aborting: ABORTING, hot: source(1) });
    const servers = await everyServerHasResidents(node, "hot");
    for (const server of servers) assert.deepEqual(residentsOf(server, "aborting"), []);
    assert.equal((await node.get("/aborting")).text, "loaded");
    await node.get("/aborting/abort");
    await until("it serves again", async () => (await node.get("/aborting")).text === "loaded");
    const pids = (await node.status()).servers.map(({ pid }) => pid);
    assert.deepEqual(
      pids,
      servers.map(({ pid }) => pid),
    );
  });
});

describe("a function with which workerd does not start", () => {
  it("is loaded, and the other functions become resident", async (test) => {
    const folder = await temporaryFolder(test);
    await folder.write(BORN_BAD);
    const node = await startNode(test, {
      folder,
      functions: { hot: source(1) },
      directives: { ...DIRECTIVES, resident_threads: "always" },
    });
    const answers: string[] = [];
    let watching = true;
    const watch = (async () => {
      while (watching) answers.push((await node.get("/bad")).text, (await node.get("/hot")).text);
    })();
    cleanUp(test, () => {
      watching = false;
      return watch;
    });
    const servers = await everyServerHasResidents(node, "hot");
    watching = false;
    await watch;
    for (const server of servers) assert.deepEqual(residentsOf(server, "bad"), []);
    assert.deepEqual(new Set(answers), new Set(["loaded", "version 1"]));
    const warnings = node.log().filter(({ msg }) => msg.includes("did not start with resident threads"));
    assert.deepEqual(
      warnings.map((line) => line.function),
      ["bad"],
    );
  });
});
