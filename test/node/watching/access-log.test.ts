/** The access log: what its lines say of every kind of request. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { WebSocket } from "ws";
import { RawConnection } from "../../support/http.ts";
import { cleanUp, type NodeOptions, startNode, type TestNode, until } from "../../support/node.ts";

const FUNCTIONS = {
  echo: `export default { async fetch(request) {
    const status = Number(new URL(request.url).searchParams.get("status") ?? 200);
    return new Response("got " + (await request.text()), { status });
  } };`,
  fails: `export default { fetch() { throw new Error("no good"); } };`,
  dies: `export default { async fetch(request) {
    if (request.url.endsWith("?begun")) {
      const { readable, writable } = new TransformStream();
      writable.getWriter().write(new TextEncoder().encode("some"));
      return new Response(readable);
    }
    await scheduler.wait(60_000);
  } };`,
  socket: `export default { fetch() {
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    server.addEventListener("message", ({ data }) => server.send(data + data));
    server.addEventListener("close", () => server.close());
    return new Response(null, { status: 101, webSocket: client });
  } };`,
};
const DIRECTIVES = { num_servers: 1, start_threads: 1, min_spare_threads: 1, max_spare_threads: 2 };

function start(
  test: TestContext,
  more: Partial<NodeOptions> & { directives?: object } = {},
): Promise<TestNode> {
  const { directives, ...rest } = more;
  const all = { ...DIRECTIVES, access_log: "access.log", ...directives };
  return startNode(test, { functions: FUNCTIONS, ...rest, directives: all });
}

const textOf = (node: TestNode) => readFileSync(join(node.folder.dir, "access.log"), "utf8");
const linesOf = (node: TestNode) => textOf(node).split("\n").slice(0, -1);

/** The first line of which it holds, in JSON. */
function line(node: TestNode, what: string, is: (line: Record<string, unknown>) => boolean) {
  return until(what, () =>
    linesOf(node)
      .map((text) => JSON.parse(text) as Record<string, unknown>)
      .find(is),
  );
}

function ask(node: TestNode, path: string, options: object = {}, body = ""): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port: node.dexter.port, path, agent: false, ...options });
    call.on("error", reject);
    call.on("response", (response) => response.resume().on("end", () => resolve(response.statusCode!)));
    call.end(body);
  });
}

describe("the access log in JSON", () => {
  it("says of a request when, who, what, where it was served, how much and how long", async (test) => {
    const node = await start(test);
    const beforeMs = Date.now();
    const headers = { "user-agent": 'an "agent"', referer: "http://elsewhere/a" };
    await ask(node, "/echo?status=201", { method: "POST", headers }, "twelve bytes");
    const { time, id, version, waitMs, firstByteMs, totalMs, server, thread, ...rest } = await line(
      node,
      "its line is there",
      ({ path }) => path === "/echo?status=201",
    );
    assert.deepEqual(rest, {
      function: "echo",
      client: "127.0.0.1",
      method: "POST",
      host: `127.0.0.1:${node.dexter.port}`,
      path: "/echo?status=201",
      protocol: "HTTP/1.1",
      status: 201,
      requestBytes: 12,
      bytes: 16,
      userAgent: 'an "agent"',
      referer: "http://elsewhere/a",
    });
    const at = new Date(String(time));
    assert.equal(at.toISOString(), time);
    assert.ok(at.getTime() >= beforeMs - 1000 && at.getTime() <= Date.now() + 1000, String(time));
    assert.match(String(id), /^[a-z\d]+-[a-z\d]+$/);
    const status = await node.status();
    assert.equal(version, status.functions.find(({ name }) => name === "echo")!.version);
    assert.equal(server, 0);
    assert.ok(status.servers[0]!.threads.some(({ slot }) => slot === thread));
    const [wait, first, total] = [waitMs, firstByteMs, totalMs].map(Number) as [number, number, number];
    assert.ok(wait >= 0 && wait <= first && first <= total, `${wait} ${first} ${total}`);
  });

  it("has the same id as the response, one line for each request of a connection", async (test) => {
    const node = await start(test);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    cleanUp(test, () => agent.destroy());
    const ids: unknown[] = [];
    for (let i = 0; i < 5; i++) ids.push((await node.get("/echo", { agent })).headers["x-request-id"]);
    await until("all lines are there", () => linesOf(node).length >= 5);
    assert.deepEqual(
      linesOf(node).map((text) => JSON.parse(text).id),
      ids,
    );
  });

  it("has what no thread has served: unknown paths, refused requests, what is no HTTP", async (test) => {
    const node = await start(test);
    await ask(node, "/nothing");
    await ask(node, "/echo", { method: "TRACE" });
    await ask(node, "*", { method: "OPTIONS" });
    const raw = await RawConnection.open(node.dexter.port);
    cleanUp(test, () => raw.destroy());
    await raw.write("no http\r\n\r\n");
    const of = async (status: number) => {
      const {
        method,
        path,
        function: fn,
        server,
        bytes,
      } = await line(node, `a line with ${status}`, (found) => found.status === status);
      assert.ok(Number(bytes) > 0);
      return { method, path, fn, server };
    };
    assert.deepEqual(await of(404), { method: "GET", path: "/nothing", fn: null, server: undefined });
    assert.deepEqual(await of(405), { method: "TRACE", path: "/echo", fn: null, server: undefined });
    assert.equal((await line(node, "a line with 204", ({ status }) => status === 204)).path, "*");
    assert.deepEqual(await of(400), { method: null, path: null, fn: null, server: undefined });
  });

  it("has a request once whose body turns out to be malformed", async (test) => {
    const node = await start(test);
    const raw = await RawConnection.open(node.dexter.port);
    cleanUp(test, () => raw.destroy());
    await raw.write(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n",
    );
    assert.equal((await raw.head()).status, 400);
    await node.get("/echo?after");
    await line(node, "the line of the next", ({ path }) => path === "/echo?after");
    const lines = linesOf(node).map((text) => JSON.parse(text));
    assert.deepEqual(
      lines.map(({ path, status, outcome }) => [path, status, outcome]),
      [
        ["/echo", 400, "aborted"],
        ["/echo?after", 200, undefined],
      ],
    );
  });

  it("has the answer that dexter gives for a function that threw", async (test) => {
    const node = await start(test);
    const { text } = await node.get("/fails");
    const {
      status,
      bytes,
      function: fn,
      server,
    } = await line(node, "its line", ({ path }) => path === "/fails");
    assert.deepEqual(
      { status, bytes, fn, server },
      { status: 500, bytes: text.length, fn: "fails", server: 0 },
    );
  });

  it("tells clients that went away, and answers that were cut off, from the others", async (test) => {
    const node = await start(test);
    const leaving = new AbortController();
    const left = assert.rejects(node.get("/dies", { signal: leaving.signal }));
    await until("it is busy", async () => (await node.status()).totals.busy === 1);
    leaving.abort();
    await left;
    const aborted = await line(node, "a line with aborted", ({ outcome }) => outcome === "aborted");
    assert.deepEqual([aborted.status, aborted.bytes, aborted.firstByteMs], [499, 0, undefined]);

    const raw = await RawConnection.open(node.dexter.port);
    cleanUp(test, () => raw.destroy());
    await raw.write("GET /dies?begun HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await raw.head();
    process.kill(node.readyPids()[0]!, "SIGKILL");
    const lost = await line(node, "a line with lost", ({ outcome }) => outcome === "lost");
    assert.deepEqual([lost.status, lost.bytes, lost.server], [200, 4, 0]);
  });

  it("counts what a WebSocket carries, when it is closed", async (test) => {
    const node = await start(test);
    const socket = new WebSocket(`ws://127.0.0.1:${node.dexter.port}/socket`, { perMessageDeflate: false });
    cleanUp(test, () => socket.terminate());
    await new Promise((resolve) => socket.once("open", resolve));
    socket.send("x".repeat(100));
    await new Promise((resolve) => socket.once("message", resolve));
    socket.close();
    const { status, requestBytes, bytes } = await line(node, "its line", ({ path }) => path === "/socket");
    assert.equal(status, 101);
    assert.ok(Number(requestBytes) >= 100 && Number(requestBytes) < 200, String(requestBytes));
    assert.ok(Number(bytes) >= 200 && Number(bytes) < 300, String(bytes));
  });

  it("is complete when the node has stopped, and nobody else's to read", async (test) => {
    const node = await start(test);
    await Promise.all(Array.from({ length: 20 }, () => node.get("/echo")));
    await node.dexter.stop("SIGTERM");
    assert.equal(linesOf(node).length, 20);
    assert.equal(statSync(join(node.folder.dir, "access.log")).mode & 0o137, 0);
  });
});

describe("the access log in Apache's combined format", () => {
  const LINE =
    /^(\S+) - - \[(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})\] "(.*?[^\\])" (\d{3}) (\d+|-) "(.*?)" "(.*)"$/;

  it("has its fields in their order, and the scheduler's time zone", async (test) => {
    const node = await start(test, {
      directives: { access_log_format: "combined" },
      env: { TZ: "America/St_Johns" },
    });
    const beforeMs = Date.now();
    await ask(node, "/echo?a=b", { headers: { "user-agent": "agent/1.0", referer: "http://a/" } });
    const text = await until("its line is there", () => linesOf(node)[0]);
    const [, client, day, month, year, clock, zone, line, status, bytes, referer, agent] =
      LINE.exec(text) ?? [];
    assert.deepEqual(
      { client, line, status, bytes, referer, agent },
      {
        client: "127.0.0.1",
        line: "GET /echo?a=b HTTP/1.1",
        status: "200",
        bytes: "4",
        referer: "http://a/",
        agent: "agent/1.0",
      },
      text,
    );
    assert.match(zone!, /^-0[23]30$/);
    const at = Date.parse(`${day} ${month} ${year} ${clock} GMT${zone}`);
    assert.ok(at >= beforeMs - 2000 && at <= Date.now() + 1000, text);
  });

  it("lets no client end a field or write another line", async (test) => {
    const node = await start(test, { directives: { access_log_format: "combined" } });
    const headers = { "user-agent": 'x" 200 1 "\\\t\u00e9', referer: '"' };
    await ask(node, "/none%0a", { method: "HEAD", headers });
    const raw = await RawConnection.open(node.dexter.port);
    cleanUp(test, () => raw.destroy());
    await raw.write("no http\r\n\r\n");
    const [first, second] = await until(
      "both lines are there",
      () => linesOf(node).length === 2 && linesOf(node),
    );
    assert.ok(
      first!.endsWith(String.raw`"HEAD /none%0a HTTP/1.1" 404 - "\"" "x\" 200 1 \"\\\x09\xe9"`),
      first,
    );
    assert.match(second!, /\] "-" 400 \d+ "-" "-"$/);
  });
});

describe('access_log = "-"', () => {
  it("writes to stdout, after what dexter says when it is ready", async (test) => {
    const node = await start(test, { directives: { access_log: "-" } });
    await node.get("/echo");
    const of = () => node.log().filter((entry) => "totalMs" in entry);
    await until("its line is there", () => of().length === 1);
    assert.ok(node.dexter.output().indexOf("dexter is ready") < node.dexter.output().indexOf('"totalMs"'));
  });
});
