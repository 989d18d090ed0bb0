/** The store on disk: what it refuses to serve, and what it serves instead. */
import assert from "node:assert/strict";
import { chmod, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { describe, it, type TestContext } from "node:test";
import { Store } from "../../scheduler/deploy/store.ts";
import { DexterError } from "../../scheduler/errors.ts";
import { writeDurably } from "../../scheduler/system/durable.ts";
import { runDexter } from "../support/cli.ts";
import { adminCall, deployPackage, says } from "../support/deploy.ts";
import { startNode, temporaryFolder } from "../support/node.ts";

const DIRECTIVES = { num_servers: 2, start_threads: 1, min_spare_threads: 1 };

async function storeOf(test: TestContext) {
  const { dir } = await temporaryFolder(test);
  const store = new Store(dir);
  const add = async (text: string) => {
    const given = says("hello", text);
    await store.add(given);
    const at = new Date().toISOString();
    await store.point("hello", { action: "deploy", version: given.version.id, at, by: "test" });
    return given.version.id;
  };
  const file = (id: string) => `${dir}/store/hello/versions/${id}.json`;
  return { dir, store, add, file };
}

const code = (wanted: string) => (error: unknown) => error instanceof DexterError && error.code === wanted;

describe("a store that is opened", () => {
  it("has no functions left whose first deploy or delete was cut short", async (test) => {
    const { dir, store, add } = await storeOf(test);
    await add("one");
    await store.add(says("half", "half"));
    await store.open();
    assert.deepEqual(await readdir(`${dir}/store`), ["hello"]);
  });

  it("may be absent, but is an error that names it when it is a file", async (test) => {
    const { dir, store } = await storeOf(test);
    await store.open();
    await writeFile(`${dir}/store`, "x");
    await assert.rejects(store.open(), ({ code, message }: DexterError) => {
      assert.equal(code, "DATA_DIR");
      assert.equal(
        message,
        `${dir}/store: cannot be used: a file is in the way; remove it, or name another place`,
      );
      return true;
    });
  });
});

describe("a stored version", () => {
  it("is read as it was stored", async (test) => {
    const { store, add } = await storeOf(test);
    const id = await add("one");
    assert.deepEqual(await store.read("hello", id), says("hello", "one"));
  });

  it("can be read by its owner only", async (test) => {
    const { add, file, dir } = await storeOf(test);
    const id = await add("one");
    assert.equal((await stat(file(id))).mode & 0o777, 0o600);
    assert.equal((await stat(`${dir}/store`)).mode & 0o777, 0o700);
  });

  const damages: Record<string, (file: string) => Promise<void>> = {
    "one bit is another": async (file) => {
      const bytes = await readFile(file);
      bytes[bytes.length >> 1]! ^= 1;
      await writeFile(file, bytes);
    },
    "its end is missing": async (file) => truncate(file, (await stat(file)).size - 1),
    "it is empty": (file) => truncate(file, 0),
    "something was added": (file) => writeFile(file, " ", { flag: "a" }),
    "its first line is missing": async (file) =>
      writeFile(file, (await readFile(file, "utf8")).replace(/^.*\n/, "")),
    "it is a link": async (file) => {
      await rename(file, `${file}.elsewhere`);
      await symlink(`${file}.elsewhere`, file);
    },
  };
  for (const [what, damage] of Object.entries(damages)) {
    it(`is refused by name when ${what}`, async (test) => {
      const { store, add, file } = await storeOf(test);
      const id = await add("one");
      await damage(file(id));
      await assert.rejects(store.read("hello", id), (error: Error) => {
        assert.ok(code("VERSION_DAMAGED")(error), error.message);
        assert.ok(error.message.includes(id) && error.message.includes(file(id)), error.message);
        return true;
      });
    });
  }

  it("is refused under the name of another", async (test) => {
    const { store, add, file } = await storeOf(test);
    const one = await add("one");
    const two = await add("two");
    await rename(file(one), file(two));
    await assert.rejects(store.read("hello", two), code("VERSION_DAMAGED"));
  });

  it("that is damaged is made whole by the same deploy", async (test) => {
    const { store, add, file } = await storeOf(test);
    const id = await add("one");
    await truncate(file(id), 10);
    await add("one");
    assert.deepEqual(await store.read("hello", id), says("hello", "one"));
  });

  it("stays when others are pruned, as long as it was live last", async (test) => {
    const { store, add } = await storeOf(test);
    const ids: string[] = [];
    for (const text of ["one", "two", "three", "four"]) ids.push(await add(text));
    const at = new Date().toISOString();
    await store.point("hello", { action: "rollback", version: ids[0]!, at, by: "test" });
    await store.prune("hello", 2);
    const left = (await store.versions("hello")).map(({ id }) => id);
    assert.deepEqual(left.sort(), [ids[0]!, ids[3]!].sort());
  });
});

describe("names that lead out of the store", () => {
  for (const name of ["..", "../x", "a/b", "", "A", "a\0", ".", "-a", "a".repeat(64)])
    it(`are none of a function: ${JSON.stringify(name)}`, async (test) => {
      const { store } = await storeOf(test);
      await assert.rejects(store.read(name, "0123456789abcdef"), code("NO_DEPLOYED"));
    });
  for (const id of ["..", "../../x", "", "0123456789ABCDEF", "0123456789abcdef0", "0123456789abcde\0"])
    it(`are none of a version: ${JSON.stringify(id)}`, async (test) => {
      const { store, add } = await storeOf(test);
      await add("one");
      await assert.rejects(store.read("hello", id), code("NO_VERSION"));
    });
});

describe("writeDurably", () => {
  it("leaves the old content, and nothing beside it, when it cannot write", async (test) => {
    const { dir } = await temporaryFolder(test);
    await writeDurably(`${dir}/file`, "old");
    // A folder is in the way of the new content.
    await rm(`${dir}/file`);
    await writeDurably(`${dir}/file`, "old");
    await assert.rejects(writeDurably(`${dir}/none/file`, "new"), code("STORE_FAILED"));
    assert.equal(await readFile(`${dir}/file`, "utf8"), "old");
    assert.deepEqual(await readdir(dir), ["file"]);
  });
});

describe("a store that is a file", () => {
  it("is a failure of the node for a deploy, and what was live serves on", async (test) => {
    const functions = { hello: 'export default { fetch: () => new Response("own") };' };
    const node = await startNode(test, { functions, directives: DIRECTIVES });
    await writeFile(`${node.folder.dir}/.dexter/store`, "in the way");
    const { status, stderr } = await runDexter(["deploy"], { dir: node.folder.dir });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^dexter: the running dexter failed: .*store\/hello\/versions: cannot be written: /m,
    );
    const told = node.log().filter(({ msg }) => msg.startsWith("a call of the admin API failed: "));
    assert.deepEqual(
      told.map(({ level }) => level),
      [50],
      node.dexter.output(),
    );
    assert.equal((await node.get("/hello")).text, "own");
  });
});

describe("a node whose store is damaged", () => {
  it("serves the last good version, and names the damaged one", async (test) => {
    const folder = await temporaryFolder(test);
    const before = await startNode(test, { functions: {}, directives: DIRECTIVES, folder });
    await deployPackage(before, says("hello", "one"));
    const { version } = await deployPackage(before, says("hello", "two"));
    await deployPackage(before, says("other", "other"));
    await before.dexter.stop();
    await truncate(`${folder.dir}/.dexter/store/hello/versions/${version}.json`, 100);
    const after = await startNode(test, { functions: {}, directives: DIRECTIVES, folder });
    assert.equal((await after.get("/hello")).text, "one");
    assert.equal((await after.get("/other")).text, "other");
    const said = after.log().map(({ msg }) => msg);
    assert.ok(
      said.some((msg) => msg.includes(`version ${version} is damaged`)),
      said.join("\n"),
    );
    assert.ok(
      said.some((msg) => /the last good version serves/.test(msg)),
      said.join("\n"),
    );
    const body = JSON.stringify({ version });
    assert.equal((await adminCall(after, "POST", "/functions/hello/rollback", { body })).status, 500);
    await deployPackage(after, says("hello", "two"));
    assert.equal((await after.get("/hello")).text, "two");
  });

  it("serves the last good version when the pointer is damaged", async (test) => {
    const folder = await temporaryFolder(test);
    const before = await startNode(test, { functions: {}, directives: DIRECTIVES, folder });
    await deployPackage(before, says("hello", "one"));
    await before.dexter.stop();
    await writeFile(`${folder.dir}/.dexter/store/hello/live.json`, "{");
    const after = await startNode(test, { functions: {}, directives: DIRECTIVES, folder });
    assert.equal((await after.get("/hello")).text, "one");
  });

  it("clears away what a write that was cut short has left", async (test) => {
    const folder = await temporaryFolder(test);
    const before = await startNode(test, { functions: {}, directives: DIRECTIVES, folder });
    await deployPackage(before, says("hello", "one"));
    await before.dexter.stop();
    const versions = `${folder.dir}/.dexter/store/hello/versions`;
    await writeFile(`${versions}/0123456789abcdef.json.7-1.tmp`, "half");
    await startNode(test, { functions: {}, directives: DIRECTIVES, folder });
    assert.equal((await readdir(versions)).length, 1);
  });

  it("says so, and serves the others, when no good version is left", async (test) => {
    const folder = await temporaryFolder(test);
    const before = await startNode(test, { functions: {}, directives: DIRECTIVES, folder });
    const { version } = await deployPackage(before, says("hello", "one"));
    await deployPackage(before, says("other", "other"));
    await before.dexter.stop();
    await chmod(`${folder.dir}/.dexter/store/hello/versions/${version}.json`, 0o600);
    await truncate(`${folder.dir}/.dexter/store/hello/versions/${version}.json`, 0);
    const after = await startNode(test, { functions: {}, directives: DIRECTIVES, folder });
    assert.equal((await after.get("/other")).text, "other");
    assert.equal((await after.get("/hello")).status, 404);
    assert.ok(after.log().some(({ msg }) => /hello: no good version is left/.test(msg)));
    assert.equal((await adminCall(after, "DELETE", "/functions/hello")).status, 200);
  });
});
