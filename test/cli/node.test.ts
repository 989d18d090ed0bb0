/** The commands that ask a running node: status, reload, stop. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { request } from "node:http";
import { describe, it, type TestContext } from "node:test";
import { runDexter } from "../support/cli.ts";
import { answering, DATE, SMALL } from "../support/dev.ts";
import { type RunningDexter, startDexter } from "../support/dexter.ts";
import { type Folder, makeFolder } from "../support/function.ts";
import { cleanUp, httpGet, isAlive, until } from "../support/node.ts";

/** Answers when the request's body has ended. */
const HOLD = `export default { async fetch(request) {
  await request.text();
  return new Response("done");
} };\n`;
const FILES = {
  "wrangler.toml": `${DATE}${SMALL}`,
  "functions/a.js": answering("one"),
  "functions/hold.js": HOLD,
};

interface Running {
  readonly dexter: RunningDexter;
  readonly folder: Folder;
  run(...args: string[]): ReturnType<typeof runDexter>;
  text(path?: string): Promise<string>;
}

/** A request in progress, until `finish`. */
function hold(node: Running): { finish(): void; readonly answer: Promise<string> } {
  const call = request({ port: node.dexter.port, host: "127.0.0.1", path: "/hold?it=1", method: "POST" });
  // More than request_buffer: before, no thread is taken.
  call.write("x".repeat(100_000));
  const answer = new Promise<string>((resolve, reject) => {
    call.on("error", reject);
    call.on("response", async (response) => resolve((await response.toArray()).join("")));
  });
  return { finish: () => call.end(), answer };
}

async function running(test: TestContext): Promise<Running> {
  const folder = await makeFolder(FILES);
  cleanUp(test, () => folder.remove());
  const dexter = await startDexter({ dir: folder.dir });
  cleanUp(test, () => dexter.stop("SIGINT"));
  return {
    dexter,
    folder,
    run: (...args) => runDexter(args, { dir: folder.dir }),
    text: async (path = "/a") => (await httpGet(dexter.port, path)).text,
  };
}

describe("dexter status", () => {
  it("prints exactly the documented JSON", async (test) => {
    const node = await running(test);
    const held = hold(node);
    const status = await until("a thread is busy", async () => {
      const now = await node.dexter.status();
      return now.totals.busy === 1 ? now : undefined;
    });
    assert.deepEqual(Object.keys(status), [
      "pid",
      "uptimeSeconds",
      "restarts",
      "totals",
      "servers",
      "functions",
    ]);
    assert.equal(status.pid, node.dexter.pid);
    assert.deepEqual(Object.keys(status.totals), [
      "requests",
      "busy",
      "idle",
      "starting",
      "queued",
      "rejected",
    ]);
    const [server] = status.servers;
    assert.deepEqual(Object.keys(server), [
      "slot",
      "pid",
      "generation",
      "state",
      "requests",
      "rssBytes",
      "threads",
    ]);
    const thread = server.threads.find(({ state }: { state: string }) => state === "busy");
    const { serving, ...rest } = thread;
    assert.deepEqual(Object.keys(rest), [
      "slot",
      "state",
      "letter",
      "function",
      "version",
      "kind",
      "requests",
    ]);
    assert.equal(rest.letter, "W");
    assert.deepEqual(Object.keys(serving[0]), ["id", "method", "host", "path", "client", "seconds"]);
    assert.equal(serving[0].path, "/hold?it=1");
    assert.deepEqual(Object.keys(status.functions[0]), [
      "name",
      "version",
      "routes",
      "idle",
      "busy",
      "starting",
      "queued",
    ]);
    assert.deepEqual(
      status.functions.map(({ name }: { name: string }) => name),
      ["a", "hold"],
    );
    held.finish();
    assert.equal(await held.answer, "done");
  });

  it("is a table for people, without control sequences where no terminal is", async (test) => {
    const node = await running(test);
    const { status, stdout, stderr } = await node.run("status");
    assert.equal(status, 0);
    assert.equal(stderr, "");
    assert.match(stdout, /^dexter \d+, up \d+s, 0 restarts: 0 requests, /);
    assert.match(stdout, /^server +pid +gen\. +state +requests +memory +threads$/m);
    assert.match(stdout, /^a +[0-9a-f]{16} +\d .*a\.localhost\/\*, \*\/a\/\*$/m);
    assert.ok(!stdout.includes("\u001b"));
  });

  it("works with a project that would not start any more", async (test) => {
    const node = await running(test);
    for (const files of [
      { "functions/a.js": "}{" },
      { "functions/a/index.js": "", "wrangler.toml": `${DATE}${SMALL}routes = 3\nname = "Not a name"\n` },
      { "wrangler.toml": "[[[" },
    ]) {
      await node.folder.write(files);
      const { status, stdout, stderr } = await node.run("status", "--json");
      assert.equal(status, 0, stderr);
      assert.equal(JSON.parse(stdout).pid, node.dexter.pid);
    }
    const stopped = await node.run("stop");
    assert.equal(stopped.status, 0, stopped.stderr);
  });

  it("goes on with --watch until the node has gone", async (test) => {
    const node = await running(test);
    let lines = 0;
    const watching = runDexter(["status", "--watch", "--json"], {
      dir: node.folder.dir,
      onStdout: (text) => {
        lines = text.split("\n").length - 1;
      },
    });
    await until("it has been shown twice", () => lines >= 2);
    await node.run("stop");
    const { status, stdout, stderr } = await watching;
    const pids = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).pid);
    assert.ok(
      pids.every((pid) => pid === node.dexter.pid),
      stdout,
    );
    assert.equal(status, 1);
    assert.match(stderr, /^dexter: no dexter runs here/);
  });
});

describe("without a node", () => {
  for (const args of [["status"], ["status", "--json"], ["reload"], ["stop"], ["stop", "--now"]])
    it(`dexter ${args.join(" ")} says so, and exits with 1`, async (test) => {
      const folder = await makeFolder(FILES);
      test.after(() => folder.remove());
      const { status, stdout, stderr } = await runDexter(args, { dir: folder.dir });
      assert.equal(status, 1);
      assert.equal(stdout, "");
      assert.match(
        stderr,
        /^dexter: no dexter runs here \(nobody answers at .*\.dexter\/admin\.sock\); start one with `dexter start`(.*)\n$/,
      );
      // The others know no --node.
      assert.equal(stderr.includes(", or name a node with --node\n"), args[0] === "status");
    });
});

describe("dexter reload", () => {
  it("puts new code and configuration into force, in new servers", async (test) => {
    const node = await running(test);
    const [before] = (await node.dexter.status()).servers;
    await node.folder.write({ "functions/a.js": answering("two"), "functions/b.js": answering("new") });
    const { status, stdout } = await node.run("reload");
    assert.equal(status, 0);
    assert.equal(stdout, "reloaded; the servers are being replaced\n");
    assert.equal(await node.text(), "two");
    assert.equal(await node.text("/b"), "new");
    await until("the server has been replaced", async () => {
      const { servers } = await node.dexter.status();
      return servers.length === 1 && servers[0].pid !== before.pid && servers[0].generation === 2;
    });
    assert.equal(await node.text(), "two");
  });

  it("is refused with the reason when something is wrong, and nothing has changed then", async (test) => {
    const node = await running(test);
    const before = await node.dexter.status();
    for (const [files, reason] of [
      [
        { "wrangler.toml": `${DATE}${SMALL}num_server = 1\n` },
        /the running dexter refused: wrangler\.toml:7: dexter\.num_server: unknown key/,
      ],
      [
        { "wrangler.toml": `${DATE}${SMALL}pid_file = "x.pid"\n` },
        /pid_file: cannot change while dexter runs/,
      ],
      [{ "functions/a.js": "export default {", "functions/b.js": answering("b") }, /functions\/a\.js:1:17: /],
      [
        { "functions/a.js": "throw new Error('not today');\n" },
        /a cannot be loaded: Error: not today\n\s+at \S*functions\/a\.js:1:7/,
      ],
      [
        {
          "functions/a.js": answering("two"),
          "wrangler.toml": `${DATE}${SMALL}core_dump_directory = "none"\n`,
        },
        /core_dump_directory: \S*none is not a folder/,
      ],
    ] as const) {
      await node.folder.write({ ...FILES, ...files } as Record<string, string>);
      const { status, stdout, stderr } = await node.run("reload");
      assert.equal(status, 1);
      assert.equal(stdout, "");
      assert.match(stderr, reason);
      assert.equal(await node.text(), "one");
      const after = await node.dexter.status();
      assert.deepEqual(
        after.servers.map(({ pid }: { pid: number }) => pid),
        before.servers.map(({ pid }: { pid: number }) => pid),
      );
      assert.deepEqual(
        after.functions.map(({ name, version }: { name: string; version: string }) => [name, version]),
        before.functions.map(({ name, version }: { name: string; version: string }) => [name, version]),
      );
    }
    await node.folder.write({ ...FILES, "functions/a.js": answering("two") });
    assert.equal((await node.run("reload")).status, 0);
    assert.equal(await node.text(), "two");
  });
});

describe("dexter stop", () => {
  it("lets requests finish, shows the node meanwhile, and returns when it has gone", async (test) => {
    const node = await running(test);
    const held = hold(node);
    await until("it is served", async () => (await node.dexter.status()).totals.busy === 1);
    const stopping = node.run("stop");
    await until("it is stopping", () => /stopping after the requests in progress/.test(node.dexter.output()));
    assert.equal((await node.dexter.status()).totals.busy, 1);
    held.finish();
    assert.equal(await held.answer, "done");
    assert.deepEqual(await stopping, { status: 0, stdout: "stopped\n", stderr: "" });
    assert.ok(!isAlive(node.dexter.pid));
    assert.ok(!existsSync(`${node.folder.dir}/.dexter/dexter.lock`));
  });

  it("--now does not wait for them, and hurries a stop that does", async (test) => {
    const node = await running(test);
    const answer = hold(node).answer.catch((error: Error) => error);
    await until("it is served", async () => (await node.dexter.status()).totals.busy === 1);
    const patient = node.run("stop");
    await until("it is stopping", () => /stopping after the requests in progress/.test(node.dexter.output()));
    const { status, stdout } = await node.run("stop", "--now");
    assert.equal(status, 0);
    assert.equal(stdout, "stopped\n");
    assert.equal((await patient).status, 0);
    assert.ok((await answer) instanceof Error);
    assert.equal(await node.dexter.stop(), 0);
  });
});
