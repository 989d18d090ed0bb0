/** Deploys, rollbacks and deletes of a running node, as an operator sees them. */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { describe, it, type TestContext } from "node:test";
import { runDexter } from "../support/cli.ts";
import { adminCall, deployPackage, makePackage, says } from "../support/deploy.ts";
import { constantLoad, startNode, type TestNode, temporaryFolder } from "../support/node.ts";

const DIRECTIVES = { num_servers: 2, start_threads: 1, min_spare_threads: 1, max_spare_threads: 2 };

const start = (test: TestContext, functions: Record<string, string> = {}, over: object = {}) =>
  startNode(test, { functions, directives: { ...DIRECTIVES, ...over } });

const textAt = async (node: TestNode, path: string) => (await node.get(path)).text;

describe("a deploy", () => {
  it("serves a new function at once, on a node that had none", async (test) => {
    const node = await start(test);
    assert.deepEqual(node.log().at(-1)?.functions, []);
    const result = await deployPackage(node, says("hello", "one"));
    assert.equal(await textAt(node, "/hello"), "one");
    assert.equal(result.changed, true);
    assert.equal(result.previous, undefined);
    assert.deepEqual(result.routes, ["hello.localhost/*", "*/hello/*"]);
  });

  it("replaces a version without a failed or a mixed response, 50 times, with 10 rollbacks", async (test) => {
    const node = await start(test);
    await deployPackage(node, says("hello", "0"));
    const load = constantLoad(test, node, "/hello", 16);
    for (let i = 1; i <= 50; i++) {
      await deployPackage(node, says("hello", String(i)));
      // From the moment that a deploy is done, nothing that begins is answered by an older version.
      assert.equal(await textAt(node, "/hello"), String(i));
      if (i % 5 !== 0) continue;
      const back = await adminCall(node, "POST", "/functions/hello/rollback");
      assert.equal(back.status, 200, JSON.stringify(back.body));
      assert.equal(await textAt(node, "/hello"), String(i - 1));
    }
    await load.stop();
    assert.deepEqual(load.errors, []);
    assert.ok(load.answers.length > 100, `${load.answers.length} requests are no load`);
    for (const { status, text } of load.answers) assert.match(`${status} ${text}`, /^200 \d+$/);
  });

  it("of the same thing makes no second version", async (test) => {
    const node = await start(test);
    const first = await deployPackage(node, says("hello", "one"));
    const second = await deployPackage(node, says("hello", "one"));
    assert.equal(second.changed, false);
    assert.equal(second.version, first.version);
    const { body } = await adminCall(node, "GET", "/functions/hello/versions");
    assert.equal(body.length, 1);
  });

  it("with other routes or settings and the same code is another version", async (test) => {
    const node = await start(test);
    await deployPackage(node, says("hello", "one"));
    const { changed, routes } = await deployPackage(node, says("hello", "one", { routes: ["a.test/*"] }));
    assert.equal(changed, true);
    assert.deepEqual(routes, ["a.test/*"]);
    assert.equal((await node.get("/hello")).status, 404);
  });

  it("that throws when it is loaded changes nothing, and says where it throws", async (test) => {
    const node = await start(test);
    await deployPackage(node, says("hello", "one"));
    const broken = makePackage("hello", "throw new RangeError('no luck');\nexport default {};");
    await assert.rejects(deployPackage(node, broken), /RangeError: no luck[\s\S]*index\.js:1/);
    assert.equal(await textAt(node, "/hello"), "one");
    const { body } = await adminCall(node, "GET", "/functions/hello/versions");
    assert.equal(body.length, 1);
  });

  it("that is not well changes nothing, and says how it is", async (test) => {
    const node = await start(test);
    const answering = (status: number) =>
      makePackage("hello", `export default { fetch: () => new Response("sick", { status: ${status} }) };`, {
        healthPath: "/health",
      });
    await deployPackage(node, answering(399));
    await assert.rejects(
      deployPackage(node, answering(503)),
      /failed its health check: GET \/health was answered with 503: sick/,
    );
    const throwing = makePackage("hello", "export default { fetch() { throw new Error('ill'); } };", {
      healthPath: "/health",
    });
    await assert.rejects(deployPackage(node, throwing), /GET \/health throws: ill[\s\S]*at .*index\.js:1/);
    assert.equal((await node.get("/hello")).status, 399);
  });

  it("is only proved with dry-run", async (test) => {
    const node = await start(test);
    await deployPackage(node, says("hello", "one"));
    const { changed } = await deployPackage(node, says("hello", "two"), "?dry-run");
    assert.equal(changed, true);
    assert.equal(await textAt(node, "/hello"), "one");
    const { body } = await adminCall(node, "GET", "/functions/hello/versions");
    assert.equal(body.length, 1);
  });

  it("is refused a route that another function has, and names its owner", async (test) => {
    const node = await start(test);
    await deployPackage(node, says("one", "one", { routes: ["a.test/x/*", "b.test/*"] }));
    const taken = deployPackage(node, says("two", "two", { routes: ["c.test/*", "b.test/*"] }));
    await assert.rejects(taken, /two: its route "b\.test\/\*" belongs to one/);
    await deployPackage(node, says("one", "1", { routes: ["b.test/*"] }));
  });

  it("is refused a route that another function has by its name", async (test) => {
    const node = await start(test);
    await deployPackage(node, says("hello", "hello"));
    for (const route of ["hello.localhost/*", "*/hello/*"]) {
      const thief = deployPackage(node, says("thief", "stolen", { routes: [route] }));
      await assert.rejects(thief, /thief: its route ".*hello.*" belongs to hello/);
    }
    await deployPackage(node, says("index", "index"));
    await deployPackage(node, says("rest", "rest", { catchAll: true }));
    assert.equal(await textAt(node, "/hello"), "hello");
  });

  it("of two at once takes one after the other", async (test) => {
    const node = await start(test);
    const texts = ["one", "two", "three", "four"];
    const results = await Promise.all(texts.map((text) => deployPackage(node, says("hello", text))));
    const { body: versions } = await adminCall(node, "GET", "/functions/hello/versions");
    assert.equal(versions.length, 4);
    const previous = results.map((result) => result.previous);
    assert.equal(new Set(previous).size, 4, "each saw another version before it");
  });

  it("keeps no more than keep_versions", async (test) => {
    const node = await start(test, {}, { keep_versions: 3 });
    for (const text of ["one", "two", "three", "four", "five"])
      await deployPackage(node, says("hello", text));
    const { body } = await adminCall(node, "GET", "/functions/hello/versions");
    assert.equal(body.length, 3);
    assert.equal(body.filter(({ live }: { live: boolean }) => live).length, 1);
    const files = await readdir(`${node.folder.dir}/.dexter/store/hello/versions`);
    assert.equal(files.length, 3);
  });
});

describe("a rollback", () => {
  it("goes to the version before, and to the one that is named", async (test) => {
    const node = await start(test);
    const [one] = [await deployPackage(node, says("hello", "one"))];
    await deployPackage(node, says("hello", "two"));
    await deployPackage(node, says("hello", "three"));
    await adminCall(node, "POST", "/functions/hello/rollback");
    assert.equal(await textAt(node, "/hello"), "two");
    const body = JSON.stringify({ version: one.version });
    await adminCall(node, "POST", "/functions/hello/rollback", { body });
    assert.equal(await textAt(node, "/hello"), "one");
  });

  it("to what is not kept is refused", async (test) => {
    const node = await start(test);
    await deployPackage(node, says("hello", "one"));
    const none = await adminCall(node, "POST", "/functions/hello/rollback");
    assert.equal(none.status, 409);
    const body = JSON.stringify({ version: "0123456789abcdef" });
    const unknown = await adminCall(node, "POST", "/functions/hello/rollback", { body });
    assert.equal(unknown.status, 404);
    assert.match(unknown.body.error, /"0123456789abcdef" is not kept here/);
    assert.equal(await textAt(node, "/hello"), "one");
  });
});

describe("deployed functions", () => {
  it("are there again after a restart, in the version that was live", async (test) => {
    const folder = await temporaryFolder(test);
    const directives = DIRECTIVES;
    const before = await startNode(test, { functions: {}, directives, folder });
    await deployPackage(before, says("hello", "one"));
    await deployPackage(before, says("hello", "two"));
    await adminCall(before, "POST", "/functions/hello/rollback");
    await before.dexter.stop();
    const after = await startNode(test, { functions: {}, directives, folder });
    assert.equal(await textAt(after, "/hello"), "one");
  });

  it("take the place of the project's, until they are deleted", async (test) => {
    const project = "export default { fetch: () => new Response('project') };";
    const node = await start(test, { hello: project });
    await deployPackage(node, says("hello", "deployed"));
    assert.equal(await textAt(node, "/hello"), "deployed");
    await adminCall(node, "POST", "/reload");
    assert.equal(await textAt(node, "/hello"), "deployed");
    const { body } = await adminCall(node, "DELETE", "/functions/hello");
    assert.deepEqual(body, { restored: true });
    assert.equal(await textAt(node, "/hello"), "project");
  });

  it("are gone when they are deleted, with all their versions", async (test) => {
    const node = await start(test);
    await deployPackage(node, says("hello", "one"));
    await deployPackage(node, says("other", "other"));
    await adminCall(node, "DELETE", "/functions/hello");
    assert.equal((await node.get("/hello")).status, 404);
    assert.equal(await textAt(node, "/other"), "other");
    assert.deepEqual(await readdir(`${node.folder.dir}/.dexter/store`), ["other"]);
    assert.equal((await adminCall(node, "DELETE", "/functions/hello")).status, 404);
  });

  it("can be deleted when the project's own function does not build", async (test) => {
    const node = await start(test, { hello: "export default { fetch: () => new Response('project') };" });
    await deployPackage(node, says("hello", "deployed"));
    await node.folder.write({ "functions/hello.js": "export default { fetch: ( => 1 };" });
    const { status, body } = await adminCall(node, "DELETE", "/functions/hello");
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.restored, false);
    assert.match(body.failure, /functions\/hello\.js:1/);
    assert.equal((await node.get("/hello")).status, 500);
    await node.folder.write({
      "functions/hello.js": "export default { fetch: () => new Response('mended') };",
    });
    assert.equal((await adminCall(node, "POST", "/reload")).status, 200);
    assert.equal(await textAt(node, "/hello"), "mended");
  });

  it("whose live version was damaged are listed as what serves, and go back to a good one", async (test) => {
    const folder = await temporaryFolder(test);
    const before = await startNode(test, { functions: {}, directives: DIRECTIVES, folder });
    for (const text of ["one", "two"]) await deployPackage(before, says("hello", text));
    const bad = await deployPackage(before, says("hello", "three"));
    await before.dexter.stop();
    await folder.write({ [`.dexter/store/hello/versions/${bad.version}.json`]: "damaged" });
    const after = await startNode(test, { functions: {}, directives: DIRECTIVES, folder });
    assert.equal(await textAt(after, "/hello"), "two");
    const { body } = await adminCall(after, "GET", "/functions/hello/versions");
    const live = body
      .filter((one: { live: boolean }) => one.live)
      .map((one: { version: string }) => one.version);
    assert.deepEqual(live, [says("hello", "two").version.id]);
    const back = await adminCall(after, "POST", "/functions/hello/rollback");
    assert.equal(back.status, 200, JSON.stringify(back.body));
    assert.equal(await textAt(after, "/hello"), "one");
  });
});

describe("the commands", () => {
  it("deploy a project, list it, roll it back and delete it", async (test) => {
    const node = await start(test);
    const project = await temporaryFolder(test);
    const write = (text: string) =>
      project.write({
        "wrangler.toml": 'compatibility_date = "2026-11-01"\n',
        "functions/hello.ts": `export default { fetch: (): Response => new Response(${JSON.stringify(text)}) };`,
        "functions/bad.ts": "export default { fetch: () => new Response('bad') };",
      });
    const run = (...args: string[]) => runDexter(args, { dir: project.dir });
    const there = ["--node", `${node.folder.dir}/.dexter/admin.sock`];
    await write("one");
    const first = await run("deploy", ...there);
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stdout, /^bad: version [0-9a-f]{16} is live after \d+ ms, at bad\.localhost/m);
    await write("two");
    const second = JSON.parse((await run("deploy", ...there, "--json")).stdout);
    assert.equal(second.ok, true);
    assert.deepEqual(
      second.functions.map((fn: { function: string; changed: boolean }) => [fn.function, fn.changed]),
      [
        ["bad", false],
        ["hello", true],
      ],
    );
    assert.equal(await textAt(node, "/hello"), "two");
    assert.match((await run("list", ...there)).stdout, /^hello +[0-9a-f]{16} +\S+ \S+ UTC by local /m);
    assert.match((await run("rollback", "hello", ...there)).stdout, /is live again \(before: /);
    assert.equal(await textAt(node, "/hello"), "one");
    assert.match((await run("versions", "hello", ...there)).stdout, /live .* rollback /);
    const asked = await run("delete", "hello", ...there);
    assert.equal(asked.status, 2, "nobody is there to be asked");
    assert.equal(await textAt(node, "/hello"), "one");
    assert.equal((await run("delete", "hello", "--yes", ...there)).stdout, "hello is deleted\n");
    assert.equal((await node.get("/hello")).status, 404);
  });

  it("deploy nothing when one function cannot be bundled", async (test) => {
    const node = await start(test);
    const project = await temporaryFolder(test);
    await project.write({
      "wrangler.toml": 'compatibility_date = "2026-11-01"\n',
      "functions/a.ts": "export default { fetch: () => new Response('a') };",
      "functions/b.ts": "export default { fetch: ( => new Response('b') };",
    });
    const { status, stderr } = await runDexter(
      ["deploy", "--node", `${node.folder.dir}/.dexter/admin.sock`],
      {
        dir: project.dir,
      },
    );
    assert.equal(status, 1);
    assert.match(stderr, /functions\/b\.ts:1/);
    assert.equal((await node.get("/a")).status, 404);
  });

  it("say that no node is there", async (test) => {
    const folder = await temporaryFolder(test);
    await folder.write({
      "wrangler.toml": 'compatibility_date = "2026-11-01"\n',
      "functions/a.ts": "export default { fetch: () => new Response('a') };",
    });
    for (const args of [["deploy"], ["list"], ["versions", "a"], ["rollback", "a"], ["delete", "a", "-y"]]) {
      const { status, stderr } = await runDexter(args, { dir: folder.dir });
      assert.equal(status, 1, args[0]);
      assert.match(stderr, /^dexter: no dexter runs here .*admin\.sock/, args[0]);
    }
  });
});
