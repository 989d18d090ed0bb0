/** `dexter secret`, and the ways beside it by which a function gets values: `[env.<name>]` and `.dev.vars`. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type CommandOptions, runDexter } from "../support/cli.ts";
import { DATE, SMALL, startDev } from "../support/dev.ts";
import { startNode, type TestNode } from "../support/node.ts";
import { findValue, TELLS } from "../support/secrets.ts";

const DIRECTIVES = { num_servers: 1, start_threads: 1, min_spare_threads: 1, max_spare_threads: 2 };

/** A node with the function `hello`, and a way to run commands beside it. */
async function running(test: TestContext) {
  const node = await startNode(test, { functions: { hello: TELLS }, directives: DIRECTIVES });
  const run = (args: readonly string[], input?: CommandOptions["input"]) =>
    runDexter(args, { dir: node.folder.dir, ...(input === undefined ? {} : { input }) });
  const tell = async (name: string) => (await node.get(`/hello?${name}`)).text;
  return { node, run, tell };
}

describe("dexter secret put", () => {
  it("takes the value from stdin, without one newline at its end", async (test) => {
    const { run, tell } = await running(test);
    for (const [input, value] of [
      ["plain", "plain"],
      ["with a newline\n", "with a newline"],
      ["from elsewhere\r\n", "from elsewhere"],
      ["two\nlines\n\n", "two\nlines\n"],
      [" spaces \t", " spaces \t"],
      ["ünï 😀\n", "ünï 😀"],
    ] as const) {
      const { status, stdout, stderr } = await run(["secret", "put", "hello", "A"], input);
      assert.deepEqual(
        [status, stdout, stderr],
        [0, "hello: A is set, and new threads have it\n", ""],
        JSON.stringify(input),
      );
      assert.equal(await tell("A"), value);
    }
    const again = await run(["secret", "put", "hello", "A"], "ünï 😀");
    assert.deepEqual(again, { status: 0, stdout: "hello: A has this value already\n", stderr: "" });
  });

  it("says when the function is not there yet, and prints JSON", async (test) => {
    const { run } = await running(test);
    const { stdout } = await run(["secret", "put", "later", "A"], "1");
    assert.equal(stdout, "later: A is set; there is no function later yet\n");
    const json = JSON.parse((await run(["secret", "put", "later", "B", "--json"], "1")).stdout);
    assert.deepEqual(json, {
      function: "later",
      name: "B",
      changed: true,
      state: "waiting",
      variable: false,
    });
  });

  it("refuses a value among its arguments, and does not repeat it", async (test) => {
    const { node, run, tell } = await running(test);
    for (const args of [["A", "hunter2"], ["A=hunter2"], ["A", "hunter2", "more"]]) {
      const { status, stdout, stderr } = await run(["secret", "put", "hello", ...args], "");
      assert.equal(status, 2);
      assert.equal(stdout, "");
      assert.match(
        stderr,
        /^dexter: a secret's value must not stand on the command line.*put hello A < file\n$/,
      );
    }
    assert.equal(await tell("A"), "undefined");
    assert.ok(!node.dexter.output().includes("hunter2"));
  });

  it("refuses what is no name, no value or no text, and nothing has changed", async (test) => {
    const { run } = await running(test);
    for (const [args, input, expected, says] of [
      [["hello", "A"], undefined, 2, /^dexter: the value of A is empty: give it on stdin/],
      [["hello", "A"], "\n", 2, /^dexter: the value of A is empty/],
      [["hello", "a-b"], "1", 1, /^dexter: a secret's name must be letters, digits/],
      [["hello", "A"], "v".repeat(65_537), 1, /^dexter: a secret may have 64 KiB/],
      [["hello", "A"], Buffer.alloc(4 << 20, 97), 1, /^dexter: a secret may have 64 KiB/],
      [["hello", "A"], Buffer.from([0xff]), 1, /is not text in UTF-8; encode it/],
      [["../x", "A"], "1", 1, /the function's name: must be lower-case letters/],
    ] as const) {
      const { status, stdout, stderr } = await run(["secret", "put", ...args], input);
      assert.match(stderr, says);
      assert.equal(status, expected, stderr);
      assert.equal(stdout, "");
    }
    assert.equal((await run(["secret", "list", "hello"])).stdout, "hello has no secrets\n");
  });

  it("warns of a variable that has the name", async (test) => {
    const { node, run, tell } = await running(test);
    await node.folder.write({ "wrangler.toml": `${DATE}vars = { A = "variable" }\n${SMALL}` });
    await run(["reload"]);
    assert.equal(await tell("A"), "variable");
    const { stderr } = await run(["secret", "put", "hello", "A"], "secret");
    assert.equal(stderr, "warning: a variable has the name A, too; the secret takes precedence\n");
    assert.equal(await tell("A"), "secret");
  });
});

describe("dexter secret list and delete", () => {
  it("show names, and remove one when they are told to", async (test) => {
    const { run, tell } = await running(test);
    await run(["secret", "put", "hello", "B"], "value-b");
    await run(["secret", "put", "hello", "A"], "value-a");
    const { stdout } = await run(["secret", "list", "hello"]);
    assert.match(
      stdout,
      /^secret +set\nA +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC by local\nB +\d{4}.* by local\n$/,
    );
    const asked = await run(["secret", "delete", "hello", "A"]);
    assert.equal(asked.status, 2);
    assert.match(asked.stderr, /^dexter: A was not deleted; to delete it without being asked, pass --yes/);
    assert.equal(await tell("A"), "value-a");
    const deleted = await run(["secret", "delete", "hello", "A", "--yes"]);
    assert.deepEqual(deleted, {
      status: 0,
      stdout: "hello: A is deleted, and new threads are without it\n",
      stderr: "",
    });
    assert.equal(await tell("A"), "undefined");
    const json = JSON.parse((await run(["secret", "list", "hello", "--json"])).stdout);
    assert.deepEqual(
      json.map(({ name }: { name: string }) => name),
      ["B"],
    );
    const gone = await run(["secret", "delete", "hello", "A", "--yes"]);
    assert.equal(gone.status, 1);
    assert.match(gone.stderr, /hello has no secret "A"; `dexter secret list hello` lists those that it has/);
  });
});

describe("values of a project", () => {
  const FILES = {
    "wrangler.toml": `${DATE}vars = { WHERE = "anywhere", BASE = "base" }
[env.staging.vars]
WHERE = "staging"
`,
    "functions/hello.js": TELLS,
    ".dev.vars": 'WHERE = "dev-vars-value"\nDEV_ONLY = "dev-only-value"\n',
    ".dev.vars.staging": 'DEV_ONLY = "dev-staging-value"\n',
  };

  const deployed = async (test: TestContext, ...args: string[]): Promise<TestNode> => {
    const node = await startNode(test, { functions: {}, directives: DIRECTIVES });
    await node.folder.write(
      Object.fromEntries(Object.entries(FILES).map(([file, text]) => [`site/${file}`, text])),
    );
    const there = ["--node", `${node.folder.dir}/.dexter/admin.sock`];
    const { status, stderr } = await runDexter(["deploy", "site", ...there, ...args], {
      dir: node.folder.dir,
    });
    assert.equal(status, 0, stderr);
    return node;
  };
  const valuesOf = (node: TestNode) =>
    Promise.all(["WHERE", "BASE", "DEV_ONLY"].map(async (name) => (await node.get(`/hello?${name}`)).text));

  it("are those of [env.<name>] in a deploy with --env", async (test) => {
    const node = await deployed(test, "--env", "staging");
    // As with wrangler, an environment's vars are all that it has.
    assert.deepEqual(await valuesOf(node), ["staging", "undefined", "undefined"]);
    assert.deepEqual(findValue(node, "dev-staging-value"), ["site/.dev.vars.staging"]);
  });

  it("are never those of .dev.vars in a deploy", async (test) => {
    const node = await deployed(test);
    assert.deepEqual(await valuesOf(node), ["anywhere", "base", "undefined"]);
    assert.deepEqual(findValue(node, "dev-only-value"), ["site/.dev.vars"]);
  });

  it("are those of .dev.vars in dexter dev, where secrets of the store do not count", async (test) => {
    const node = await startNode(test, { functions: { hello: TELLS }, directives: DIRECTIVES });
    await runDexter(["secret", "put", "hello", "WHERE"], { dir: node.folder.dir, input: "store" });
    await node.dexter.stop();
    const dev = await startDev(test, FILES, { folder: node.folder });
    await dev.serves("/hello?WHERE", "dev-vars-value");
    await dev.serves("/hello?DEV_ONLY", "dev-only-value");
    for (const args of [
      ["put", "hello", "A"],
      ["list", "hello"],
      ["delete", "hello", "WHERE", "--yes"],
    ]) {
      const { status, stderr } = await runDexter(["secret", ...args], { dir: node.folder.dir, input: "1" });
      assert.equal(status, 1);
      assert.match(stderr, /secrets have no effect in `dexter dev`; .* into \.dev\.vars\n$/);
    }
  });
});
