/** What is read from clients: into buffers that are used again, and never while anybody needs what is in them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { ClientReader, type ReaderPorts } from "../../scheduler/http/client-reader.ts";

const MEGABYTE = 1 << 20;

/** A server's side of a connection, and the client's. */
async function accepted(t: TestContext): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const far = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [near] = (await once(server, "connection")) as [Socket];
  t.after(() => {
    far.destroy();
    near.destroy();
    server.close();
  });
  return { near, far };
}

/** Reads all of a body, as its connection would, and ends with the socket. */
async function readAll(near: Socket, pass: (reader: ClientReader, chunk: Buffer) => void): Promise<void> {
  const ports: ReaderPorts = { onChunk: (chunk) => pass(reader, chunk), inBody: () => true };
  const reader: ClientReader = new ClientReader(near, ports);
  await once(reader.socket, "end");
  reader.socket.destroy();
  await once(reader.socket, "close");
}

describe("what a client sends", { timeout: 30_000 }, () => {
  it("is read into given memory by this version of Node.js", async (t) => {
    const { near } = await accepted(t);
    let fallbacks = 0;
    const { socket } = new ClientReader(near, {
      onChunk: () => {},
      inBody: () => false,
      onFallback: () => fallbacks++,
    });
    assert(fallbacks === 0 && socket !== near, `Node.js ${process.version} has changed what is relied on`);
  });

  it("is read as Node does it where the handle cannot be had, and that is told", async (t) => {
    const { near, far } = await accepted(t);
    const handle = (near as unknown as { _handle: { useUserBuffer: unknown } })._handle;
    Object.defineProperty(handle, "useUserBuffer", { value: undefined });
    let text = "";
    let fallbacks = 0;
    const { socket } = new ClientReader(near, {
      onChunk: (chunk) => (text += chunk.toString()),
      inBody: () => false,
      onFallback: () => fallbacks++,
    });
    far.end("hello");
    await once(socket, "end");
    assert.deepEqual([socket === near, fallbacks, text], [true, 1, "hello"]);
  });

  it("is read into few buffers as long as nobody needs them for longer", async (t) => {
    const { near, far } = await accepted(t);
    far.end(Buffer.alloc(8 * MEGABYTE, "a"));
    const buffers = new Set<ArrayBufferLike>();
    let bytes = 0;
    await readAll(near, (reader, chunk) => {
      buffers.add(chunk.buffer);
      bytes += chunk.length;
      reader.pass(chunk, (_piece, done) => {
        done?.();
        return false;
      });
    });
    assert.equal(bytes, 8 * MEGABYTE);
    // The shared one, and those of its own each time that it sends much again.
    assert(buffers.size <= 4, `${buffers.size} buffers`);
  });

  it("stays as it is until it is no longer needed, however late that is", async (t) => {
    const { near, far } = await accepted(t);
    const sent = Buffer.from(Uint32Array.from({ length: MEGABYTE / 2 }, (_, i) => i).buffer);
    far.end(sent);
    const pieces: Buffer[] = [];
    const over: (() => void)[] = [];
    await readAll(near, (reader, chunk) =>
      reader.pass(chunk, (piece, done) => {
        pieces.push(piece);
        if (done) over.push(done);
        return true;
      }),
    );
    assert(Buffer.concat(pieces).equals(sent), "the bytes have changed");
    for (const done of over) done();
  });

  it("may be kept", async (t) => {
    const { near, far } = await accepted(t);
    const sent = Buffer.from(Uint32Array.from({ length: MEGABYTE / 2 }, (_, i) => i).buffer);
    far.end(sent);
    let kept: Buffer = Buffer.alloc(0);
    await readAll(near, (reader, chunk) => {
      kept = reader.keep(Buffer.concat([kept, reader.keep(chunk)!]))!;
    });
    assert(kept.equals(sent), "the bytes have changed");
  });

  it("ends with the socket that was accepted, and the other way round", async (t) => {
    const first = await accepted(t);
    const ports: ReaderPorts = { onChunk: () => {}, inBody: () => false };
    const { socket } = new ClientReader(first.near, ports);
    first.near.destroy();
    await once(socket, "close");
    const second = await accepted(t);
    new ClientReader(second.near, ports).socket.destroy();
    await once(second.near, "close");
  });

  it("comes from another kind of socket as Node reads it", async (t) => {
    const server = createServer((far) => far.end("hello")).listen(0, "127.0.0.1");
    t.after(() => server.close());
    await once(server, "listening");
    const other = new (class extends Socket {})();
    other.connect((server.address() as AddressInfo).port, "127.0.0.1");
    let text = "";
    await readAll(other, (reader, chunk) =>
      reader.pass(chunk, (piece) => {
        text += piece.toString();
        return false;
      }),
    );
    assert.equal(text, "hello");
  });
});
