/** Uploads that are wrong: each is refused with its reason, and what was live goes on serving. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { type FunctionPackage, pack } from "../../scheduler/versions/package.ts";
import { adminCall, deployPackage, makePackage, says, socketOf } from "../support/deploy.ts";
import { startNode, until } from "../support/node.ts";

interface Bad {
  readonly body: Buffer | string;
  readonly headers?: Record<string, string>;
  readonly path?: string;
  readonly status: number;
  readonly says: RegExp;
}

const PATH = "/functions/hello/versions";
const good = says("hello", "new");
const zipped = (text: string) => gzipSync(text);

/** The package as JSON with one thing changed. */
function edited(change: (json: Record<string, unknown>) => void, from: FunctionPackage = good): Buffer {
  const json = JSON.parse(pack(from)) as Record<string, unknown>;
  change(json);
  return zipped(JSON.stringify(json));
}

const moduleNamed = (name: string) => ({
  body: zipped(
    pack(
      makePackage("hello", "export default {};", {
        modules: { "index.js": { js: "" }, [name]: { text: "x" } },
      }),
    ),
  ),
  status: 400,
  says: /is no name for a module/,
});

const CASES: Record<string, Bad> = {
  "nothing at all": { body: "", status: 400, says: /not gzip, or not whole/ },
  "not gzip": { body: "hello", status: 400, says: /not gzip, or not whole/ },
  "gzip that is cut off": { body: zipped(pack(good)).subarray(0, 200), status: 400, says: /not whole/ },
  "gzip whose checksum is wrong": {
    body: (() => {
      const bytes = zipped(pack(good));
      bytes[bytes.length - 5]! ^= 1;
      return bytes;
    })(),
    status: 400,
    says: /not gzip, or not whole/,
  },
  "gzip of nothing": { body: zipped(""), status: 400, says: /not JSON/ },
  "JSON that is cut off": { body: zipped(pack(good).slice(0, -10)), status: 400, says: /not JSON/ },
  "JSON that is no object": { body: zipped("[1]"), status: 400, says: /no version of a function/ },
  "a format of another time": {
    body: edited((json) => (json.format = 2)),
    status: 400,
    says: /format: must be 1/,
  },
  "a key that nobody knows": { body: edited((json) => (json.extra = 1)), status: 400, says: /extra/ },
  "no modules": { body: edited((json) => delete json.modules), status: 400, says: /modules/ },
  "no such main module": {
    body: edited((json) => (json.mainModule = "main.js")),
    status: 400,
    says: /there is no module "main\.js"/,
  },
  "a module of no kind": {
    body: edited((json) => (json.modules = { "index.js": { ruby: "x" } })),
    status: 400,
    says: /modules › index\.js/,
  },
  "a module of two kinds": {
    body: edited((json) => (json.modules = { "index.js": { js: "", text: "" } })),
    status: 400,
    says: /modules › index\.js/,
  },
  "base64 that is none": {
    body: edited((json) => (json.modules = { "index.js": { wasmBase64: "%%%" } })),
    status: 400,
    says: /modules › index\.js/,
  },
  "a module name that goes up": moduleNamed("../up.txt"),
  "a module name that goes up in the middle": moduleNamed("a/../../up.txt"),
  "an absolute module name": moduleNamed("/etc/passwd"),
  "a module name with NUL": moduleNamed("a\0.txt"),
  "a module name with a backslash": moduleNamed("..\\up.txt"),
  "a module name with an empty part": moduleNamed("a//b.txt"),
  "a module name that is dexter's own": moduleNamed("dexter-prelude.js"),
  "an empty module name": moduleNamed(""),
  "a module name without end": moduleNamed("x".repeat(600)),
  "a prototype among the modules": {
    body: zipped(pack(good).replace('"modules":{', '"modules":{"__proto__":{"js":""},')),
    status: 400,
    says: /__proto__/,
  },
  "a prototype among the variables": {
    body: zipped(pack(good).replace('"env":{', '"env":{"__proto__":{"a":1}')),
    status: 400,
    says: /__proto__/,
  },
  "too many modules": {
    body: edited((json) => {
      json.modules = Object.fromEntries(
        Array.from({ length: 10_001 }, (_, i) => [`m${i}.txt`, { text: "" }]),
      );
    }),
    status: 400,
    says: /more than 10000 modules/,
  },
  "another content than its id says": {
    body: edited((json) => (json.modules = { "index.js": { js: "export default {}" } })),
    status: 400,
    says: /was changed on its way/,
  },
  "an id of another kind": {
    body: edited((json) => (json.id = "latest")),
    status: 400,
    says: /id: must be 16/,
  },
  "an id that leads elsewhere": {
    body: edited((json) => (json.id = "../../../../x")),
    status: 400,
    says: /id: must be 16/,
  },
  "a digest that is not the body's": {
    body: zipped(pack(good)),
    headers: { "content-digest": `sha-256=:${createHash("sha256").update("other").digest("base64")}:` },
    status: 400,
    says: /was changed on its way/,
  },
  "another function's package": {
    body: zipped(pack(says("other", "new"))),
    status: 400,
    says: /it is of other, not of hello/,
  },
  "a name that is no DNS label": {
    body: edited((json) => (json.name = "Hello_World")),
    status: 400,
    says: /name: must be a DNS label/,
  },
  "a name in the path that is no DNS label": {
    body: zipped(pack(good)),
    path: "/functions/..%2f..%2fetc/versions",
    status: 400,
    says: /it is of hello, not of/,
  },
  "a compatibility date that is none": {
    body: edited((json) => (json.compatibilityDate = "2026-02-30")),
    status: 400,
    says: /compatibilityDate/,
  },
  "a compatibility date of the future": {
    body: zipped(pack(makePackage("hello", "export default {};", { compatibilityDate: "2099-01-01" }))),
    status: 422,
    says: /compatibility date/i,
  },
  "a compatibility flag that nobody knows": {
    body: zipped(pack(makePackage("hello", "export default {};", { compatibilityFlags: ["nonesuch"] }))),
    status: 422,
    says: /workerd knows no flag "nonesuch"/,
  },
  "a route that is none": {
    body: edited((json) => (json.routes = ["a.test/*/b"])),
    status: 400,
    says: /routes › 0/,
  },
  "a route that another function has": {
    body: zipped(pack(says("hello", "new", { routes: ["owned.test/*"] }))),
    status: 409,
    says: /belongs to owner/,
  },
  "thread settings that cannot be": {
    body: edited((json) => (json.threads = { ...(json.threads as object), maxSpareThreads: 0 })),
    status: 400,
    says: /threads › maxSpareThreads/,
  },
  "a health path that is none": {
    body: edited((json) => (json.healthPath = "health")),
    status: 400,
    says: /healthPath: must begin with \//,
  },
  "code that does not parse": {
    body: zipped(pack(makePackage("hello", "export default {"))),
    status: 422,
    says: /hello cannot be loaded: SyntaxError/,
  },
  "code without a handler": {
    body: zipped(pack(makePackage("hello", "export default {};"))),
    status: 422,
    says: /no fetch\(\) handler/,
  },
  "an import of what is not there": {
    body: zipped(pack(makePackage("hello", "import './none.js'; export default {};"))),
    status: 422,
    says: /none\.js/,
  },
  "an archive of nothing but parts": {
    body: zipped(`{"a":[${"[],".repeat(5 << 20)}[]]}`),
    status: 400,
    says: /more parts than a version has/,
  },
  "an archive of nothing but texts": {
    body: zipped(`{"a":[${'"",'.repeat(400_000)}""]}`),
    status: 400,
    says: /more parts than a version has/,
  },
  "a source map that names a file of the node": {
    body: zipped(
      pack(
        makePackage("hello", "throw new Error('boom');", {
          sourceMap: '{"version":3,"sources":["/etc/passwd"],"names":[],"mappings":"AAAA"}',
        }),
      ),
    ),
    status: 422,
    says: /^(?![\s\S]*root:)[\s\S]*boom/,
  },
  "an answer to the health path that pretends to be an exception": {
    body: zipped(
      pack(
        makePackage(
          "hello",
          "export default { fetch: () => new Response('no JSON', { status: 500, headers: { 'x-dexter-exception': '1' } }) };",
          { healthPath: "/" },
        ),
      ),
    ),
    status: 422,
    says: /failed its health check/,
  },
  "an answer to the health path without end": {
    body: zipped(
      pack(
        makePackage(
          "hello",
          `export default { fetch: () => new Response(new ReadableStream({
            pull(controller) { controller.enqueue(new Uint8Array(65536).fill(120)); }
          }), { status: 503 }) };`,
          { healthPath: "/" },
        ),
      ),
    ),
    status: 422,
    says: /failed its health check: GET \/ was answered with 503: x/,
  },
  "an archive that grows": {
    body: zipped("\0".repeat(140 << 20)),
    status: 413,
    says: /more than 128 MiB when unpacked/,
  },
};

test("bad uploads", async (all) => {
  const node = await startNode(all, {
    functions: {},
    directives: { num_servers: 2, start_threads: 1, min_spare_threads: 1 },
  });
  await deployPackage(node, says("hello", "good", { routes: ["*/hello"] }));
  await deployPackage(node, says("owner", "owner", { routes: ["owned.test/*"] }));

  for (const [what, bad] of Object.entries(CASES)) {
    await all.test(`are refused: ${what}`, async () => {
      const { body, headers = {}, path = PATH } = bad;
      const answer = await adminCall(node, "POST", path, { body, headers });
      assert.equal(answer.status, bad.status, JSON.stringify(answer.body));
      assert.match(answer.body.error, bad.says);
      assert.ok(
        !/\n\s+at .*(scheduler|node_modules|node:)/.test(answer.body.error),
        "no stack of dexter's own",
      );
      assert.equal((await node.get("/hello")).text, "good");
    });
  }

  await all.test("are refused: an upload that is too big, before it is sent", async (test) => {
    const socket = connect(socketOf(node).socketPath);
    test.after(() => socket.destroy());
    socket.write(`POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: ${(64 << 20) + 1}\r\n\r\nbegin`);
    let answer = "";
    socket.on("data", (piece) => (answer += String(piece)));
    await until("it is answered", () => answer.includes("at most 64 MiB"));
    assert.match(answer, /^HTTP\/1\.1 413 /);
  });

  await all.test("are given up and logged when their client goes in the middle", async (test) => {
    const socket = connect(socketOf(node).socketPath);
    test.after(() => socket.destroy());
    const refusals = () =>
      node.log().filter(({ msg }) => /the admin API (?:refused a call|failed)/.test(msg)).length;
    const earlier = refusals();
    const body = zipped(pack(good));
    socket.write(`POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
    socket.write(body.subarray(0, body.length - 1));
    socket.end();
    await until("the node has given it up", () => refusals() > earlier);
    assert.equal((await node.get("/hello")).text, "good");
  });

  for (const [what, body, status] of [
    ["a body that is not JSON", "{", 400],
    ["other keys", '{"to":"x"}', 400],
    ["a version that is no text", '{"version":1}', 400],
    ["a version that leads elsewhere", '{"version":"../../x"}', 404],
    ["a version that is not kept", '{"version":"fedcba9876543210"}', 404],
  ] as const) {
    await all.test(`are followed by a rollback that is refused: ${what}`, async () => {
      const answer = await adminCall(node, "POST", "/functions/hello/rollback", { body });
      assert.equal(answer.status, status, JSON.stringify(answer.body));
    });
  }

  await all.test("leave nothing in the store", async () => {
    const { body: versions } = await adminCall(node, "GET", PATH);
    assert.equal(versions.length, 1);
    const { status, body } = await adminCall(node, "POST", "/functions/none/rollback");
    assert.equal(status, 404);
    assert.match(body.error, /no function "none" is deployed here/);
  });
});
