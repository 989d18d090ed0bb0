/** Secrets of a running node: who gets them, when, and what happens when something is wrong. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { runDexter } from "../support/cli.ts";
import { adminCall, deployPackage, makePackage } from "../support/deploy.ts";
import {
  constantLoad,
  startNode,
  type TestNode,
  temporaryFolder,
  threadsOf,
  until,
  writeProject,
} from "../support/node.ts";
import { deleteSecret, findValue, putSecret, TELLS, tells } from "../support/secrets.ts";

const DIRECTIVES = { num_servers: 2, start_threads: 1, min_spare_threads: 1, max_spare_threads: 2 };

const start = (test: TestContext, functions: Record<string, string> = {}, over: object = {}) =>
  startNode(test, { functions, directives: { ...DIRECTIVES, ...over } });

const textAt = async (node: TestNode, path: string) => (await node.get(path)).text;

describe("a secret", () => {
  it("is in the function's env at once, before a variable of its name, and in no other's", async (test) => {
    const node = await start(test, { other: TELLS });
    await deployPackage(node, tells("hello", { env: { TOKEN: "variable", MORE: 1 } }));
    const { status, body } = await putSecret(node, "hello", "TOKEN", "first");
    assert.equal(status, 200);
    assert.deepEqual(body, {
      function: "hello",
      name: "TOKEN",
      changed: true,
      state: "live",
      variable: true,
    });
    assert.equal(await textAt(node, "/hello?TOKEN"), "first");
    assert.equal(await textAt(node, "/hello?MORE"), "1");
    assert.equal(await textAt(node, "/other?TOKEN"), "undefined");
    await deleteSecret(node, "hello", "TOKEN");
    assert.equal(await textAt(node, "/hello?TOKEN"), "variable");
  });

  it("of the project's own function leaves its newer sources alone", async (test) => {
    const node = await start(test, { own: TELLS });
    const newer = 'export default { fetch: () => new Response("newer") };';
    await writeProject({ functions: { own: newer }, directives: DIRECTIVES }, node.folder);
    await putSecret(node, "own", "A", "1");
    assert.equal(await textAt(node, "/own?A"), "1");
    await adminCall(node, "POST", "/reload");
    assert.equal(await textAt(node, "/own"), "newer");
  });

  it("changes under load without a failed response, and no later request gets an earlier value", async (test) => {
    const node = await start(test);
    await deployPackage(node, tells("hello"));
    await putSecret(node, "hello", "TOKEN", "v0");
    const load = constantLoad(test, node, "/hello?TOKEN", 16);
    for (let i = 1; i <= 20; i++) {
      const { status, body } = await putSecret(node, "hello", "TOKEN", `v${i}`);
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(await textAt(node, "/hello?TOKEN"), `v${i}`);
    }
    await load.stop();
    assert.deepEqual(load.errors, []);
    assert.ok(load.answers.length > 100, `${load.answers.length} requests are no load`);
    for (const { status, text } of load.answers) assert.match(`${status} ${text}`, /^200 v\d+$/);
  });

  it("does not change for a request in progress, which ends as it began", async (test) => {
    const node = await start(test);
    const code = `export default { async fetch(request, env) {
  await request.text();
  return new Response(env.TOKEN);
} };`;
    await putSecret(node, "patient", "TOKEN", "before");
    await deployPackage(node, makePackage("patient", code));
    const call = request({ host: "127.0.0.1", port: node.dexter.port, path: "/patient", method: "POST" });
    // So much that the function is called before the rest has come.
    call.write("x".repeat(200_000));
    const answer = once(call, "response");
    await until("it is in progress", async () => (await node.status()).totals.busy === 1);
    await putSecret(node, "patient", "TOKEN", "after");
    assert.equal(await textAt(node, "/patient"), "after");
    call.end();
    const [response] = await answer;
    assert.equal((await response.toArray()).join(""), "before");
  });

  it("with the value that it has already changes nothing", async (test) => {
    const node = await start(test);
    await deployPackage(node, tells("hello"));
    await putSecret(node, "hello", "A", "1");
    const { body: before } = await adminCall(node, "GET", "/functions/hello/secrets");
    const { body } = await putSecret(node, "hello", "A", "1");
    assert.equal(body.changed, false);
    assert.deepEqual((await adminCall(node, "GET", "/functions/hello/secrets")).body, before);
  });

  it("is listed by name, with who set it when, and without its value", async (test) => {
    const node = await start(test);
    await putSecret(node, "hello", "B", "value-b");
    await putSecret(node, "hello", "A", "value-a");
    const { body } = await adminCall(node, "GET", "/functions/hello/secrets");
    assert.deepEqual(
      body.map((secret: object) => Object.keys(secret)),
      [
        ["name", "updatedAt", "by"],
        ["name", "updatedAt", "by"],
      ],
    );
    assert.deepEqual(
      body.map(({ name, by }: { name: string; by: string }) => [name, by]),
      [
        ["A", "local"],
        ["B", "local"],
      ],
    );
    assert.ok(Math.abs(Date.now() - Date.parse(body[0].updatedAt)) < 60_000);
  });
});

describe("secrets", () => {
  it("are there before the first deploy, and after a rollback, a reload and a restart", async (test) => {
    const folder = await temporaryFolder(test);
    const options = { functions: {}, directives: DIRECTIVES, folder };
    const node = await startNode(test, options);
    const { body } = await putSecret(node, "hello", "TOKEN", "mine");
    assert.equal(body.state, "waiting");
    await deployPackage(node, tells("hello"));
    assert.equal(await textAt(node, "/hello?TOKEN"), "mine");
    await deployPackage(node, tells("hello", { env: { V: 2 } }));
    await putSecret(node, "hello", "TOKEN", "changed");
    await adminCall(node, "POST", "/functions/hello/rollback");
    assert.equal(await textAt(node, "/hello?V"), "undefined");
    assert.equal(await textAt(node, "/hello?TOKEN"), "changed");
    await adminCall(node, "POST", "/reload");
    assert.equal(await textAt(node, "/hello?TOKEN"), "changed");
    await node.dexter.stop();
    const after = await startNode(test, options);
    assert.equal(await textAt(after, "/hello?TOKEN"), "changed");
  });

  it("go with their function when it is deleted", async (test) => {
    const node = await start(test, { hello: TELLS });
    await deployPackage(node, tells("hello", { env: { V: 1 } }));
    await putSecret(node, "hello", "TOKEN", "mine");
    await putSecret(node, "other", "TOKEN", "mine");
    await adminCall(node, "DELETE", "/functions/hello");
    assert.equal(await textAt(node, "/hello?TOKEN"), "undefined");
    assert.deepEqual(await readdir(`${node.folder.dir}/.dexter/secrets`), ["other.json"]);
    assert.deepEqual((await adminCall(node, "GET", "/functions/hello/secrets")).body, []);
  });

  it("leave the ids that people see those of the content", async (test) => {
    const node = await start(test, {}, { access_log: "access.log" });
    const { version } = await deployPackage(node, tells("hello"));
    await putSecret(node, "hello", "TOKEN", "mine");
    assert.equal(await textAt(node, "/hello?TOKEN"), "mine");
    const status = await node.status();
    assert.equal(status.functions[0]!.version, version);
    const threads = status.servers.flatMap((server) => threadsOf(server));
    assert.ok(threads.length > 0);
    for (const thread of threads) assert.equal(thread.version, version);
    const log = await until("the access log has a line", () =>
      readFile(join(node.folder.dir, "access.log"), "utf8"),
    );
    assert.equal(JSON.parse(log.split("\n")[0]!).version, version);
    const { body: versions } = await adminCall(node, "GET", "/functions/hello/versions");
    assert.deepEqual(
      versions.map((one: { version: string; live: boolean }) => [one.version, one.live]),
      [[version, true]],
    );
    const again = await deployPackage(node, tells("hello"));
    assert.deepEqual([again.version, again.previous, again.changed], [version, version, false]);
    const next = await deployPackage(node, tells("hello", { env: { V: 2 } }));
    assert.equal(next.previous, version);
  });

  it("stand in clear in no file, log, status, answer, argument or environment", async (test) => {
    const node = await start(test, {}, { resident_threads: "always", score_board_file: "board.json" });
    const throws = `import { env } from "cloudflare:workers";
const atLoad = env.TOKEN;
export default { fetch() {
  if (atLoad === undefined) return new Response("none");
  console.log("it is here");
  throw new Error("no luck");
} };`;
    await deployPackage(node, makePackage("hello", throws, { env: { PLAIN: "variable-in-clear" } }));
    const secret = "s3cret-value-that-nobody-sees";
    await putSecret(node, "hello", "TOKEN", secret);
    await adminCall(node, "POST", "/reload");
    await until("its threads are resident", async () => {
      const { servers } = await node.status();
      const threads = servers.flatMap((server) => threadsOf(server, "hello"));
      return servers.length === 2 && threads.some(({ kind }) => kind === "resident");
    });
    const answers = await Promise.all([1, 2, 3, 4].map(() => node.get("/hello")));
    for (const { status } of answers) assert.equal(status, 500, "it has the secret, and throws");
    await until("it has printed", () => node.dexter.output().includes("it is here"));
    const calls = ["/status", "/functions", "/functions/hello/versions", "/functions/hello/secrets"];
    const told = await Promise.all(calls.map((path) => adminCall(node, "GET", path)));
    await until("the scoreboard is new", async () =>
      (await readFile(join(node.folder.dir, "board.json"), "utf8")).includes('"resident"'),
    );
    assert.ok(!JSON.stringify([told, answers]).includes(secret));
    assert.deepEqual(findValue(node, secret), []);
    assert.ok(findValue(node, "variable-in-clear").length > 0, "what is to be found is found");
  });
});

describe("a change of secrets that a function cannot be loaded with", () => {
  const picky = `import { env } from "cloudflare:workers";
if (env.MODE === "bad") throw new RangeError("what mode is that?");
export default { fetch: () => new Response(env.MODE) };`;

  it("is refused with the reason, and nothing has changed", async (test) => {
    const node = await start(test);
    await putSecret(node, "picky", "MODE", "good");
    await deployPackage(node, makePackage("picky", picky));
    const { status, body } = await putSecret(node, "picky", "MODE", "bad");
    assert.equal(status, 422);
    assert.match(body.error, /picky cannot be loaded: RangeError: what mode is that\?\n\s+at .*index\.js:2/);
    assert.equal(await textAt(node, "/picky"), "good");
    assert.equal((await putSecret(node, "picky", "MODE", "bad")).status, 422);
    // Nothing of it is left either for the next change, a deploy, or a start.
    assert.equal((await putSecret(node, "picky", "OTHER", "x")).body.state, "live");
    assert.equal(await textAt(node, "/picky"), "good");
    await deployPackage(node, makePackage("picky", `${picky}\n`));
    assert.equal(await textAt(node, "/picky"), "good");
  });

  it("is refused as well after a reload that was, for which the function is not to blame", async (test) => {
    const node = await start(test, { picky });
    await putSecret(node, "picky", "MODE", "good");
    await writeProject({ functions: { picky: "throw 1;" }, directives: DIRECTIVES }, node.folder);
    assert.equal((await adminCall(node, "POST", "/reload")).status, 422);
    assert.equal((await putSecret(node, "picky", "MODE", "bad")).status, 422);
    assert.equal(await textAt(node, "/picky"), "good");
  });

  it("is taken when the function cannot be loaded anyway, until it can", async (test) => {
    const folder = await temporaryFolder(test);
    const options = { functions: {}, directives: DIRECTIVES, folder };
    const before = await startNode(test, options);
    const needs = `import { env } from "cloudflare:workers";
if (!env.A || !env.B) throw new Error("A and B are needed");
export default { fetch: () => new Response(env.A + env.B) };`;
    await putSecret(before, "needs", "A", "1");
    await putSecret(before, "needs", "B", "2");
    await deployPackage(before, makePackage("needs", needs));
    await before.dexter.stop();
    await rm(`${folder.dir}/.dexter/secrets/needs.json`);
    const node = await startNode(test, options);
    assert.equal((await node.get("/needs")).status, 500);
    const first = await putSecret(node, "needs", "A", "3");
    assert.equal(first.body.state, "failing");
    assert.match(first.body.reason, /A and B are needed/);
    assert.equal((await putSecret(node, "needs", "B", "4")).body.state, "live");
    assert.equal(await textAt(node, "/needs"), "34");
  });
});

describe("a folder of secrets that is a file", () => {
  it("is a failure of the node for each call about them, and for no other", async (test) => {
    const node = await start(test, { own: TELLS });
    await writeFile(join(node.folder.dir, ".dexter/secrets"), "in the way");
    const { status, body } = await putSecret(node, "other", "K", "value");
    assert.equal(status, 500);
    assert.equal(body.code, "SECRETS_DAMAGED");
    assert.match(body.error, /secrets\/other\.json cannot be read: a file is in the way/);
    const told = node
      .log()
      .filter(({ msg }) => msg.startsWith("a call of the admin API failed: the secrets of other"));
    assert.deepEqual(
      told.map(({ level }) => level),
      [50],
      node.dexter.output(),
    );
    const args = ["secret", "put", "other", "K"];
    const { status: exit, stderr } = await runDexter(args, { dir: node.folder.dir, input: "value" });
    assert.equal(exit, 1);
    assert.match(stderr, /^dexter: the running dexter failed: the secrets of other cannot be used/);
    assert.equal(await textAt(node, "/own?K"), "undefined");
  });
});

describe("secrets that cannot be read", () => {
  const damages: Record<string, [damage: (folder: string) => Promise<unknown>, says: RegExp]> = {
    "since the key is another": [
      (folder) => writeFile(`${folder}/secret.key`, Buffer.alloc(32, 9)),
      /the secrets of hello cannot be read.*secret\.key is another key/,
    ],
    "since the key is gone": [
      (folder) => rm(`${folder}/secret.key`),
      /the secrets of hello cannot be read.*secret\.key is missing/,
    ],
    "since the file is damaged": [
      (folder) => writeFile(`${folder}/secrets/hello.json`, "{"),
      /the secrets of hello cannot be used.*hello\.json is not a file of secrets/,
    ],
    "since the file is another function's": [
      (folder) => copyFile(`${folder}/secrets/other.json`, `${folder}/secrets/hello.json`),
      /the secrets of hello cannot be used.*hello\.json holds the secrets of "other"/,
    ],
  };
  for (const [why, [damage, says]] of Object.entries(damages))
    it(`${why} keep their function from being served, and no other, until a reload after the repair`, async (test) => {
      const folder = await temporaryFolder(test);
      const options = { functions: { own: TELLS }, directives: DIRECTIVES, folder };
      const before = await startNode(test, options);
      await deployPackage(before, tells("hello"));
      for (const name of ["hello", "other"]) await putSecret(before, name, "TOKEN", name);
      await before.dexter.stop();
      const [data, kept] = [join(folder.dir, ".dexter"), (file: string) => join(folder.dir, file)];
      await copyFile(`${data}/secret.key`, kept("key"));
      await copyFile(`${data}/secrets/hello.json`, kept("hello"));
      await damage(data);
      const node = await startNode(test, options);
      assert.equal(node.log().filter(({ msg }) => says.test(msg)).length, 1, node.dexter.output());
      assert.equal((await node.get("/hello?TOKEN")).status, 500);
      assert.equal(await textAt(node, "/own?TOKEN"), "undefined");
      const failed = await putSecret(node, "hello", "TOKEN", "new");
      assert.equal(failed.status, 500);
      assert.match(failed.body.error, says);
      await assert.rejects(deployPackage(node, tells("hello", { env: { V: 2 } })), says);
      assert.equal((await adminCall(node, "POST", "/reload")).status, 200);
      assert.equal((await node.get("/hello?TOKEN")).status, 500);
      await copyFile(kept("key"), `${data}/secret.key`);
      await copyFile(kept("hello"), `${data}/secrets/hello.json`);
      assert.equal((await adminCall(node, "POST", "/reload")).status, 200);
      assert.equal(await textAt(node, "/hello?TOKEN"), "hello");
    });
});

describe("a call that is wrong", () => {
  const long = "n".repeat(129);
  const cases: [path: string, body: string | Buffer, status: number, says: RegExp][] = [
    ["/functions/hello/secrets/2A", "v", 400, /a secret's name must be letters, digits and _/],
    ["/functions/hello/secrets/A-B", "v", 400, /a secret's name must be/],
    ["/functions/hello/secrets/A%3Dvalue", "v", 400, /a secret's name must be/],
    ["/functions/hello/secrets/__proto__", "v", 400, /no property of every object/],
    ["/functions/hello/secrets/constructor", "v", 400, /no property of every object/],
    [`/functions/hello/secrets/${long}`, "v", 400, /at most 128/],
    ["/functions/hello/secrets/A", "", 400, /the value of A is empty/],
    ["/functions/hello/secrets/A", Buffer.from([0xff, 0xfe]), 400, /the value of A is not text in UTF-8/],
    ["/functions/hello/secrets/A", "v".repeat(65_537), 413, /a secret may have 64 KiB/],
    ["/functions/Hello/secrets/A", "v", 400, /the function's name: must be lower-case/],
    ["/functions/..%2F..%2Fhello/secrets/A", "v", 400, /the function's name: must be lower-case/],
    ["/functions/a%00b/secrets/A", "v", 400, /the function's name: must be lower-case/],
  ];

  it("is refused with what is wrong, and changes nothing", async (test) => {
    const node = await start(test);
    await deployPackage(node, tells("hello"));
    for (const [path, body, status, says] of cases) {
      const answer = await adminCall(node, "PUT", path, { body });
      assert.equal(answer.status, status, path);
      assert.match(answer.body.error, says, path);
    }
    const unknown = await deleteSecret(node, "hello", "NONE");
    assert.equal(unknown.status, 404);
    assert.match(unknown.body.error, /hello has no secret "NONE"/);
    assert.deepEqual(await readdir(`${node.folder.dir}/.dexter/secrets`).catch(() => []), []);
    assert.equal((await putSecret(node, "hello", "A", "v".repeat(65_536))).status, 200);
    assert.equal((await textAt(node, "/hello?A")).length, 65_536);
  });

  it("for a secret too many is refused, and one that replaces another is not", async (test) => {
    const node = await start(test);
    for (let i = 0; i < 100; i++) await putSecret(node, "hello", `S${i}`, "v");
    const { status, body } = await putSecret(node, "hello", "ONE_MORE", "v");
    assert.equal(status, 409);
    assert.match(body.error, /hello has 100 secrets, and may not have more/);
    assert.equal((await putSecret(node, "hello", "S7", "w")).body.changed, true);
  });
});
