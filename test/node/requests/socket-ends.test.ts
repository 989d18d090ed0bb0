/** How WebSockets end that neither side has ended: with the server, with the node, because nothing passes. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { frame, PING } from "../../support/frames.ts";
import { cleanUp, startNode, type TestNode, until } from "../../support/node.ts";
import { RawWebSocket } from "../../support/raw-socket.ts";

/** Echoes; keeps what its sockets were closed with where another request can ask for it. */
const SOCKET = `
const closes = [];
export default {
  fetch(request) {
    const { search } = new URL(request.url);
    if (request.headers.get("upgrade") !== "websocket") return Response.json(closes);
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener("message", ({ data }) => {
      if (data === "throw") throw new Error("as asked");
      if (data === "half") return void server.send("x".repeat(5_000_000));
      server.send(data);
    });
    server.addEventListener("close", ({ code }) => {
      closes.push(code);
      console.log("closed with " + code);
    });
    return new Response(null, { status: 101, webSocket: client });
  },
};`;

const ONE_SERVER = {
  num_servers: 1,
  start_threads: 1,
  min_spare_threads: 0,
  max_spare_threads: 1,
  concurrency: 100,
};

async function start(test: TestContext, directives: Record<string, unknown>): Promise<TestNode> {
  return startNode(test, { functions: { socket: SOCKET }, directives: { ...ONE_SERVER, ...directives } });
}

async function open(test: TestContext, node: TestNode): Promise<RawWebSocket> {
  const raw = await RawWebSocket.open(node.dexter.port, "/socket");
  cleanUp(test, () => raw.destroy());
  return raw;
}

const saysClosed = (node: TestNode, code: number) =>
  until("the function is told", () => node.log().some(({ msg }) => msg === `closed with ${code}`));

describe("a WebSocket", { timeout: 60_000 }, () => {
  it("is closed with 1012 when its server is replaced and stop_timeout is nearly over", async (test) => {
    const node = await start(test, { stop_timeout: "2s" });
    const raw = await open(test, node);
    const [pid] = node.readyPids();
    process.kill(node.dexter.pid, "SIGUSR1");
    await until("another server serves", () => node.readyPids().length === 2);
    raw.write(frame("still there"));
    await raw.receives("still there");
    assert.equal(await raw.end(), 1012);
    await saysClosed(node, 1012);
    await until("the old server is gone", () =>
      node.log().some((line) => line.msg === "server ended" && line.pid === pid),
    );
  });

  it("is closed with 1001 when the node stops and stop_timeout is nearly over", async (test) => {
    const node = await start(test, { stop_timeout: "1s" });
    const raw = await open(test, node);
    const stopped = node.dexter.stop("SIGTERM");
    assert.equal(await raw.end(), 1001);
    await saysClosed(node, 1001);
    assert.equal(await stopped, 0);
  });

  it("is closed with 1001 when the node stops at once", async (test) => {
    const node = await start(test, { stop_timeout: "60s" });
    const raw = await open(test, node);
    const stopped = node.dexter.stop("SIGINT");
    void node.dexter.stop("SIGINT");
    assert.equal(await raw.end(), 1001);
    assert.equal(await stopped, 0);
  });

  it("is closed with 1012 when its server dies", async (test) => {
    const node = await start(test, {});
    const raw = await open(test, node);
    raw.write(frame("there"));
    await raw.receives("there");
    process.kill(node.readyPids()[0]!, "SIGKILL");
    assert.equal(await raw.end(), 1012);
  });

  it("is cut off, without a Close frame, when its server dies within a frame", async (test) => {
    const node = await start(test, {});
    const raw = await open(test, node);
    raw.write(frame("there"));
    await raw.receives("there");
    raw.socket.pause();
    raw.write(frame("half"));
    await until("part of the answer has come", async () => {
      const { servers } = await node.status();
      return (
        servers.some(({ threads }) => threads.some(({ serving }) => serving)) && raw.socket.readableLength > 0
      );
    });
    process.kill(node.readyPids()[0]!, "SIGKILL");
    await until("the server is replaced", () => node.readyPids().length === 2);
    raw.socket.resume();
    assert.equal(await raw.end(), undefined);
  });

  it("is cut off, as by plain workerd, when its function throws", async (test) => {
    const node = await start(test, {});
    const raw = await open(test, node);
    raw.write(frame("throw"));
    assert.notEqual(await raw.end(), 1012);
    await until("no thread is busy", async () => (await node.status()).totals.busy === 0);
  });

  it("is closed with 1001 when nothing passes for idle_socket_timeout; a ping is something", async (test) => {
    const node = await start(test, { idle_socket_timeout: "2s" });
    const [idle, kept] = [await open(test, node), await open(test, node)];
    const pinging = setInterval(() => kept.write(frame("", { opcode: PING })), 200);
    cleanUp(test, () => clearInterval(pinging));
    assert.equal(await idle.end(), 1001);
    await saysClosed(node, 1001);
    kept.write(frame("still there"));
    await kept.receives("still there");
    assert.equal(kept.closeCode, undefined);
    assert(node.log().some(({ msg }) => msg.startsWith("a WebSocket of socket was idle for 2 s")));
    assert.match((await node.get("/socket")).text, /^\[1001\]$/);
  });
});
