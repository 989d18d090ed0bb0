/** Module scopes that never end, or that end their server, cost one server, and nothing that is served. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { loadProject } from "../../scheduler/config/load.ts";
import { Store } from "../../scheduler/deploy/store.ts";
import { Logs } from "../../scheduler/logs/logs.ts";
import { DexterNode } from "../../scheduler/node/node.ts";
import { tracingSettings } from "../../scheduler/tracing/settings.ts";
import { Tracer } from "../../scheduler/tracing/tracer.ts";
import type { FunctionPackage } from "../../scheduler/versions/package.ts";
import { adminCall, deployPackage, makePackage, says } from "../support/deploy.ts";
import type { Folder } from "../support/function.ts";
import { cleanUp, httpGet, temporaryFolder, until, writeProject } from "../support/node.ts";

/** Instead of the half minute that functions have to load. */
const LOAD_WITHIN_MS = 3_000;
const ANSWERING = "export default { fetch: () => new Response('here') };";
const ENDLESS = `while (true) {}\n${ANSWERING}`;
const GREEDY = `const all = []; for (let i = 0; ; i++) all.push(new Array(1e6).fill(i + 0.5));\n${ANSWERING}`;
const DIRECTIVES = {
  listen: "127.0.0.1:0",
  num_servers: 2,
  start_threads: 1,
  v8_flags: ["--max-old-space-size=128"],
};

interface HostileNode {
  readonly folder: Folder;
  readonly node: DexterNode;
  get(path: string): Promise<{ status: number; text: string }>;
}

/** A node in this process, for which a shorter time is set. */
async function start(test: TestContext, folder: Folder, functions = {}): Promise<HostileNode> {
  await writeProject({ functions, directives: DIRECTIVES }, folder);
  const readProject = () => loadProject({ cwd: folder.dir, mayBeEmpty: true });
  const project = await readProject();
  const logs = new Logs({ ...project.node, errorLog: `${folder.dir}/error.log` }, { dev: false });
  const tracer = new Tracer(tracingSettings({}, "0", () => {}).sampler);
  const options = { dev: false, logs, tracer, readProject, onStop: () => {}, loadWithinMs: LOAD_WITHIN_MS };
  cleanUp(test, () => logs.close());
  const node = await DexterNode.start(project, options);
  cleanUp(test, () => node.stop(false));
  const port = Number(new URL(node.urls[0]!).port);
  return { folder, node, get: (path) => httpGet(port, path) };
}

const startEmpty = async (test: TestContext) => start(test, await temporaryFolder(test));

/** Puts a version into the store of a node that does not run. */
async function live(folder: Folder, given: FunctionPackage): Promise<void> {
  const store = new Store(`${folder.dir}/.dexter`);
  await store.add(given);
  const at = new Date().toISOString();
  await store.point(given.settings.name, { action: "deploy", version: given.version.id, at, by: "test" });
}

async function versionsOf(node: HostileNode, name: string): Promise<number> {
  return (await adminCall(node, "GET", `/functions/${name}/versions`)).body.length;
}

const generations = ({ node }: HostileNode) => node.status().servers.map(({ generation }) => generation);

describe("a deploy whose module scope", () => {
  it("never ends is refused in time, in one server, and the next one works", async (test) => {
    const node = await startEmpty(test);
    await deployPackage(node, says("hello", "one"));
    const before = generations(node);
    await assert.rejects(
      deployPackage(node, makePackage("hello", ENDLESS)),
      /hello cannot be loaded: it did not finish loading within 3 s/,
    );
    assert.equal((await node.get("/hello")).text, "one");
    assert.equal(await versionsOf(node, "hello"), 1);
    await until("both servers are there", () => node.node.status().servers.length === 2);
    const replaced = generations(node).filter((generation) => !before.includes(generation));
    assert.ok(replaced.length <= 1, `${replaced.length} servers were replaced`);
    await deployPackage(node, says("hello", "two"));
    assert.equal((await node.get("/hello")).text, "two");
  });

  it("ends its server is refused, and what was live stays", async (test) => {
    const node = await startEmpty(test);
    await deployPackage(node, says("hello", "one"));
    await assert.rejects(
      deployPackage(node, makePackage("hello", GREEDY)),
      /hello cannot be loaded: the server in which it was loaded ended/,
    );
    assert.equal((await node.get("/hello")).text, "one");
    assert.equal(await versionsOf(node, "hello"), 1);
  });

  it("never ends is refused as a canary", async (test) => {
    const node = await startEmpty(test);
    await deployPackage(node, says("hello", "one"));
    const trial = deployPackage(node, makePackage("hello", ENDLESS), "?canary=50");
    await assert.rejects(trial, /did not finish loading within 3 s/);
    assert.equal((await node.get("/hello")).text, "one");
    assert.equal(await versionsOf(node, "hello"), 1);
  });
});

describe("a deploy that fails", () => {
  it("is refused when all servers die meanwhile", async (test) => {
    const node = await startEmpty(test);
    for (const { pid } of node.node.status().servers) process.kill(pid, "SIGKILL");
    const broken = makePackage("hello", "throw new RangeError('no luck');\nexport default {};");
    await assert.rejects(deployPackage(node, broken), /hello cannot be loaded/);
    assert.equal((await node.get("/hello")).status, 404);
  });

  it("leaves nothing in memory for long", async (test) => {
    const node = await startEmpty(test);
    const broken = Array.from({ length: 8 }, (_, i) => makePackage(`no${i}`, `throw new Error("${i}");`));
    for (const given of broken)
      await assert.rejects(deployPackage(node, given), /Error: \d[\s\S]*index\.js:1/);
    const dry = Array.from({ length: 8 }, (_, i) => says("dry", String(i)));
    for (const given of dry) await deployPackage(node, given, "?dry-run");
    const kept = [...broken, ...dry].filter(({ version }) => node.node.registry.version(version.id));
    assert.ok(kept.length <= 5, `${kept.length} versions are kept`);
  });
});

describe("a node", () => {
  it("starts without a deployed function that has come to load without end, which can be deleted", async (test) => {
    const folder = await temporaryFolder(test);
    // It proved itself when it was deployed.
    await live(folder, says("good", "good"));
    await live(folder, makePackage("moody", ENDLESS));
    const after = await start(test, folder);
    assert.equal((await after.get("/good")).text, "good");
    assert.equal((await after.get("/moody")).status, 500);
    // The project is not refused for it.
    await after.node.reload();
    assert.equal((await after.get("/good")).text, "good");
    assert.equal((await adminCall(after, "DELETE", "/functions/moody")).status, 200);
    assert.equal((await after.get("/moody")).status, 404);
  });

  it("does not start with a function of its own that never ends loading, and says so", async (test) => {
    const folder = await temporaryFolder(test);
    await assert.rejects(
      start(test, folder, { hello: ENDLESS }),
      /hello cannot be loaded: it did not finish loading within 3 s/,
    );
  });
});
