/** Secrets on disk: encrypted each for its place, with a key that nobody else may read. */
import assert from "node:assert/strict";
import { chmod, copyFile, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { readKey } from "../../scheduler/secrets/key-file.ts";
import { seal, unseal } from "../../scheduler/secrets/sealed.ts";
import { isSecretName, SecretStore, type Secrets } from "../../scheduler/secrets/store.ts";
import { temporaryFolder } from "../support/folder.ts";

const AT = "2026-11-25T12:00:00.000Z";

function secretsOf(values: Record<string, string>): Secrets {
  return new Map(
    Object.entries(values).map(([name, value]) => [name, { value, updatedAt: AT, by: "local" }]),
  );
}

async function makeStore(test: TestContext) {
  const { dir } = await temporaryFolder(test);
  const keyFile = join(dir, "secret.key");
  const file = (name: string) => join(dir, "secrets", `${name}.json`);
  return { dir, keyFile, file, store: new SecretStore(dir, keyFile) };
}

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

/** The file with one field of its first secret, or of itself, replaced. */
async function edit(file: string, change: (content: Record<string, unknown>) => void): Promise<void> {
  const content = JSON.parse(await readFile(file, "utf8"));
  change(content);
  await writeFile(file, JSON.stringify(content));
}

describe("the store of secrets", () => {
  it("gives back what was kept, in files that only their owner can read", async (test) => {
    const { dir, keyFile, file, store } = await makeStore(test);
    const secrets = secretsOf({ TOKEN: "value-one", TEXT: 'ünï\n\0"\\' });
    await store.write("hello", secrets);
    assert.deepEqual(await new SecretStore(dir, keyFile).read("hello"), secrets);
    assert.deepEqual(await store.read("other"), new Map());
    assert.equal(await modeOf(keyFile), 0o600);
    assert.equal(await modeOf(file("hello")), 0o600);
    assert.equal(await modeOf(join(dir, "secrets")), 0o700);
    const text = await readFile(file("hello"), "utf8");
    assert.ok(text.includes("TOKEN"));
    assert.ok(!text.includes("value-one"));
    assert.ok(!text.includes(Buffer.from("value-one").toString("base64")));
  });

  it("encrypts the same value otherwise each time", async (test) => {
    const { file, store } = await makeStore(test);
    const sealed = new Set<string>();
    for (let time = 0; time < 3; time++) {
      await store.write("hello", secretsOf({ A: "same", B: "same" }));
      for (const secret of JSON.parse(await readFile(file("hello"), "utf8")).secrets)
        sealed.add(secret.sealed);
    }
    assert.equal(sealed.size, 6);
  });

  it("removes the file with the last secret", async (test) => {
    const { dir, store } = await makeStore(test);
    await store.write("hello", secretsOf({ A: "1" }));
    await store.write("hello", new Map());
    assert.deepEqual(await readdir(join(dir, "secrets")), []);
    assert.deepEqual(await store.read("hello"), new Map());
  });

  it("refuses a file that was another function's", async (test) => {
    const { file, store } = await makeStore(test);
    await store.write("hello", secretsOf({ A: "1" }));
    await copyFile(file("hello"), file("other"));
    await assert.rejects(
      store.read("other"),
      /the secrets of other.*other\.json holds the secrets of "hello"/,
    );
    await edit(file("other"), (content) => {
      content.function = "other";
    });
    await assert.rejects(store.read("other"), /other\.json holds a changed value for A/);
  });

  it("refuses a value that was another secret's, or was changed", async (test) => {
    const { file, store } = await makeStore(test);
    const secrets = secretsOf({ A: "1", B: "2" });
    type Stored = { sealed: string; name: string }[];
    const changes: Record<string, (stored: Stored) => void> = {
      exchanged: ([a, b]) => ([a!.sealed, b!.sealed] = [b!.sealed, a!.sealed]),
      renamed: ([a]) => (a!.name = "C"),
      cut: ([a]) => (a!.sealed = a!.sealed.slice(0, 4)),
      emptied: ([a]) => (a!.sealed = ""),
    };
    for (const change of Object.values(changes)) {
      await store.write("hello", secrets);
      await edit(file("hello"), (content) => change(content.secrets as Stored));
      await assert.rejects(store.read("hello"), /holds a changed value for [AC]; put a good copy back/);
    }
    await store.write("hello", secrets);
    const { sealed } = JSON.parse(await readFile(file("hello"), "utf8")).secrets[0];
    for (let at = 0; at < Buffer.from(sealed, "base64").length; at++) {
      const bytes = Buffer.from(sealed, "base64");
      bytes[at]! ^= 1;
      await edit(file("hello"), (content) => {
        (content.secrets as Stored)[0]!.sealed = bytes.toString("base64");
      });
      await assert.rejects(store.read("hello"), /holds a changed value for A/, `byte ${at}`);
    }
  });

  it("refuses what is no file of secrets", async (test) => {
    const { file, store } = await makeStore(test);
    await store.write("hello", secretsOf({ A: "1" }));
    const whole = await readFile(file("hello"), "utf8");
    const twisted = whole.replace('"A"', '"__proto__"');
    for (const text of ["", "[]", whole.slice(0, -10), whole.replace(": 1,", ": 2,"), twisted]) {
      await writeFile(file("hello"), text);
      await assert.rejects(store.read("hello"), /hello\.json is not a file of secrets; put a good copy back/);
    }
  });

  it("makes no path of a name that is none", async (test) => {
    const { store } = await makeStore(test);
    for (const name of ["../hello", "a/b", "", ".", "Hello", "a\0"])
      await assert.rejects(store.read(name), /the function's name must be lower-case letters/);
  });
});

describe("the key of secrets", () => {
  const kept = async (test: TestContext) => {
    const made = await makeStore(test);
    await made.store.write("hello", secretsOf({ A: "1" }));
    return made;
  };

  it("may be 32 bytes or their base64", async (test) => {
    const { keyFile, store } = await kept(test);
    const key = await readKey(keyFile);
    await writeFile(keyFile, key!);
    assert.equal((await store.read("hello")).get("A")?.value, "1");
    await writeFile(keyFile, `${key!.toString("base64")}\r\n`);
    assert.equal((await store.read("hello")).get("A")?.value, "1");
  });

  it("of another length is refused", async (test) => {
    const { keyFile, store } = await kept(test);
    for (const content of ["", "x".repeat(31), "x".repeat(33), Buffer.alloc(16).toString("base64")]) {
      await writeFile(keyFile, content);
      await assert.rejects(store.read("hello"), /secret\.key, must hold 32 bytes, as they are or in base64/);
      await assert.rejects(store.write("hello", secretsOf({ A: "2" })), /must hold 32 bytes/);
    }
  });

  it("that others may read is refused", async (test) => {
    const { keyFile, store } = await kept(test);
    for (const mode of [0o640, 0o604, 0o620, 0o644]) {
      await chmod(keyFile, mode);
      const says = new RegExp(
        `secret\\.key, is open to others \\(mode ${mode.toString(8)}\\); run \`chmod 600\``,
      );
      await assert.rejects(store.read("hello"), says);
      await assert.rejects(store.write("hello", secretsOf({ A: "2" })), says);
    }
    await chmod(keyFile, 0o400);
    assert.equal((await store.read("hello")).get("A")?.value, "1");
  });

  it("that is another one is refused, and told from a damaged value", async (test) => {
    const { keyFile, store } = await kept(test);
    await writeFile(keyFile, Buffer.alloc(32, 7));
    await assert.rejects(
      store.read("hello"),
      /the secrets of hello cannot be read.*secret\.key, is another key than secrets were encrypted with; put that one back; then run `dexter reload`/,
    );
  });

  it("that is missing is not made anew while something is encrypted with it", async (test) => {
    const { keyFile, store } = await kept(test);
    await rm(keyFile);
    await assert.rejects(store.read("hello"), /secret\.key, is missing, and secrets were encrypted with it/);
    await assert.rejects(store.write("other", secretsOf({ A: "1" })), /is missing/);
    await store.remove("hello");
    await store.write("other", secretsOf({ A: "1" }));
    assert.equal((await store.read("other")).get("A")?.value, "1");
  });

  it("that is a folder is refused", async (test) => {
    const { dir } = await makeStore(test);
    await assert.rejects(new SecretStore(dir, dir).write("hello", secretsOf({ A: "1" })), /is not a file/);
  });
});

describe("a sealed value", () => {
  const key = Buffer.alloc(32, 1);
  const place = { functionName: "hello", name: "A" };

  it("opens with its key and in its place only", () => {
    const sealed = seal(key, place, "value");
    assert.equal(unseal(key, place, sealed), "value");
    assert.equal(unseal(Buffer.alloc(32, 2), place, sealed), undefined);
    assert.equal(unseal(key, { ...place, name: "B" }, sealed), undefined);
    assert.equal(unseal(key, { ...place, functionName: "other" }, sealed), undefined);
  });
});

describe("the name of a secret", () => {
  it("is one that code can write, and no property of every object", () => {
    for (const name of ["A", "_", "api_token2", "a".repeat(128)]) assert.ok(isSecretName(name), name);
    const bad = ["", "2A", "A-B", "A.B", "Ä", "A=1", "A\n", "a".repeat(129), "__proto__", "constructor"];
    for (const name of [...bad, "toString", "hasOwnProperty"]) assert.ok(!isSecretName(name), name);
  });
});
