/** The tokens on disk: what is kept of them, that a crash leaves them whole, and what is done about damage. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { RateLimit } from "../../scheduler/admin/rate-limit.ts";
import { TokenStore } from "../../scheduler/admin/token-store.ts";
import { idIn, makeToken, withoutTokens } from "../../scheduler/admin/token-text.ts";
import { cleanUp, temporaryFolder, until } from "../support/node.ts";

async function opened(path: string): Promise<TokenStore> {
  const store = new TokenStore(path);
  await store.open();
  return store;
}

async function storeIn(test: TestContext) {
  const { dir } = await temporaryFolder(test);
  const path = join(dir, "tokens.json");
  return { dir, path, store: await opened(path) };
}

describe("a token store", () => {
  it("keeps tokens over a restart, and of each no more than a digest", async (test) => {
    const { path, store } = await storeIn(test);
    assert(!existsSync(path), "a node without tokens has no file");
    const { token } = await store.create({ name: "ci", scope: "deploy", functions: ["a"] });
    await store.create({ name: "op", scope: "admin", expires: 1_000 });
    const text = readFileSync(path, "utf8");
    const secret = token.slice("dexter_012345678901_".length, -8);
    assert.equal(secret.length, 43);
    for (const part of [token, secret, secret.slice(0, 20), token.slice(-8)]) assert(!text.includes(part));
    const again = await opened(path);
    assert.deepEqual(again.list(), store.list());
    assert.deepEqual(again.verify(token), {
      tokenId: idIn(token),
      name: "ci",
      scope: "deploy",
      functions: ["a"],
    });
    await again.revoke("ci");
    assert.throws(() => again.verify(token), { code: "TOKEN_UNKNOWN" });
    const third = await opened(path);
    assert.throws(() => third.verify(token), { code: "TOKEN_UNKNOWN" });
  });

  it("lets only the owner read the file, whatever a crash left beside it", async (test) => {
    const { dir, path, store } = await storeIn(test);
    writeFileSync(`${path}.123-4.tmp`, "half", { mode: 0o666 });
    writeFileSync(`${dir}/other.tmp`, "not ours");
    await store.open();
    await store.create({ name: "a", scope: "read" });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(dir).sort(), ["other.tmp", "tokens.json"]);
  });

  it("changes nothing when the file cannot be written", async (test) => {
    const { dir, path, store } = await storeIn(test);
    const { token, info } = await store.create({ name: "a", scope: "read" });
    // A file name that is too long stops even root.
    const far = new TokenStore(join(dir, "x".repeat(250)));
    await assert.rejects(far.create({ name: "b", scope: "read" }), { code: "STORE_FAILED" });
    assert.deepEqual(far.list(), []);
    // A folder in the way stops even root.
    rmSync(path);
    mkdirSync(path);
    await assert.rejects(store.create({ name: "b", scope: "read" }), { code: "STORE_FAILED" });
    await assert.rejects(store.revoke("a"), { code: "STORE_FAILED" });
    assert.deepEqual(store.list(), [info]);
    assert.equal(store.verify(token).name, "a");
    assert.deepEqual(readdirSync(dir), ["tokens.json"]);
  });

  it("makes changes one after the other, and loses none", async (test) => {
    const { path, store } = await storeIn(test);
    const names = Array.from({ length: 20 }, (_, count) => `t${count}`);
    const made = names.map((name) => store.create({ name, scope: "read" }));
    const revoked = store.revoke("t3");
    await assert.rejects(store.create({ name: "t4", scope: "read" }), { code: "TOKEN_EXISTS" });
    await Promise.all([...made, revoked]);
    const left = names.filter((name) => name !== "t3");
    assert.deepEqual(
      (await opened(path)).list().map(({ name }) => name),
      left,
    );
  });

  it("expires a token to the millisecond", async (test) => {
    const { dir } = await temporaryFolder(test);
    let nowMs = Date.UTC(2026, 0, 1);
    const store = new TokenStore(join(dir, "tokens.json"), () => nowMs);
    const { token } = await store.create({ name: "a", scope: "read", expires: 60_000 });
    nowMs += 59_999;
    assert.equal(store.verify(token).expiresInMs, 1);
    assert.equal(store.list()[0]!.expired, false);
    nowMs += 1;
    assert.throws(() => store.verify(token), /the token a expired at 2026-01-01T00:01:00\.000Z/);
    assert.equal(store.list()[0]!.expired, true);
  });

  it("remembers when a right token was shown, and not a wrong one", async (test) => {
    const { store } = await storeIn(test);
    const { token } = await store.create({ name: "a", scope: "read" });
    assert.throws(() => store.verify(makeToken().token));
    assert.equal(store.list()[0]!.lastUsedAt, undefined);
    store.verify(token);
    assert.match(store.list()[0]!.lastUsedAt ?? "", /^\d{4}-.*Z$/);
  });

  it("has all that it told of, and is whole, whenever it is killed", async (test) => {
    const { dir, path } = await storeIn(test);
    const source = (file: string) =>
      pathToFileURL(join(import.meta.dirname, "../../scheduler/admin", file)).href;
    writeFileSync(
      join(dir, "make.mts"),
      `import { TokenStore } from ${JSON.stringify(source("token-store.ts"))};
       const store = new TokenStore(${JSON.stringify(path)});
       await store.open();
       for (let count = 0; ; count++) {
         console.log((await store.create({ name: "t" + count, scope: "read" })).token);
         if (count % 3 === 2) await store.revoke("t" + (count - 1));
       }`,
    );
    for (const least of [1, 7, 20]) {
      writeFileSync(path, '{"format":1,"tokens":[]}', { mode: 0o600 });
      const child = spawn(process.execPath, ["--import", "tsx", join(dir, "make.mts")], {
        cwd: join(import.meta.dirname, "../.."),
        stdio: ["ignore", "pipe", "inherit"],
      });
      cleanUp(test, () => child.kill("SIGKILL"));
      let told = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (told += text));
      const closed = new Promise((resolve) => child.on("close", resolve));
      await until("some were made", () => told.split("\n").length > least, 30_000);
      child.kill("SIGKILL");
      await closed;
      const store = await opened(path);
      const tokens = told.split("\n").slice(0, -1);
      // The last may have been taken back, before or after it was told.
      for (const [count, token] of tokens.entries())
        if (count % 3 !== 1) assert.equal(store.verify(token).name, `t${count}`);
    }
  });
});

describe("a tokens file", () => {
  const RECORD = {
    id: "0123456789ab",
    name: "a",
    scope: "read",
    createdAt: "2026-01-01T00:00:00.000Z",
    digest: "0".repeat(64),
  };
  const file = (...tokens: object[]) => JSON.stringify({ format: 1, tokens });

  for (const [title, text] of [
    ["that is empty", ""],
    ["that was cut", file(RECORD).slice(0, -10)],
    ["of zeros", "\0".repeat(100)],
    ["of another format", JSON.stringify({ format: 2, tokens: [] })],
    ["that is a list", "[]"],
    ["with a digest that is too short", file({ ...RECORD, digest: "00" })],
    ["with a scope that is none", file({ ...RECORD, scope: "root" })],
    ["with a token for no function", file({ ...RECORD, functions: [] })],
    ["with a time that is none", file({ ...RECORD, expiresAt: "never" })],
    ["with a field that is not known", file({ ...RECORD, admin: true })],
    ["with a name twice", file(RECORD, { ...RECORD, id: "0123456789ac" })],
    ["with an id twice", file(RECORD, { ...RECORD, name: "b" })],
  ] as const)
    it(`${title} is refused by name, and stays as it is`, async (test) => {
      const { path } = await storeIn(test);
      writeFileSync(path, text, { mode: 0o600 });
      await assert.rejects(opened(path), {
        code: "TOKENS_UNUSABLE",
        message: /tokens\.json: it is damaged; restore it, or remove it and create the tokens again/,
      });
      assert.equal(readFileSync(path, "utf8"), text);
    });

  it("that others may write is refused", async (test) => {
    const { path } = await storeIn(test);
    writeFileSync(path, file(RECORD));
    chmodSync(path, 0o620);
    await assert.rejects(opened(path), /tokens\.json: other users may write it; .*chmod 600/);
    chmodSync(path, 0o640);
    assert.equal((await opened(path)).list().length, 1);
  });

  it("that cannot be read is refused with the reason", async (test) => {
    const { path } = await storeIn(test);
    mkdirSync(path);
    await assert.rejects(opened(path), /tokens\.json: cannot be read: it is a folder/);
  });
});

describe("a token", () => {
  it("is never the same, and holds its id", () => {
    const made = Array.from({ length: 200 }, makeToken);
    assert.equal(new Set(made.map(({ token }) => token)).size, made.length);
    for (const { id, token } of made) {
      assert.match(token, /^dexter_[0-9a-f]{12}_[\w-]{51}$/);
      assert.equal(idIn(token), id);
    }
  });

  it("with any one letter changed, added or left out is no token", () => {
    const { token } = makeToken();
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === "a" ? "b" : "a";
      for (const changed of [
        token.slice(0, at) + other + token.slice(at + 1),
        token.slice(0, at) + token.slice(at + 1),
        `${token.slice(0, at)}a${token.slice(at)}`,
      ])
        if (changed !== token) assert.equal(idIn(changed), undefined, changed);
    }
  });

  it("is left out of what is shown, as is most of one", () => {
    const { token } = makeToken();
    for (const part of [token, token.slice(0, 30)])
      assert.equal(withoutTokens(`no call /x/${part}?y`), "no call /x/dexter_…?y");
  });
});

describe("a rate limit", () => {
  it("remembers no more keys than it may, and forgets the oldest", () => {
    const limit = new RateLimit({ most: 1, windowMs: 1_000, keys: 3 });
    for (const key of ["a", "b", "c"]) assert.equal(limit.take(key, 0), 0);
    assert.equal(limit.take("a", 400), 600);
    assert.equal(limit.take("d", 500), 0);
    assert.equal(limit.size, 3);
    assert.equal(limit.take("b", 500), 500);
    assert.equal(limit.take("a", 500), 0, "it was the oldest");
    assert.equal(limit.size, 3);
  });

  it("forgets keys whose time is over", () => {
    const limit = new RateLimit({ most: 1, windowMs: 1_000 });
    for (let key = 0; key < 100; key++) limit.take(`${key}`, key);
    assert.equal(limit.size, 100);
    limit.take("new", 1_050);
    assert.equal(limit.size, 50);
  });
});
