/** Canaries of a running node: who gets them, and how they end. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { callControl } from "../../scheduler/server/control.ts";
import { runDexter } from "../support/cli.ts";
import { adminCall, deployPackage, makePackage, says, socketOf } from "../support/deploy.ts";
import { Exposition } from "../support/exposition.ts";
import { constantLoad, httpGet, startNode, type TestNode, temporaryFolder, until } from "../support/node.ts";

const SMALL = { num_servers: 2, start_threads: 1, min_spare_threads: 1, max_spare_threads: 2 };

const start = async (test: TestContext, directives: Record<string, unknown> = {}): Promise<TestNode> => {
  const node = await startNode(test, { functions: {}, directives: { ...SMALL, ...directives } });
  await deployPackage(node, says("hello", "old"));
  return node;
};

const canaryOf = async (node: TestNode) =>
  (await node.status()).functions.find(({ name }) => name === "hello")?.canary;

const bad = makePackage("hello", "export default { fetch: () => new Response('bad', { status: 500 }) };");

describe("a canary", () => {
  it("gets its part of the requests, and is promoted when it does well", async (test) => {
    const node = await start(test);
    const { version, canaryPercent } = await deployPackage(
      node,
      says("hello", "new"),
      "?canary=50&window=4000",
    );
    assert.equal(canaryPercent, 50);
    // Too few for a comparison of p99, which this machine's moods would decide.
    const answers = await Promise.all(Array.from({ length: 90 }, () => node.get("/hello")));
    for (const { status, text } of answers) assert.match(`${status} ${text}`, /^200 (old|new)$/);
    const news = answers.filter(({ text }) => text === "new").length;
    assert.ok(news >= 20 && news <= 70, `${news} of 90`);
    const shown = await canaryOf(node);
    if (shown) assert.deepEqual([shown.version, shown.new.requests], [version, news]);
    await until("it is promoted", async () => !(await canaryOf(node)), 20_000);
    for (let i = 0; i < 20; i++) assert.equal((await node.get("/hello")).text, "new");
    const { body } = await adminCall(node, "GET", "/functions/hello/versions");
    const live = body.find((one: { live: boolean }) => one.live);
    assert.deepEqual([live.version, live.last.action, live.last.by], [version, "promote", "canary"]);
  });

  it("that fails is rolled back before its window is over", async (test) => {
    const node = await start(test);
    await deployPackage(node, bad, "?canary=30&window=3600000");
    const load = constantLoad(test, node, "/hello", 4);
    await until("it is rolled back", async () => !(await canaryOf(node)), 20_000);
    await load.stop();
    assert.deepEqual(load.errors, []);
    for (let i = 0; i < 20; i++) assert.equal((await node.get("/hello")).text, "old");
    assert.ok(node.log().some(({ msg }) => /is rolled back: \d+ of \d+ requests failed/.test(msg)));
  });

  it("is the same for the same client, if that is asked for", async (test) => {
    const node = await start(test);
    await deployPackage(node, says("hello", "new"), "?canary=50&window=3600000&sticky=cookie:session");
    const texts = new Set<string>();
    for (let client = 0; client < 20; client++) {
      const headers = { cookie: `a=b; session=client-${client}; c=d` };
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => httpGet(node.dexter.port, "/hello", { headers })),
      );
      assert.equal(new Set(answers.map(({ text }) => text)).size, 1, `client ${client}`);
      texts.add(answers[0]!.text);
    }
    assert.deepEqual([...texts].sort(), ["new", "old"]);
  });

  it("is ended by promote, rollback, another deploy and delete", async (test) => {
    const node = await start(test);
    const all = async () =>
      new Set(await Promise.all(Array.from({ length: 12 }, async () => (await node.get("/hello")).text)));
    await deployPackage(node, says("hello", "two"), "?canary=50&window=3600000");
    assert.equal((await adminCall(node, "POST", "/functions/hello/promote")).status, 200);
    assert.deepEqual(await all(), new Set(["two"]));
    await deployPackage(node, says("hello", "three"), "?canary=50&window=3600000");
    const { body } = await adminCall(node, "POST", "/functions/hello/rollback");
    assert.notEqual(body.previous, body.version);
    assert.deepEqual(await all(), new Set(["two"]));
    await deployPackage(node, says("hello", "four"), "?canary=50&window=3600000");
    await deployPackage(node, says("hello", "five"));
    assert.deepEqual(await all(), new Set(["five"]));
    await deployPackage(node, says("hello", "six"), "?canary=99&window=3600000");
    assert.equal((await adminCall(node, "DELETE", "/functions/hello")).status, 200);
    assert.equal((await node.get("/hello")).status, 404);
    assert.equal(await canaryOf(node), undefined);
  });

  it("lets what is in its threads finish when it ends", async (test) => {
    const node = await start(test);
    const slow = makePackage(
      "hello",
      "export default { async fetch() { await scheduler.wait(1500); return new Response('slow'); } };",
    );
    await deployPackage(node, slow, "?canary=99&window=3600000");
    const answers = Promise.all(Array.from({ length: 30 }, () => node.get("/hello")));
    await until("requests are in its threads", async () => (await node.status()).totals.busy > 0);
    await adminCall(node, "POST", "/functions/hello/rollback");
    for (const { status, text } of await answers) assert.match(`${status} ${text}`, /^200 (slow|old)$/);
  });

  it("has its threads counted under its function's name", async (test) => {
    const node = await start(test);
    await deployPackage(node, says("hello", "new"), "?canary=50&window=3600000");
    const status = await until("its threads are there", async () => {
      const now = await node.status();
      return now.totals.starting === 0 && now;
    });
    const { text } = await callControl(socketOf(node).socketPath, "GET", "/metrics");
    const loads = new Exposition(text).value("dexter_thread_loads_total", {
      function: "hello",
      outcome: "loaded",
    });
    assert.ok(loads >= status.totals.idle, `${loads} loads, ${status.totals.idle} threads`);
  });

  it("has its lines counted under its function's name", async (test) => {
    const node = await start(test, { log_rate: 5 });
    const talks =
      "export default { fetch() { for (let i = 0; i < 20; i++) console.log(i); return new Response(); } };";
    await deployPackage(node, makePackage("hello", talks), "?canary=99&window=3600000");
    await Promise.all(Array.from({ length: 20 }, () => node.get("/hello")));
    const dropped = await until("lines are dropped", () => {
      const found = node.log().filter(({ msg }) => /console lines were dropped/.test(msg));
      return found.length > 0 && found;
    });
    assert.deepEqual(new Set(dropped.map((line) => line.function)), new Set(["hello"]));
  });

  it("is refused where there is nothing to compare, and with settings that are none", async (test) => {
    const node = await start(test);
    await assert.rejects(
      deployPackage(node, says("other", "x"), "?canary=10"),
      /no deployed version is live/,
    );
    for (const query of [
      "canary=0",
      "canary=100",
      "canary=x",
      "canary=10&window=5",
      "canary=10&sticky=ip",
      "canary=",
    ])
      await assert.rejects(
        deployPackage(node, says("hello", "new"), `?${query}`),
        /the call is invalid: (?:canary|window|sticky)/,
        query,
      );
    const none = await adminCall(node, "POST", "/functions/hello/promote");
    assert.equal(none.status, 409);
    assert.match(none.body.error, /no canary runs/);
    assert.equal(await canaryOf(node), undefined);
  });

  it("that does not load changes nothing", async (test) => {
    const node = await start(test);
    const broken = makePackage("hello", "throw new Error('no luck');");
    await assert.rejects(
      deployPackage(node, broken, "?canary=50"),
      /^DexterError: .*hello cannot be loaded: Error: no luck/,
    );
    assert.equal(await canaryOf(node), undefined);
    assert.equal((await node.get("/hello")).text, "old");
  });
});

describe("the commands", () => {
  it("deploy a canary, show it and promote it", async (test) => {
    const node = await start(test);
    const project = await temporaryFolder(test);
    await project.write({
      "wrangler.toml": 'compatibility_date = "2026-11-01"\n',
      "functions/hello.ts": "export default { fetch: () => new Response('new') };",
    });
    const there = ["--node", `${node.folder.dir}/.dexter/admin.sock`];
    const run = (...args: string[]) => runDexter([...args, ...there], { dir: project.dir });
    const deployed = await run("deploy", "--canary", "25%", "--canary-window", "1h");
    assert.match(
      deployed.stdout,
      /^hello: version [0-9a-f]{16} gets 25 % of the requests, beside [0-9a-f]{16}/,
      deployed.stderr,
    );
    assert.match(
      (await run("status")).stdout,
      /^canary of hello: version [0-9a-f]{16} gets 25 % of the requests for another /m,
    );
    assert.match((await run("promote", "hello")).stdout, /^hello: version [0-9a-f]{16} is live \(before: /);
    assert.equal((await node.get("/hello")).text, "new");
    const wrong = await run("deploy", "--sticky", "cookie:a");
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /--canary/);
  });
});
