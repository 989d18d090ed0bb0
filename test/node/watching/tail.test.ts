/** `dexter tail`: what happens in a running node, as it happens. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { TailEvent } from "../../../scheduler/logs/tail-event.ts";
import { adminSocket } from "../../../scheduler/system/paths.ts";
import { COMMAND_FILE, runDexter } from "../../support/cli.ts";
import { cleanUp, startNode, type TestNode, temporaryFolder, until } from "../../support/node.ts";

const FUNCTIONS = {
  talks: `export default { fetch(request) {
    console.log("asked for", new URL(request.url).search, "\\u001b[2J");
    console.debug("for debugging");
    return new Response("hello");
  } };`,
  fails: `export default { fetch() {
    throw new TypeError("no good", { cause: new Error("the cause") });
  } };`,
};
const DIRECTIVES = { num_servers: 1, start_threads: 1, min_spare_threads: 1, max_spare_threads: 2 };

const start = (test: TestContext) => startNode(test, { functions: FUNCTIONS, directives: DIRECTIVES });

interface Following {
  stdout(): string;
  stderr(): string;
  events(): TailEvent[];
  interrupt(): void;
  /** The exit status. */
  readonly ended: Promise<number | null>;
}

/** Runs `dexter tail`; `reached` waits until it follows. */
function follow(test: TestContext, node: TestNode, ...args: string[]): Following {
  const child = spawn(process.execPath, [COMMAND_FILE, "tail", ...args], { cwd: node.folder.dir });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => (output[name] += text));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  cleanUp(test, () => {
    child.kill("SIGKILL");
    return ended;
  });
  return {
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    events: () =>
      output.stdout
        .split("\n")
        .slice(0, -1)
        .map((text) => JSON.parse(text) as TailEvent),
    interrupt: () => child.kill("SIGINT"),
    ended,
  };
}

/** Asks again and again until the follower has been told of one. */
async function reached(node: TestNode, follower: Following, path: string): Promise<void> {
  await until(`${path} is followed: ${follower.stderr()}`, async () => {
    await node.get(path);
    return follower.stdout().includes(path);
  });
}

describe("dexter tail --json", () => {
  it("tells requests, console lines of every level, and exceptions, with their ids and places", async (test) => {
    const node = await start(test);
    const follower = follow(test, node, "--json");
    await reached(node, follower, "/talks?first");
    const id = (await node.get("/talks?second")).headers["x-request-id"];
    const failed = (await node.get("/fails")).headers["x-request-id"];
    const of = (wanted: unknown) => follower.events().filter((event) => "id" in event && event.id === wanted);
    await until("both are told", () => of(id).length === 3 && of(failed).length === 2);
    const { version } = (await node.status()).functions.find(({ name }) => name === "talks")!;
    const [info, debug] = of(id).filter((event) => event.type === "console");
    assert.deepEqual(
      [
        info?.level,
        info?.message.split(" ?")[0],
        debug?.level,
        debug?.message,
        info?.function,
        info?.version,
        info?.server,
      ],
      ["info", "asked for", "debug", "for debugging", "talks", version, 0],
    );
    const told = of(id).find((event) => event.type === "request");
    assert.deepEqual(
      [told?.path, told?.status, told?.bytes, told?.version],
      ["/talks?second", 200, 5, version],
    );
    const exception = of(failed).find((event) => event.type === "exception");
    assert.match(
      exception!.text,
      /^TypeError: no good\n {4}at .*functions\/fails\.js:2:\d+\)\ncaused by: Error: the cause\n/,
    );
    assert.deepEqual(
      [exception?.function, exception?.method, exception?.path, exception?.status],
      ["fails", "GET", "/fails", 500],
    );
  });

  it("tells only what was asked for", async (test) => {
    const node = await start(test);
    const follower = follow(test, node, "fails", "--json", "--status", "5xx", "--search", "/fails?");
    await reached(node, follower, "/fails?this");
    await node.get("/talks?no");
    await node.get("/fails");
    await reached(node, follower, "/fails?that");
    for (const event of follower.events()) {
      assert.ok(event.type === "request" || event.type === "exception", event.type);
      assert.match(event.path!, /^\/fails\?th/);
    }
  });
});

describe("dexter tail", () => {
  it("shows a line for each, and lets no function command the terminal", async (test) => {
    const node = await start(test);
    const follower = follow(test, node);
    await reached(node, follower, "/talks?shown");
    await reached(node, follower, "/fails");
    await node.get("/nothing");
    await until("all is shown", () => follower.stdout().includes("/nothing"));
    const text = follower.stdout();
    assert.match(text, /^\d\d:\d\d:\d\d talks info asked for \?shown \\x1b\[2J {2}\S+$/m);
    assert.match(text, /^\d\d:\d\d:\d\d talks debug for debugging {2}\S+$/m);
    assert.match(
      text,
      /^\d\d:\d\d:\d\d talks 200 GET \S+\/talks\?shown {2}0\/\d+ {2}[\d.]+ ms {2}.*5 B {2}\S+$/m,
    );
    assert.match(
      text,
      /^\d\d:\d\d:\d\d fails exception TypeError: no good {2}GET \/fails {2}\S+\n {4}at .*fails\.js:2:/m,
    );
    assert.match(text, /^caused by: Error: the cause$/m);
    assert.match(text, /^\d\d:\d\d:\d\d 404 GET \S+\/nothing {2}[\d.]+ ms {2}\d+ B {2}\S+$/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f]/);
  });

  it("ends with Ctrl-C, in silence", async (test) => {
    const node = await start(test);
    const follower = follow(test, node);
    await reached(node, follower, "/talks?x");
    follower.interrupt();
    assert.equal(await follower.ended, 0);
    assert.equal(follower.stderr(), "following all functions; Ctrl-C ends it\n");
    assert.equal((await node.get("/talks")).status, 200);
  });

  it("ends with the node, after the last requests, and says so", async (test) => {
    const node = await start(test);
    const follower = follow(test, node);
    await reached(node, follower, "/talks?x");
    await node.get("/talks?last");
    await node.dexter.stop("SIGTERM");
    assert.equal(await follower.ended, 0);
    assert.equal(follower.stderr(), "following all functions; Ctrl-C ends it\ndexter has stopped\n");
    assert.match(follower.stdout(), /\/talks\?last/);
  });

  it("says so when the node is gone without a word", async (test) => {
    const node = await start(test);
    const follower = follow(test, node);
    await reached(node, follower, "/talks?x");
    await node.dexter.stop("SIGKILL");
    assert.equal(await follower.ended, 1);
    assert.match(
      follower.stderr(),
      /\ndexter: the connection to dexter at .*admin\.sock was lost; it may have ended\n$/,
    );
  });

  it("of a function that is not there is one clear error", async (test) => {
    const node = await start(test);
    const { status, stdout, stderr } = await runDexter(["tail", "nobody"], { dir: node.folder.dir });
    assert.deepEqual([status, stdout], [1, ""]);
    assert.equal(
      stderr,
      "dexter: the running dexter refused: there is no function nobody; `dexter status` lists the functions of the node\n",
    );
  });

  it("without a node is one clear error", async (test) => {
    const { dir } = await temporaryFolder(test);
    await writeFile(join(dir, "wrangler.toml"), 'compatibility_date = "2026-11-01"\n');
    const { status, stderr } = await runDexter(["tail"], { dir });
    assert.equal(status, 1);
    assert.match(stderr, /^dexter: no dexter runs here \(nobody answers at .*admin\.sock\); .*\n$/);
  });

  for (const [args, says] of [
    [["--status", "teapot"], /^dexter: --status must be a status such as 404/],
    [["--sample", "2"], /^dexter: --sample must be a share/],
    [["--method", "1"], /^dexter: --method must be a method/],
    [["a", "b"], /^dexter: too many arguments/],
  ] as const)
    it(`is bad usage: dexter tail ${args.join(" ")}`, async (test) => {
      const { dir } = await temporaryFolder(test);
      const { status, stdout, stderr } = await runDexter(["tail", ...args], { dir });
      assert.deepEqual([status, stdout], [2, ""]);
      assert.match(stderr, says);
    });
});

describe("a follower that does not read", () => {
  it("costs the node a bounded memory, is told what it has lost, and holds up neither requests nor the end", async (test) => {
    const node = await start(test);
    const call = request({
      socketPath: adminSocket(`${node.folder.dir}/.dexter`),
      path: "/tail?function=talks",
    });
    cleanUp(test, () => call.destroy());
    const answer = await new Promise<import("node:http").IncomingMessage>((resolve) =>
      call.on("response", resolve).end(),
    );
    answer.pause();
    const long = "x".repeat(8_000);
    for (let i = 0; i < 400; i++) assert.equal((await node.get(`/talks?${long}`)).status, 200);
    let text = "";
    answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    answer.resume();
    await until("it is told", () => text.includes('"type":"dropped"'));
    const stopped = node.dexter.stop("SIGTERM");
    assert.equal(await stopped, 0);
  });
});
