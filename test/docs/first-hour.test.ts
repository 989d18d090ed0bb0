/** docs/first-hour.md as it stands there: from the tarball to a rollback. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { processesIn } from "../support/cli.ts";
import { temporaryFolder } from "../support/node.ts";
import { cloneForPacking, layOut, npmPack, PACKAGE_VERSION, TARBALL } from "../support/packed.ts";
import { needs } from "../support/programs.ts";
import { Reader } from "../support/reader.ts";

/** What npm says where it reaches no registry, and its cache does not have all that is needed. */
const NO_REGISTRY = /ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT/;
const OTHER_TERMINAL = "node, in another terminal";

/** The version that a line says is live. */
function live(output: string, name = "hello"): string {
  const found = new RegExp(`^${name}: version ([0-9a-f]{16}) is live\\b`, "m").exec(output)?.[1];
  assert.ok(found, output);
  return found;
}

async function install(test: TestContext, reader: Reader, home: string): Promise<void> {
  const clone = await cloneForPacking();
  try {
    await npmPack(clone);
    await rename(join(clone.dir, TARBALL), join(home, TARBALL));
  } finally {
    await clone.remove();
  }
  const { output, failed } = await reader.shell("node").type(reader.next("node"));
  if (failed.length > 0 && NO_REGISTRY.test(output)) {
    test.diagnostic("npm reaches no registry: the packages that dexter needs are this clone's");
    await layOut(join(home, TARBALL), join(home, ".local/lib/node_modules"), join(home, ".local/bin"));
    return;
  }
  assert.deepEqual(failed, [], output);
  assert.ok(output.split("\n").includes(PACKAGE_VERSION), output);
}

async function start(reader: Reader): Promise<void> {
  const output = await reader.type("node");
  assert.match(output, /^\{"ready":true\}$/m);
  assert.match(output, /^no function is here yet: hand one over with `dexter deploy`$/m);

  const token = /^dexter_\S+$/m.exec(await reader.type("node"))?.[0];
  assert.ok(token);
  const laptop = reader.shell("laptop");
  const block = reader.next("laptop");
  const typed = laptop.type(block);
  laptop.paste(token);
  assert.deepEqual(await typed, { output: "", failed: [] });
}

/** @returns the first version of hello, and the one that is live */
async function deploy(reader: Reader): Promise<{ first: string; second: string }> {
  const deployed = await reader.type("laptop");
  const first = live(deployed);
  live(deployed, "index");
  assert.match(deployed, /^\{"message":"Hello, Ada!","method":"GET","path":"\/hello"\}$/m);

  const changed = await reader.type("laptop");
  const second = live(changed);
  assert.notEqual(second, first);
  assert.match(changed, /^index: version \S+ is live already; nothing has changed$/m);
  assert.match(changed, /^Hello again, without a key$/m);
  assert.match(changed, new RegExp(`^${second} +live .*by laptop$`, "m"));
  assert.match(changed, new RegExp(`^${first} {2,}\\d.*by laptop$`, "m"));
  assert.match(changed, /^dexter \d+, up \d+s.*: 2 requests, /m);
  return { first, second };
}

async function watch(reader: Reader): Promise<void> {
  assert.match(
    await reader.type("laptop"),
    /^hello: API_KEY is set, and new threads have it\nHello again, with a key$/m,
  );

  const other = reader.shell(OTHER_TERMINAL);
  const asked = async () => {
    await other.shows(/following hello; Ctrl-C ends it\n/);
    assert.match(await reader.type("laptop"), /^Hello again, with a key$/m);
    await other.shows(/somebody asks/);
    await other.shows(/ hello 200 GET \S+\/hello /);
    other.interrupt();
  };
  const [tail] = await Promise.all([other.type(reader.next(OTHER_TERMINAL)), asked()]);
  assert.deepEqual(tail.failed, []);

  const seen = await reader.type("node");
  assert.match(seen, /^\{"alive":true\}$/m);
  assert.match(seen, /^dexter_requests_total\{function="hello",status="2xx"\} 4$/m);
  assert.match(seen, /^\{"time":.*"path":"\/hello".*"status":200,/m);
}

async function failAndRollBack(reader: Reader, { first, second }: { first: string; second: string }) {
  const failed = await reader.type("laptop", /^1 dexter deploy /);
  assert.match(failed, /hello cannot be loaded: Error: not today\n {4}at functions\/hello\.ts:\d+:7$/m);
  assert.match(failed, /^Hello again, with a key$/m);

  const back = await reader.type("laptop");
  assert.match(back, new RegExp(`^hello: version ${first} is live again \\(before: ${second}\\)$`, "m"));
  assert.match(back, /^\{"message":"Hello, world!"/m);
  assert.match(back, new RegExp(`^hello +${first} `, "m"));
}

async function reloadAndStop(reader: Reader, home: string): Promise<void> {
  const output = await reader.type("node");
  assert.match(output, /^reloaded; the servers are being replaced$/m);
  assert.match(output, /^dexter \d+, .*generation 2\b/m);
  assert.match(output, /^stopped$/m);
  const log = await readFile(join(home, "edge/dexter.log"), "utf8");
  assert.match(log, /"msg":"the admin API refused a call: hello cannot be loaded: Error: not today"\}$/m);
  assert.deepEqual(processesIn(home), []);
  for (const left of ["dexter.lock", "dexter.pid", "admin.sock", "run"])
    assert.ok(!existsSync(join(home, "edge/.dexter", left)), `${left} stays behind`);
}

it("an operator's first hour goes as the page tells it", {
  skip: needs("bash", "curl", "npm"),
}, async (test) => {
  const { dir } = await temporaryFolder(test);
  const home = join(dir, "node");
  const reader = await Reader.begin(test, dir);
  await install(test, reader, home);
  await start(reader);
  const versions = await deploy(reader);
  await watch(reader);
  await failAndRollBack(reader, versions);
  await reloadAndStop(reader, home);
  assert.ok(reader.isAtEnd(), "the page goes on");
});
