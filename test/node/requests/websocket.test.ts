/** WebSockets and the thread that each of them holds. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import WebSocket from "ws";
import { headerOf } from "../../support/answer.ts";
import { until } from "../../support/node.ts";
import { SharedNode, sharedNode } from "../../support/shared-node.ts";

const SOCKET = `
export default {
  fetch(request) {
    if (request.headers.get("upgrade") !== "websocket" || request.url.endsWith("?declined"))
      return new Response("no socket", { status: 426 });
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener("message", ({ data }) => {
      if (data === "close") server.close(4001, "as you wish");
      else server.send("echo:" + data);
    });
    server.addEventListener("close", ({ code }) => server.close(code));
    return new Response(null, { status: 101, webSocket: client, headers: { "X-Own": "once" } });
  },
};`;

const ONE_THREAD = { start_threads: 1, min_spare_threads: 0, max_spare_threads: 1, max_threads_per_child: 1 };

async function open(node: SharedNode): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${node.dexter.port}/socket`, { perMessageDeflate: false });
  socket.on("error", () => {});
  await once(socket, "open");
  return socket;
}

async function echoes(socket: WebSocket, text: string): Promise<void> {
  const answer = once(socket, "message");
  socket.send(text);
  assert.equal(String((await answer)[0]), `echo:${text}`);
}

describe("a WebSocket", { timeout: 30_000 }, () => {
  const node = sharedNode({ functions: { socket: SOCKET }, directives: ONE_THREAD });
  const busy = async () => (await node.status()).totals.busy;

  const ends: Record<string, (socket: WebSocket) => void> = {
    "its client closes it": (socket) => socket.close(1000),
    "its function closes it": (socket) => socket.send("close"),
    "its client is gone": (socket) => socket.terminate(),
    "its client resets the connection": (socket) =>
      (socket as unknown as { _socket: { resetAndDestroy(): void } })._socket.resetAndDestroy(),
  };
  for (const [when, end] of Object.entries(ends)) {
    it(`holds its thread, and gives it back when ${when}`, async () => {
      const socket = await open(node);
      await echoes(socket, "one");
      assert.equal(await busy(), 1);
      const waiting = node.ask("/socket");
      await until("the next request waits", async () => (await node.status()).totals.queued === 1);
      await echoes(socket, "two");
      const closed = once(socket, "close");
      end(socket);
      await closed;
      assert.equal((await waiting).status, 426);
      await node.idle();
    });
  }

  it("is answered with 101 and each header once", async () => {
    const connection = await node.connect();
    await connection.send({
      path: "/socket",
      headers: [
        ["Connection", "Upgrade"],
        ["Upgrade", "websocket"],
        ["Sec-WebSocket-Version", "13"],
        ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
      ],
    });
    const head = await connection.head();
    assert.equal(head.status, 101);
    const names = head.headers.map(([name]) => name);
    assert.deepEqual(names, [...new Set(names)]);
    assert.equal(headerOf(head, "sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert.match(headerOf(head, "connection") ?? "", /^upgrade$/i);
    assert.equal(headerOf(head, "x-own"), "once");
    assert.notEqual(headerOf(head, "x-request-id"), undefined);
    connection.destroy();
    await node.idle();
  });

  it("carries frames that come together with the handshake", async () => {
    const connection = await node.connect();
    const handshake =
      "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // A masked text frame whose mask is zero: "hi".
    const frame = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
    await connection.write(Buffer.concat([Buffer.from(handshake), frame]));
    const head = await connection.head();
    assert.equal(head.status, 101);
    const body = connection.body({ ...head, status: 200 });
    assert.equal(await body.until("echo:hi"), "\u0081\u0007echo:hi".replace("\u0081", "\ufffd"));
    connection.destroy();
    await node.idle();
  });

  it("that the function does not take up is answered as any request", async () => {
    const headers = [
      ["Connection", "Upgrade"],
      ["Upgrade", "websocket"],
      ["Sec-WebSocket-Version", "13"],
      ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ] as const;
    const { status, text } = await node.ask({ path: "/socket?declined", headers });
    assert.deepEqual([status, text], [426, "no socket"]);
    await node.idle();
  });
});

describe("a WebSocket at a graceful stop", { timeout: 30_000 }, () => {
  it("goes on until stop_timeout, and ends with the node", async () => {
    const node = new SharedNode();
    await node.start({ functions: { socket: SOCKET }, directives: { ...ONE_THREAD, stop_timeout: "1s" } });
    try {
      const socket = await open(node);
      const closed = once(socket, "close");
      const stopped = node.dexter.stop("SIGTERM");
      await until("no new connection is taken", () =>
        node.connect().then(
          (connection) => void connection.destroy(),
          () => true,
        ),
      );
      await echoes(socket, "still there");
      await closed;
      assert.equal(await stopped, 0);
    } finally {
      await node.stop();
    }
  });

  it("that ends in time lets the node end at once", async () => {
    const node = new SharedNode();
    await node.start({ functions: { socket: SOCKET }, directives: { ...ONE_THREAD, stop_timeout: "60s" } });
    try {
      const socket = await open(node);
      const stopped = node.dexter.stop("SIGTERM");
      await echoes(socket, "last words");
      socket.close(1000);
      assert.equal(await stopped, 0);
    } finally {
      await node.stop();
    }
  });
});
