/** What `dexter start`, `check` and `init` print, and how a start is interrupted. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { describe, it } from "node:test";
import { COMMAND_FILE, processesIn, runDexter } from "../support/cli.ts";
import { answering, DATE, SMALL } from "../support/dev.ts";
import { startDexter } from "../support/dexter.ts";
import { makeFolder } from "../support/function.ts";
import { cleanUp, httpGet, until } from "../support/node.ts";

describe("dexter dev", () => {
  it("prints the functions with their URLs and where to look further, without control sequences", async (test) => {
    const folder = await makeFolder({
      "wrangler.toml": `${DATE}${SMALL}`,
      "functions/index.js": answering("index"),
      "functions/hello.js": answering("hello"),
      "functions/api/wrangler.toml": 'main = "x.js"\nroutes = ["example.com/api/*", "*/v1/*"]\n',
      "functions/api/x.js": answering("api"),
    });
    cleanUp(test, () => folder.remove());
    for (const env of [{}, { CI: "true" }, { NO_COLOR: "1" }]) {
      const dexter = await startDexter({
        command: "dev",
        dir: folder.dir,
        env: { ...env, npm_execpath: "" },
      });
      await dexter.stop("SIGINT");
      const { port, url } = dexter;
      const lines = dexter
        .output()
        .split("\n")
        // The log.
        .filter((line) => !/^\d\d:\d\d:\d\d /.test(line));
      assert.deepEqual(
        lines.map((line) => line.trim().replace(/ {2,}/g, "  ")),
        [
          "",
          "function  url  answers at",
          `api  http://example.com:${port}/api/  example.com/api/*, */v1/*`,
          `hello  ${url}/hello  hello.localhost/*, */hello/*`,
          `index  ${url}/  index.localhost/*, */index/*, */*`,
          "",
          `dexter is ready on ${url}`,
          "state of servers and threads: dexter status (--watch)",
          "",
          "",
        ],
      );
      assert.ok(!dexter.output().includes("\u001b"));
    }
  });
});

describe("dexter start", () => {
  it("gives up cleanly when it is interrupted before it is ready", async (test) => {
    const folder = await makeFolder({
      "wrangler.toml": `${DATE}main = "a.js"\n[build]\ncommand = "touch building; sleep 60"\n${SMALL}`,
      "a.js": answering("a"),
    });
    test.after(() => folder.remove());
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const child = spawn(process.execPath, [COMMAND_FILE, "start"], { cwd: folder.dir, stdio: "ignore" });
      const exit = once(child, "exit");
      await until("it builds", () => existsSync(`${folder.dir}/building`));
      child.kill(signal);
      assert.deepEqual(await exit, [0, null]);
      assert.ok(!existsSync(`${folder.dir}/.dexter/dexter.lock`));
      await until("no process is left", () => processesIn(folder.dir).length === 0);
      await folder.write({ "a.js": answering("a") });
      rmSync(`${folder.dir}/building`);
    }
  });
});

describe("dexter check", () => {
  const GOOD = { "wrangler.toml": `${DATE}unheard_of = 1\n${SMALL}`, "functions/a.js": answering("a") };

  it("prints the functions of a good project, and its warnings to stderr", async (test) => {
    const folder = await makeFolder(GOOD);
    test.after(() => folder.remove());
    const { status, stdout, stderr } = await runDexter(["check"], { dir: folder.dir });
    assert.equal(status, 0);
    assert.match(
      stdout,
      /^function +version +size +answers at\na +[0-9a-f]{16} +0\.\d KB +a\.localhost\/\*, \*\/a\/\*\n\nconfiguration and bundles are good\n$/,
    );
    assert.match(stderr, /^warning: wrangler\.toml:2: unheard_of: .*\n$/);
    assert.deepEqual(existsSync(`${folder.dir}/.dexter`), false, "it starts nothing and writes nothing");
  });

  it("prints the same as JSON", async (test) => {
    const folder = await makeFolder(GOOD);
    test.after(() => folder.remove());
    const good = await runDexter(["check", "--json"], { dir: folder.dir });
    const result = JSON.parse(good.stdout);
    assert.equal(good.status, 0);
    assert.deepEqual(Object.keys(result), ["ok", "warnings", "functions"]);
    assert.deepEqual([result.ok, result.warnings.length], [true, 1]);
    assert.deepEqual(Object.keys(result.functions[0]), ["name", "routes", "version", "bytes"]);

    await folder.write({ "functions/b.js": "}" });
    const bad = await runDexter(["check", "--json"], { dir: folder.dir });
    assert.equal(bad.status, 1);
    const [a, b] = JSON.parse(bad.stdout).functions;
    assert.equal(JSON.parse(bad.stdout).ok, false);
    assert.deepEqual([a.name, a.error, b.name], ["a", undefined, "b"]);
    assert.match(b.error, /functions\/b\.js:1:1: Unexpected "}"/);
    assert.match(bad.stderr, /^dexter: functions\/b\.js:1:1/m);

    await folder.write({ "wrangler.toml": "x" });
    const broken = await runDexter(["check", "--json"], { dir: folder.dir });
    assert.equal(broken.status, 1);
    assert.match(JSON.parse(broken.stdout).error, /^wrangler\.toml:1:/);
  });
});

describe("dexter init", () => {
  it("makes a project that is good and that dexter dev serves", async (test) => {
    const folder = await makeFolder();
    cleanUp(test, () => folder.remove());
    const { status, stdout } = await runDexter(["init", "my-site"], { dir: folder.dir });
    assert.equal(status, 0);
    assert.match(stdout, /cd my-site && .*dexter dev\n/);
    const dir = `${folder.dir}/my-site`;
    const checked = await runDexter(["check"], { dir });
    assert.deepEqual([checked.status, checked.stderr], [0, ""]);
    const dexter = await startDexter({ dir, command: "dev", args: ["--set", "num_servers=1"] });
    cleanUp(test, () => dexter.stop("SIGINT"));
    assert.equal((await httpGet(dexter.port, "/")).status, 200);
    assert.equal((await httpGet(dexter.port, "/hello")).status, 200);

    const again = await runDexter(["init", "my-site"], { dir: folder.dir });
    assert.equal(again.status, 1);
    assert.match(again.stderr, /^dexter: .*my-site is not empty: .*; choose another folder, or pass --force/);
  });
});
