/** `dexter token`, and the admin API over TCP, as an operator meets them. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { readAnswer } from "../support/answer.ts";
import { runDexter } from "../support/cli.ts";
import { answering, DATE, SMALL } from "../support/dev.ts";
import { type RunningDexter, startDexter } from "../support/dexter.ts";
import { makeFolder } from "../support/function.ts";
import { RawConnection } from "../support/http.ts";
import { cleanUp, httpGet, temporaryFolder, until } from "../support/node.ts";

const TOKEN = /^dexter_[0-9a-f]{12}_[\w-]{51}\n$/;
const toml = (...lines: string[]) => `${DATE}${SMALL}${lines.join("\n")}\n`;

async function running(test: TestContext, settings = 'admin_listen = "127.0.0.1:0"') {
  const folder = await makeFolder({
    "wrangler.toml": toml(settings),
    "functions/a.js": answering("one"),
    "functions/c.js": answering("other"),
  });
  cleanUp(test, () => folder.remove());
  const dexter = await startDexter({ dir: folder.dir });
  cleanUp(test, () => dexter.stop("SIGINT"));
  const run = (...args: string[]) => runDexter(args, { dir: folder.dir });
  return { dexter, folder, run, token: (...args: string[]) => run("token", ...args) };
}

/** The port that the log named last. */
function adminPort(dexter: RunningDexter): number {
  const ports = [...dexter.output().matchAll(/the admin API is on http:\/\/127\.0\.0\.1:(\d+)"/g)];
  return Number(ports.at(-1)?.[1]);
}

async function ask(port: number, token: string | undefined, path = "/status", method = "GET") {
  const connection = await RawConnection.open(port);
  try {
    const headers = token === undefined ? [] : ([["Authorization", `Bearer ${token.trim()}`]] as const);
    await connection.send({ method, path, headers });
    return await readAnswer(connection, method);
  } finally {
    connection.destroy();
  }
}

describe("dexter token", () => {
  it("makes one that opens the API, lists it, and takes it back at once", async (test) => {
    const { dexter, folder, token } = await running(test);
    const port = adminPort(dexter);
    const made = await token("create", "ops", "--scope", "admin");
    assert.equal(made.status, 0, made.stderr);
    assert.match(made.stdout, TOKEN);
    assert.equal(
      made.stderr,
      "ops: scope admin, never expires; this is the only time that the token is shown\n",
    );
    const answer = await ask(port, made.stdout);
    assert.equal(answer.status, 200);
    assert.equal(JSON.parse(answer.text).pid, dexter.pid);
    const listed = await token("list");
    assert.match(listed.stdout, /^name +id +scope +functions +created +expires +last used\n/);
    assert.match(listed.stdout, /^ops +[0-9a-f]{12} +admin +all +\S+ \S+ UTC +never +\S+ \S+ UTC$/m);
    const revoked = await token("revoke", "ops");
    assert.match(revoked.stdout, /^revoked ops \([0-9a-f]{12}\)\n$/);
    assert.equal((await ask(port, made.stdout)).status, 401);
    assert.equal((await token("list")).stdout, "no tokens; create one with `dexter token create`\n");
    const secret = made.stdout.slice("dexter_012345678901_".length, -9);
    for (const text of [dexter.output(), readFileSync(join(folder.dir, ".dexter/tokens.json"), "utf8")])
      assert(!text.includes(secret));
    assert.match(dexter.output(), /"by":"local","msg":"the token ops \([0-9a-f]{12}\) was created"/);
    assert.match(
      dexter.output(),
      /"call":"GET \/status","address":"127\.0\.0\.1","msg":"the admin API refused/,
    );
  });

  it("prints JSON, takes functions and an expiry, and revokes by id", async (test) => {
    const { token } = await running(test);
    const args = ["--scope", "deploy", "--function", "a", "--function", "b", "--expires", "12h"];
    const made = await token("create", "ci", ...args, "--json");
    assert.equal(made.stderr, "");
    const { token: text, ...info } = JSON.parse(made.stdout);
    assert.match(`${text}\n`, TOKEN);
    assert.deepEqual(info.functions, ["a", "b"]);
    assert.equal(Date.parse(info.expiresAt) - Date.parse(info.createdAt), 12 * 3_600_000);
    assert.deepEqual(JSON.parse((await token("list", "--json")).stdout), [info]);
    assert.equal((await token("revoke", info.id)).stdout, `revoked ci (${info.id})\n`);
  });

  it("keeps tokens over a restart of the node, in a file of the owner's", async (test) => {
    const { dexter, folder, token } = await running(test);
    const made = await token("create", "ops", "--scope", "read");
    assert.equal(await dexter.stop("SIGTERM"), 0);
    const file = join(folder.dir, ".dexter/tokens.json");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const again = await startDexter({ dir: folder.dir });
    cleanUp(test, () => again.stop("SIGINT"));
    assert.equal(statSync(join(folder.dir, ".dexter/admin.sock")).mode & 0o777, 0o600);
    assert.equal((await ask(adminPort(again), made.stdout)).status, 200);
    assert.equal((await ask(adminPort(again), made.stdout, "/reload", "POST")).status, 403);
  });

  for (const [args, says] of [
    [["create", "ci"], /^dexter: required option '--scope <scope>' not specified/],
    [["create", "--scope", "read"], /^dexter: missing required argument 'name'/],
    [["create", "ci", "--scope", "root"], /argument 'root' is invalid\. Allowed choices are read, deploy/],
    [["create", "c i", "--scope", "read"], /^dexter: <name> must be letters, digits/],
    [["create", "ci", "--scope", "read", "--expires", "1y"], /^dexter: --expires must be a time from now/],
    [["create", "ci", "--scope", "read", "--expires", "never"], /^dexter: --expires must be a time from now/],
    [["create", "ci", "--scope", "read", "--function", "A"], /^dexter: --function must be lower-case/],
    [["create", "ci", "--scope", "admin", "--function", "a"], /^dexter: --function must be left out/],
    [["revoke"], /^dexter: missing required argument 'name\|id'/],
    [["steal"], /^dexter: unknown command 'steal'/],
    [[], /^Usage: dexter token /],
  ] as const)
    it(`exits with 2 and advice: dexter token ${args.join(" ")}`, async (test) => {
      const { dir } = await temporaryFolder(test);
      const { status, stdout, stderr } = await runDexter(["token", ...args], { dir });
      assert.equal(status, 2);
      assert.equal(stdout, "");
      assert.match(stderr, says);
    });

  it("says what the node refuses", async (test) => {
    const { token } = await running(test);
    await token("create", "ci", "--scope", "read");
    for (const [args, says] of [
      [["create", "ci", "--scope", "admin"], /refused: there is a token ci already; choose another name/],
      [["revoke", "../status"], /refused: there is no token \.\.\/status; `dexter token list`/],
    ] as const) {
      const { status, stdout, stderr } = await token(...args);
      assert.equal(status, 1);
      assert.equal(stdout, "");
      assert.match(stderr, says);
    }
  });

  for (const args of [["create", "ci", "--scope", "read"], ["list"], ["revoke", "ci"]])
    it(`without a node, dexter token ${args[0]} says so, and exits with 1`, async (test) => {
      const folder = await makeFolder({ "wrangler.toml": DATE, "functions/a.js": answering("one") });
      cleanUp(test, () => folder.remove());
      const { status, stdout, stderr } = await runDexter(["token", ...args], { dir: folder.dir });
      assert.equal(status, 1);
      assert.equal(stdout, "");
      assert.match(stderr, /^dexter: no dexter runs here \(nobody answers at .*; start one with/);
    });
});

describe("a token for one function", () => {
  it("deploys it from elsewhere, and sees and touches no other", async (test) => {
    const { dexter, token } = await running(test);
    const { stdout } = await token("create", "ci", "--scope", "deploy", "--function", "a");
    const elsewhere = await makeFolder({
      "wrangler.toml": DATE,
      "functions/a.js": answering("deployed"),
      "functions/b.js": answering("not mine"),
    });
    cleanUp(test, () => elsewhere.remove());
    const node = `http://127.0.0.1:${adminPort(dexter)}`;
    const run = (...args: string[]) =>
      runDexter([...args, "--node", node], { dir: elsewhere.dir, env: { DEXTER_TOKEN: stdout.trim() } });
    const deployed = await run("deploy", "--function", "a");
    assert.equal(deployed.status, 0, deployed.stderr);
    assert.equal((await httpGet(dexter.port, "/a")).text, "deployed");
    const refused = await run("deploy", "--function", "b");
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /ci may not do this on b: it needs the scope deploy/);
    const { functions, servers } = JSON.parse((await run("status", "--json")).stdout);
    assert.deepEqual(
      functions.map(({ name }: { name: string }) => name),
      ["a"],
    );
    for (const { threads } of servers)
      assert(threads.every((thread: { function: string }) => thread.function === "a"));
    assert.deepEqual((await dexter.status()).functions.map(({ name }: { name: string }) => name).sort(), [
      "a",
      "c",
    ]);
    assert.match((await run("token", "list")).stderr, /it needs the scope admin/);
  });

  it("may be made and revoked from elsewhere by who has an admin token", async (test) => {
    const { dexter, folder, token } = await running(test);
    const { stdout } = await token("create", "ops", "--scope", "admin");
    const args = ["--node", `http://127.0.0.1:${adminPort(dexter)}`, "--token-file", "token.txt"];
    await folder.write({ "token.txt": stdout });
    const made = await token("create", "ci", "--scope", "read", ...args);
    assert.match(made.stdout, TOKEN);
    const revoked = JSON.parse((await token("revoke", "ci", "--json", ...args)).stdout);
    assert.equal(revoked.name, "ci");
    assert.match(dexter.output(), /"by":"ops","msg":"the token ci \([0-9a-f]{12}\) was revoked"/);
    writeFileSync(join(folder.dir, "token.txt"), made.stdout);
    const { status, stderr } = await token("list", ...args);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^dexter: the running dexter refused: the token [0-9a-f]{12} was revoked, or was made by another node/,
    );
  });
});

describe("a node", () => {
  it("does not start with tokens that are damaged, and opens nothing", async (test) => {
    const folder = await makeFolder({
      "wrangler.toml": toml('admin_listen = "127.0.0.1:0"'),
      "functions/a.js": answering("one"),
      ".dexter/tokens.json": '{"format":1,"tok',
    });
    cleanUp(test, () => folder.remove());
    const { status, stdout, stderr } = await runDexter(["start"], { dir: folder.dir });
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /^dexter: \S*tokens\.json: it is damaged; restore it, or remove it [^\n]*\n$/);
    for (const left of ["admin.sock", "dexter.lock"]) assert(!existsSync(join(folder.dir, ".dexter", left)));
  });

  it("opens and closes the admin API's port by a reload, and knows new names of its own", async (test) => {
    const { dexter, folder, run, token } = await running(test, "");
    assert.equal(Number.isNaN(adminPort(dexter)), true);
    const { stdout } = await token("create", "ops", "--scope", "admin");
    writeFileSync(
      join(folder.dir, "wrangler.toml"),
      toml('admin_listen = "127.0.0.1:0"', 'admin_hosts = ["node.example"]'),
    );
    assert.equal((await run("reload")).status, 0);
    const port = adminPort(dexter);
    const connection = await RawConnection.open(port);
    cleanUp(test, () => connection.destroy());
    const headers = [["Authorization", `Bearer ${stdout.trim()}`]] as const;
    await connection.send({ path: "/status", host: "node.example", headers });
    assert.equal((await readAnswer(connection)).status, 200);
    // Over the port that this closes: the answer comes all the same.
    writeFileSync(join(folder.dir, "wrangler.toml"), toml());
    assert.equal((await ask(port, stdout, "/reload", "POST")).status, 200);
    await assert.rejects(RawConnection.open(port), /ECONNREFUSED/);
  });

  it("refuses a reload whose admin port is in use, and stays as it is", async (test) => {
    const { dexter, folder, run } = await running(test);
    writeFileSync(join(folder.dir, "wrangler.toml"), toml(`admin_listen = ${dexter.port}`));
    const { status, stderr } = await run("reload");
    assert.equal(status, 1);
    assert.match(stderr, /in use by another program; choose another with --set admin_listen=<address>/);
    assert.equal((await ask(adminPort(dexter), undefined)).status, 401);
  });

  it("stops when it is told to over TCP, and answers first", async (test) => {
    const { dexter, token } = await running(test);
    const { stdout } = await token("create", "ops", "--scope", "admin");
    assert.equal((await ask(adminPort(dexter), stdout, "/stop", "POST")).status, 202);
    await until("it has stopped", () => !existsSync(join(dexter.dir, ".dexter/dexter.lock")));
    assert.equal(await dexter.stop(), 0);
  });
});
