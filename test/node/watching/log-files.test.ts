/** The files of the logs: opened afresh by a reload, so that they can be rotated; trouble with them harms no request. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { runDexter } from "../../support/cli.ts";
import { startDexter } from "../../support/dexter.ts";
import {
  cleanUp,
  constantLoad,
  httpGet,
  type LogLine,
  startNode,
  type TestNode,
  temporaryFolder,
  until,
  writeProject,
} from "../../support/node.ts";

const SAYS = `export default { fetch(request) {
  if (request.url.includes("?")) console.log("said", new URL(request.url).search);
  return new Response("hello");
} };`;
const DIRECTIVES = { num_servers: 1, start_threads: 1, min_spare_threads: 1, max_spare_threads: 2 };
const LOGS = { access_log: "access.log", error_log: "error.log" };

const start = (test: TestContext, directives: object = LOGS) =>
  startNode(test, { functions: { says: SAYS }, directives: { ...DIRECTIVES, ...directives } });

function lines<T = Record<string, unknown>>(node: TestNode, name: string): T[] {
  const path = join(node.folder.dir, name);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((text) => JSON.parse(text) as T);
}

const errors = (node: TestNode, name = "error.log") => lines<LogLine>(node, name);
const reload = (node: TestNode) => runDexter(["reload"], { dir: node.folder.dir });

describe("rotated logs", () => {
  for (const [title, ask] of [
    ["by dexter reload", reload],
    ["by SIGUSR1", (node: TestNode) => void node.dexter.stop("SIGUSR1")],
    ["by SIGHUP", (node: TestNode) => void node.dexter.stop("SIGHUP")],
  ] as const)
    it(`lose no line, nor have one twice: ${title}, under load`, async (test) => {
      const node = await start(test);
      const load = constantLoad(test, node, "/says", 8);
      await until("requests are logged", () => lines(node, "access.log").length > 100);
      for (const name of ["access", "error"])
        renameSync(join(node.folder.dir, `${name}.log`), join(node.folder.dir, `${name}.1`));
      await ask(node);
      await until("the new file has lines", () => lines(node, "access.log").length > 100);
      await until("the new server is logged", () =>
        errors(node).some(({ msg }) => msg === "server is ready"),
      );
      await load.stop();
      await node.dexter.stop("SIGTERM");
      assert.deepEqual(load.errors, []);
      const logged = ["access.1", "access.log"].flatMap((name) =>
        lines(node, name).map(({ id }) => String(id)),
      );
      const answered = load.answers.map(({ headers }) => String(headers["x-request-id"]));
      assert.deepEqual(logged.sort(), answered.sort());
      assert.ok(lines(node, "access.1").length > 100);
      assert.ok(errors(node, "error.1").some(({ msg }) => msg === "server is ready"));
    });

  it("are taken up although the project has become wrong, which is said", async (test) => {
    const node = await start(test);
    await node.folder.write({ "functions/says.js": "export default {" });
    renameSync(join(node.folder.dir, "access.log"), join(node.folder.dir, "access.1"));
    const { status, stderr } = await reload(node);
    assert.equal(status, 1);
    assert.match(stderr, /says/);
    await node.get("/says");
    await until("the new file has the line", () => lines(node, "access.log").length === 1);
  });
});

describe("a log file that cannot be opened", () => {
  it("at a reload is one clear error, and the old one stays in use until it can", async (test) => {
    const node = await start(test);
    const path = join(node.folder.dir, "access.log");
    renameSync(path, join(node.folder.dir, "access.1"));
    mkdirSync(path);
    const { status, stderr } = await reload(node);
    assert.equal(status, 1);
    assert.match(stderr, /^dexter: .*access_log: .*access\.log cannot be written: it is a folder; .*\n$/);
    await node.get("/says");
    await until("the old file has the line", () => lines(node, "access.1").length === 1);
    rmdirSync(path);
    assert.equal((await reload(node)).status, 0);
    await node.get("/says");
    await until("the new file has the line", () => lines(node, "access.log").length === 1);
  });

  it("does not keep a reload from naming another", async (test) => {
    const node = await start(test);
    const path = join(node.folder.dir, "error.log");
    renameSync(path, join(node.folder.dir, "error.1"));
    mkdirSync(path);
    const directives = { ...DIRECTIVES, access_log: "other.log" };
    await writeProject({ functions: { says: SAYS }, directives }, node.folder);
    assert.equal((await reload(node)).status, 0);
    await node.get("/says");
    await until("the other file has the line", () => lines(node, "other.log").length === 1);
    await until("the log is on stderr", () => node.log().some(({ msg }) => msg === "server is ready"));
  });
});

describe("a full disk", () => {
  const FULL = "/dev/full";
  const skip = existsSync(FULL) ? false : "this system has no /dev/full";

  it("under the access log harms no request, and is said once", { skip }, async (test) => {
    const node = await start(test, { access_log: FULL });
    const said = () => node.log().filter(({ msg }) => msg.includes("access_log"));
    const load = constantLoad(test, node, "/says", 4);
    await until("it is said", () => said().length > 0);
    const before = load.answers.length;
    await until("requests are answered", () => load.answers.length > before + 500);
    await load.stop();
    assert.deepEqual(load.errors, []);
    assert.ok(load.answers.every(({ status }) => status === 200));
    assert.deepEqual(
      said().map(({ level, msg }) => [level, msg]),
      [
        [
          50,
          `access_log: ${FULL} cannot be written: no space is left there; requests are served, their lines are dropped`,
        ],
      ],
    );
    assert.equal(await node.dexter.stop("SIGTERM"), 0);
  });

  it("under the error log moves the log to stderr", { skip }, async (test) => {
    const node = await start(test, { error_log: FULL });
    await node.get("/says?this");
    await until("it is there", () => node.log().some(({ msg }) => msg === "said ?this"));
    assert.equal(node.dexter.output().match(/"msg":"error_log: .*no space is left there/gm)?.length, 1);
  });
});

describe("error_log", () => {
  it("takes the whole log, and leaves stderr empty", async (test) => {
    const node = await start(test);
    await node.get("/says?that");
    await until("it is there", () => errors(node).some(({ msg }) => msg === "said ?that"));
    // That dexter is ready is said on stdout.
    assert.deepEqual(
      node.log().map(({ msg }) => msg),
      [`dexter is ready on ${node.dexter.url}`],
    );
    await node.dexter.stop("SIGTERM");
    assert.ok(errors(node).some(({ msg }) => msg === "stopping after the requests in progress"));
  });

  it("has JSON in dexter dev, which says the same on the terminal", async (test) => {
    const folder = await temporaryFolder(test);
    const directives = { ...DIRECTIVES, error_log: "error.log" };
    await writeProject({ functions: { says: SAYS }, directives }, folder);
    const dexter = await startDexter({ dir: folder.dir, command: "dev" });
    cleanUp(test, () => dexter.stop("SIGINT"));
    await httpGet(dexter.port, "/says?both");
    await until("the terminal has it", () => dexter.output().includes("says: said ?both"));
    const entries = readFileSync(join(folder.dir, "error.log"), "utf8").split("\n").slice(0, -1);
    assert.ok(entries.map((text) => JSON.parse(text) as LogLine).some(({ msg }) => msg === "said ?both"));
  });
});
