/**
 * The example functions do what their head comments say. Each runs alone in plain workerd, so a failure
 * here is the example's own and not the scheduler's.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { inflateSync } from "node:zlib";
import { build } from "esbuild";
import { parse } from "smol-toml";
import { WebSocket } from "ws";
import { type PlainModule, type PlainWorkerd, startWorkerd } from "../support/workerd.ts";

const functionsDir = fileURLToPath(new URL("../../functions", import.meta.url));
const projectFile = fileURLToPath(new URL("../../wrangler.toml", import.meta.url));
const kinds: Record<string, PlainModule["kind"]> = { ".js": "esModule", ".wasm": "wasm" };

interface Example {
  readonly name: string;
  readonly main: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
}

let bundles: string;
const running: PlainWorkerd[] = [];
/** `http://127.0.0.1:<port>` by function name. */
const origins = new Map<string, string>();

before(async () => {
  bundles = await mkdtemp(join(tmpdir(), "examples-"));
  const examples = await findExamples();
  const byDate = groupByDate(examples);
  for (const [compatibilityDate, group] of byDate) {
    const services = await Promise.all(
      group.map(async (example) => ({
        name: example.name,
        modules: await bundle(example),
        compatibilityFlags: example.compatibilityFlags,
      })),
    );
    const workerd = await startWorkerd({ services, compatibilityDate });
    running.push(workerd);
    for (const { name } of group) origins.set(name, `http://127.0.0.1:${workerd.port(name)}`);
  }
});

after(async () => {
  await Promise.all(running.map((workerd) => workerd.stop()));
  await rm(bundles, { recursive: true, force: true });
});

test("hello says Hello World", async () => {
  const response = await get("hello", "/hello");
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "Hello World\n");
});

test("every example answers below /<name> and at the root of a host of its own", async () => {
  for (const name of origins.keys()) {
    for (const path of [`/${name}`, "/"]) {
      const query = name === "events" ? "?count=1" : "";
      const response = await get(name, path + query);
      await response.arrayBuffer();
      assert.equal(response.status, 200, `${name} ${path}`);
    }
  }
});

test("api keeps a todo list and answers 404 for what is not in it", async () => {
  const created = await send("POST", "/api/todos", { title: " Buy tea " });
  assert.equal(created.status, 201);
  const todo = (await created.json()) as { id: number };
  assert.deepEqual(todo, { id: todo.id, title: "Buy tea", done: false });
  assert.match(created.headers.get("x-isolate") ?? "", /^[0-9a-f]{8}$/);

  const path = created.headers.get("location");
  assert.equal(path, `/api/todos/${todo.id}`);
  assert.deepEqual(await (await send("PATCH", path, { done: true })).json(), { ...todo, done: true });
  // The same list is at /todos on the function's own host.
  assert.deepEqual(await (await get("api", "/todos")).json(), [{ ...todo, done: true }]);

  assert.equal((await send("DELETE", path)).status, 204);
  for (const gone of [path, "/api/todos/x", "/api/nothing"]) {
    const response = await get("api", gone);
    assert.equal(response.status, 404, gone);
    assert.match(((await response.json()) as { error: string }).error, /no todo|nothing at/);
  }
});

test("api refuses bad input and names what is wrong with it", async () => {
  for (const [body, status, error] of [
    ["{", 400, /not JSON/],
    ["[]", 422, /expected an object/],
    ["{}", 422, /title is missing/],
    ['{"title":" "}', 422, /title must be/],
    ['{"title":7}', 422, /title must be/],
    [`{"title":"${"x".repeat(201)}"}`, 422, /over 200/],
    ['{"title":"a","done":1}', 422, /done must be/],
    ['{"title":"a","colour":1}', 422, /unknown field colour/],
    [`"${"x".repeat(10_001)}"`, 413, /over 10 kB/],
  ] as const) {
    const response = await fetch(`${origins.get("api")}/api/todos`, { method: "POST", body });
    assert.equal(response.status, status, body.slice(0, 40));
    assert.match(((await response.json()) as { error: string }).error, error);
  }
});

test("echo sends back text and bytes, and closes with the client", async () => {
  const socket = new WebSocket(`${origins.get("echo")!.replace("http", "ws")}/echo`);
  await once(socket, "open");
  for (const message of ["hello", Buffer.from([0, 1, 255])]) {
    socket.send(message);
    const [data, isBinary] = (await once(socket, "message")) as [Buffer, boolean];
    assert.deepEqual(isBinary ? data : data.toString(), message);
  }
  socket.close(4001, "enough");
  const [code] = await once(socket, "close");
  assert.equal(code, 4001);
});

test("echo and events give browsers a page", async () => {
  for (const name of ["echo", "events"]) {
    const response = await get(name, `/${name}`, { accept: "text/html,*/*" });
    assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
    assert.match(await response.text(), /<!doctype html>[\s\S]*<script type="module">/);
  }
});

test("events ticks as often as asked and goes on after the event a client saw last", async () => {
  const response = await get("events", "/events?count=5&ms=10", { "last-event-id": "2" });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const events = (await response.text()).split("\n\n").filter((event) => event.startsWith("id: "));
  assert.deepEqual(
    events.map((event) => event.split("\n")[0]),
    ["id: 3", "id: 4", "id: 5"],
  );
  for (const event of events) assert.match(event, /\nevent: tick\ndata: {"tick":\d,"time":"[^"]+"}$/);
});

test("events come while the stream is open, and stop when the client leaves", async () => {
  const leave = new AbortController();
  const response = await fetch(`${origins.get("events")}/events?ms=10`, { signal: leave.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  while (!seen.includes("id: 3\n")) seen += (await reader.read()).value;
  leave.abort();
  await assert.rejects(reader.read(), { name: "AbortError" });
  const output = () => running.map((workerd) => workerd.output()).join("");
  const deadline = Date.now() + 5000;
  while (!output().includes("a client left after tick") && Date.now() < deadline) await setTimeout(10);
  assert.match(output(), /a client left after tick \d+/);
  assert.doesNotMatch(output(), /exception|error/i);
});

test("rewrite edits the page, also across chunks, and shows the original with ?raw", async () => {
  const edited = await (await get("rewrite", "/rewrite")).text();
  assert.match(edited, /<h1>Three planets<\/h1>/);
  assert.match(edited, /<h2 id="chapter-3"><a href="#chapter-3">3<\/a>Mars<\/h2>/);
  assert.match(edited, /<span data-days="687">687 days \(1\.88 of ours\)<\/span>/);
  assert.match(edited, /<a href="https:\/\/example\.com\/venus" rel="noopener">/);
  assert.match(edited, /<footer>3 chapters numbered, 2 notes removed\.<\/footer>/);
  assert.doesNotMatch(edited, /Editor/);

  const raw = await (await get("rewrite", "/rewrite?raw")).text();
  assert.match(raw, /<h1>Draft<\/h1>[\s\S]*Editor: check the figure/);
});

test("rewrite streams: the first lines come before the page is made", async () => {
  const reader = (await get("rewrite", "/rewrite")).body!.getReader();
  let pieces = 0;
  while (!(await reader.read()).done) pieces++;
  assert.ok(pieces > 5, `came in ${pieces} pieces`);
});

test("wasm counts primes and draws the spiral of the first of them", async () => {
  const lines = (await (await get("wasm", "/wasm?limit=1000000")).text()).split("\n");
  assert.match(lines[0]!, /^78498 primes up to 1000000, counted in [\d.]+ ms$/);
  assert.equal(lines.length, 44);
  const small = (await (await get("wasm", "/wasm?limit=10")).text()).split("\n");
  assert.match(small[0]!, /^4 primes up to 10,/);
  //  5 4 3
  //  6 1 2   with 10 and onwards around it: primes up to 10 are 2, 3, 5 and 7.
  //  7 8 9
  const middle = [21, 22, 23].map((row) => small[row]!.split(" ").slice(19, 22).join(""));
  assert.deepEqual(middle, ["█·█", "··█", "█··"]);
  assert.equal((await get("wasm", "/wasm?limit=1e9")).status, 400);
});

test("primes.wasm is what assemble.js makes of primes.wat", async () => {
  const { assemble } = (await import(join(functionsDir, "wasm/assemble.js"))) as {
    assemble(wat: string): Uint8Array;
  };
  const wat = await readFile(join(functionsDir, "wasm/primes.wat"), "utf8");
  const binary = await readFile(join(functionsDir, "wasm/primes.wasm"));
  assert.deepEqual(Buffer.from(assemble(wat)), binary);
});

test("render draws a PNG of the size asked for, within limits", async () => {
  const response = await get("render", "/render?width=64&height=48");
  assert.equal(response.headers.get("content-type"), "image/png");
  assert.match(response.headers.get("server-timing") ?? "", /^draw;dur=[\d.]+$/);
  const png = Buffer.from(await response.arrayBuffer());
  assert.equal(png.subarray(1, 4).toString(), "PNG");
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [64, 48]);
  const dataLength = png.readUInt32BE(33);
  const rows = inflateSync(png.subarray(41, 41 + dataLength));
  assert.equal(rows.length, 48 * (1 + 64 * 3));
  assert.ok(new Set(rows).size > 20, "the picture has many shades");

  const huge = await get("render", "/render?width=1e9&height=1");
  const size = Buffer.from(await huge.arrayBuffer());
  assert.deepEqual([size.readUInt32BE(16), size.readUInt32BE(20)], [1024, 16]);
});

test("node uses the modules of Node.js", async () => {
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what is being asserted
  const body = (await (await get("node", "/node?text=edge")).json()) as any;
  assert.equal(body.buffer.base64, "ZWRnZQ==");
  assert.equal(body.crypto.sha256, createHash("sha256").update("edge").digest("hex"));
  assert.equal(body.zlib.same, true);
  assert.equal(body.path.joined, "/var/node");
});

test("index links every other example, to browsers as a page and to the rest as text", async () => {
  const others = [...origins.keys()].filter((name) => name !== "index");
  const page = await (await get("index", "/", { accept: "text/html" })).text();
  const text = await (await get("index", "/")).text();
  for (const name of others) {
    assert.match(page, new RegExp(`<a href="http://[^"]+/${name}">${name}</a>`));
    assert.match(text, new RegExp(`curl .*${origins.get("index")}/${name}`));
  }
  assert.match(page, /npx dexter status/);
  assert.doesNotMatch(page, /\{(origin|notice|rows)\}/);
});

test("index answers 404 for the paths of no function, and escapes what it repeats", async () => {
  const response = await get("index", "/no'such%3Cb%3E&", { accept: "text/html" });
  assert.equal(response.status, 404);
  assert.match(await response.text(), /<code>\/no&#39;such%3Cb%3E&#38;<\/code>/);
});

test("index on its own host links to the functions on the host without it", async () => {
  const { port } = new URL(origins.get("index")!);
  const sent = httpRequest(origins.get("index")!, {
    headers: { host: `index.localhost:${port}`, accept: "text/html" },
  }).end();
  const [response] = (await once(sent, "response")) as [AsyncIterable<Buffer>];
  let page = "";
  for await (const piece of response) page += piece;
  assert.ok(page.includes(`href="http://localhost:${port}/hello"`));
});

function get(name: string, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(origins.get(name) + path, { headers });
}

function send(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(
    origins.get("api") + path,
    body === undefined ? { method } : { method, body: JSON.stringify(body) },
  );
}

/** Finds the functions as dexter does: a file, or a folder with a configuration or an index. */
async function findExamples(): Promise<Example[]> {
  const project = await readSettings(projectFile);
  const entries = await readdir(functionsDir, { withFileTypes: true });
  const found = entries.map(async (entry): Promise<Example | undefined> => {
    const path = join(functionsDir, entry.name);
    if (!entry.isDirectory()) {
      return extname(path) === ".ts"
        ? { ...project, name: entry.name.replace(/\.ts$/, ""), main: path }
        : undefined;
    }
    const own = await readSettings(join(path, "wrangler.toml")).catch(() => project);
    return { ...own, name: entry.name, main: join(path, "index.ts") };
  });
  return (await Promise.all(found)).filter((example) => example !== undefined);
}

async function readSettings(file: string) {
  const settings = parse(await readFile(file, "utf8"));
  return {
    compatibilityDate: settings.compatibility_date as string,
    compatibilityFlags: (settings.compatibility_flags as string[] | undefined) ?? [],
  };
}

async function bundle({ name, main }: Example): Promise<PlainModule[]> {
  const outdir = join(bundles, name);
  await build({
    entryPoints: { [name]: main },
    outdir,
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["node:*", "cloudflare:*"],
    loader: { ".html": "text", ".wasm": "copy" },
    assetNames: "[name]",
    logLevel: "error",
  });
  const files = (await readdir(outdir)).sort((a, b) => Number(b.endsWith(".js")) - Number(a.endsWith(".js")));
  return files.map((file) => ({ name: file, kind: kinds[extname(file)]!, file: join(outdir, file) }));
}

function groupByDate(examples: readonly Example[]): Map<string, Example[]> {
  const groups = new Map<string, Example[]>();
  for (const example of examples) {
    groups.set(example.compatibilityDate, [...(groups.get(example.compatibilityDate) ?? []), example]);
  }
  return groups;
}
