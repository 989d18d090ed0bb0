/** Frames that the protocol forbids end their socket, and nothing else: client and function both hear of it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import WebSocket from "ws";
import { BINARY, CLOSE, closing, frame, PING } from "../../support/frames.ts";
import { until } from "../../support/node.ts";
import { RawWebSocket } from "../../support/raw-socket.ts";
import { sharedNode } from "../../support/shared-node.ts";

/** Echoes, and tells of the latest close by `?name`. */
const SOCKET = `
const closes = {};
export default {
  fetch(request) {
    const name = new URL(request.url).search;
    if (request.headers.get("upgrade") !== "websocket") return Response.json(closes[name] ?? null);
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.binaryType = "arraybuffer";
    server.addEventListener("message", ({ data }) => server.send(data));
    server.addEventListener("close", ({ code, reason }) => { closes[name] = { code, reason }; });
    server.addEventListener("error", () => { closes[name] ??= "error"; });
    return new Response(null, { status: 101, webSocket: client });
  },
};`;

const FORBIDDEN: Record<string, readonly [bytes: Buffer, code: number]> = {
  "is not masked": [frame("a", { mask: null }), 1002],
  "is a ping of 126 bytes": [frame("p".repeat(126), { opcode: PING }), 1002],
  "is a ping in pieces": [frame("p", { opcode: PING, fin: false }), 1002],
  "has a reserved opcode": [frame("a", { opcode: 5 }), 1002],
  "has a reserved bit": [frame("a", { reserved: 4 }), 1002],
  "has a longer length than needed": [frame("a", { lengthBytes: 8 }), 1002],
  "has a length over 63 bits": [frame("a", { length: 2n ** 63n, lengthBytes: 8 }), 1002],
  "closes with half a code": [frame("x", { opcode: CLOSE }), 1002],
  "closes with 999": [frame(closing(999), { opcode: CLOSE }), 1002],
  "closes with 1006": [frame(closing(1006), { opcode: CLOSE }), 1002],
  "closes with 2999": [frame(closing(2999), { opcode: CLOSE }), 1002],
  "closes with 65535": [frame(closing(65_535), { opcode: CLOSE }), 1002],
  "closes with a reason that is not UTF-8": [
    frame(closing(1000, Buffer.from([0xc3, 0x28])), { opcode: CLOSE }),
    1007,
  ],
  "is a text that is not UTF-8": [frame(Buffer.from([0xc3, 0x28])), 1007],
};

describe("a frame", { timeout: 60_000 }, () => {
  const node = sharedNode({
    functions: { socket: SOCKET },
    directives: {
      start_threads: 1,
      min_spare_threads: 0,
      max_spare_threads: 1,
      max_threads_per_child: 1,
      concurrency: 100,
    },
  });

  for (const [index, [what, [bytes, code]]] of Object.entries(FORBIDDEN).entries()) {
    it(`that ${what} ends its socket with ${code}, for client and function`, async () => {
      const raw = await RawWebSocket.open(node.dexter.port, `/socket?${index}`);
      raw.write(frame("before"));
      await raw.receives("before");
      raw.write(bytes, frame("after"));
      assert.equal(await raw.end(), code);
      assert.deepEqual(
        raw.frames.filter(({ opcode }) => opcode !== CLOSE).map(({ payload }) => payload.toString()),
        ["before"],
      );
      const told = await until("the function is told", () => node.json(`/socket?${index}`));
      assert.equal(told.code, code);
      raw.destroy();
      await node.idle();
    });
  }

  it("that is forbidden is counted and logged, with function and client", async () => {
    const raw = await RawWebSocket.open(node.dexter.port, "/socket?counted");
    raw.write(frame("a", { mask: null }));
    await raw.end();
    raw.destroy();
    await until("the log tells of it", () =>
      /"limit":"socket_protocol","function":"socket","requestId":"[^"]+","path":"\/socket\?[^"]*","client":"127.0.0.1"/.test(
        node.dexter.output(),
      ),
    );
  });

  it("that ends within a text that is not UTF-8, and long, cuts the function off", async () => {
    const raw = await RawWebSocket.open(node.dexter.port, "/socket?long");
    const long = frame(
      Buffer.concat([Buffer.alloc(300_000, "x"), Buffer.from([0xff]), Buffer.alloc(10, "x")]),
    );
    raw.write(long);
    assert.equal(await raw.end(), 1007);
    await until("the function is told", () => node.json("/socket?long"));
    raw.destroy();
    await node.idle();
  });

  it("in small pieces, and many frames in one piece, pass as they are", async () => {
    const raw = await RawWebSocket.open(node.dexter.port, "/socket?pieces");
    for (const byte of frame("byte by byte")) raw.write(Buffer.from([byte]));
    await raw.receives("byte by byte");
    raw.write(...Array.from({ length: 100 }, (_, i) => frame(`number ${i}`)));
    await raw.receives("number 99");
    raw.write(frame(Buffer.alloc(1_000_000, 7), { opcode: BINARY }));
    await until("it comes back", () => raw.frames.some(({ payload }) => payload.length === 1_000_000));
    raw.write(frame(closing(4000, "done"), { opcode: CLOSE }));
    await until("the function is told", async () => (await node.json("/socket?pieces"))?.code === 4000);
    raw.destroy();
    await node.idle();
  });

  it("that is compressed passes where client and function have agreed upon it", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${node.dexter.port}/socket?compressed`, {
      perMessageDeflate: { threshold: 0 },
    });
    await new Promise((open) => socket.once("open", open));
    assert.match(socket.extensions, /permessage-deflate/);
    const answer = new Promise<string>((resolve) => socket.once("message", (data) => resolve(String(data))));
    socket.send("caf\u00e9 ".repeat(1_000));
    assert.equal(await answer, "caf\u00e9 ".repeat(1_000));
    socket.terminate();
    await node.idle();
  });
});
