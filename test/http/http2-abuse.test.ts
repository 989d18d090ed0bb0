/** Clients of HTTP/2 that break the protocol, flood, or let everybody wait: what they hold is given back soon. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { connect as connectSecurely, type TLSSocket } from "node:tls";
import { createClientResolver } from "../../scheduler/http/client-address.ts";
import type { ClientRequest } from "../../scheduler/http/client-request.ts";
import { type ClientLimits, Clients } from "../../scheduler/http/clients.ts";
import { Listener } from "../../scheduler/http/listener.ts";
import { Certificates } from "../../scheduler/tls/certificates.ts";
import { makeCertificate, writeCertificate } from "../support/certificates.ts";
import { cleanUp, temporaryFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

const made = makeCertificate(["a.test"]);
const NONE: ClientLimits = { ...new Clients().limits };

async function setUp(test: TestContext, limits: Partial<ClientLimits> = {}) {
  const { dir } = await temporaryFolder(test);
  await writeCertificate(dir, "site", await made);
  const log = () => {};
  const certificates = new Certificates(
    {
      certificates: [{ cert: join(dir, "site.pem"), key: join(dir, "site.key") }],
      redirect: false,
      minVersion: "TLSv1.2",
      http2: true,
    },
    { info: log, warn: log, error: log },
  );
  const requests: ClientRequest[] = [];
  const noted: string[] = [];
  const clients = new Clients(
    { ...NONE, ...limits },
    { note: (kind) => noted.push(kind), isShort: () => false, isTrusted: () => false },
  );
  const listener = await Listener.listen(
    { host: "127.0.0.1", port: 0, secure: true },
    {
      clientOf: createClientResolver([]),
      route: () => "f",
      dispatch: (request) => void requests.push(request),
      notFound: () => assert.fail("every request has its function"),
    },
    { backlog: 10, sendBufferSize: 0, mode: { certificates }, clients },
  );
  cleanUp(test, () => listener.destroy());
  return { listener, requests, noted, clients };
}

function openSocket(test: TestContext, port: number): TLSSocket {
  const options = { servername: "a.test", rejectUnauthorized: false, ALPNProtocols: ["h2"] };
  const socket = connectSecurely({ port, host: "127.0.0.1", ...options });
  socket.on("error", () => {});
  cleanUp(test, () => socket.destroy());
  return socket;
}

/** A frame (RFC 9113 §4.1). */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(4, 0, 0, Buffer.alloc(0)),
]);
/** GET https://a.test/ by the static table (RFC 7541, appendix A). */
const HEAD = Buffer.concat([Buffer.from([0x82, 0x87, 0x84, 0x41, 6]), Buffer.from("a.test")]);
const word = (value: number) => Buffer.from([0, 0, 0, value]);

describe("a connection over HTTP/2 whose client", { timeout: 60_000 }, () => {
  const resets = Array.from({ length: 1_500 }, (_, count) =>
    Buffer.concat([frame(1, 5, 2 * count + 1, HEAD), frame(3, 0, 2 * count + 1, word(8))]),
  );
  const breaks: Record<string, Buffer> = {
    "sends a frame that is too long": frame(0, 0, 1, Buffer.alloc(40_000)),
    "sends a head that cannot be unpacked": frame(1, 5, 1, Buffer.alloc(6, 0xff)),
    "gives up very many requests": Buffer.concat(resets),
  };
  for (const [what, bytes] of Object.entries(breaks))
    it(`${what} is closed`, async (test) => {
      const { listener } = await setUp(test);
      const socket = openSocket(test, listener.port);
      await once(socket, "secureConnect");
      socket.resume().write(Buffer.concat([PREFACE, bytes]));
      // It does not close its own side.
      await once(socket, "close");
    });

  const floods: Record<string, Buffer> = {
    "floods it with window updates": frame(8, 0, 0, word(1)),
    "floods it with priorities": frame(2, 0, 1, Buffer.from([0, 0, 0, 3, 16])),
  };
  for (const [what, one] of Object.entries(floods))
    it(`${what} is closed`, async (test) => {
      const { listener } = await setUp(test);
      const socket = openSocket(test, listener.port);
      await once(socket, "secureConnect");
      socket.resume().write(PREFACE);
      const many = Buffer.concat(Array.from({ length: 10_000 }, () => one));
      const flood = setInterval(() => socket.write(many), 100);
      test.after(() => clearInterval(flood));
      await once(socket, "close");
    });

  it("is idle stays, also when it asks now and then whether the server is there", async (test) => {
    const { listener, requests } = await setUp(test);
    const session = connect(`https://127.0.0.1:${listener.port}`, {
      servername: "a.test",
      rejectUnauthorized: false,
    });
    cleanUp(test, () => session.destroy());
    await once(session, "connect");
    const looks = new Set<number>();
    await until("it was looked at three times", async () => {
      await new Promise((resolve) => session.ping(resolve));
      return looks.add(listener.nowMs).size > 3;
    });
    const stream = session.request({ ":path": "/", ":authority": "a.test" });
    (await until("the request has come", () => requests[0])).answer(204, "", "");
    const [headers] = await once(stream, "response");
    assert.equal(headers[":status"], 204);
  });
});

/** Writes as much as is taken, and goes on when more is. */
function fill(request: ClientRequest): { bytes: number } {
  const filled = { bytes: 0 };
  const write = () => {
    for (let goesOn = true; goesOn; filled.bytes += 65_536) goesOn = request.write(Buffer.alloc(65_536));
  };
  request.sink = { onBody: () => false, onBodyEnd() {}, onDrain: write, onClosed() {} };
  write();
  return filled;
}

describe("an answer over HTTP/2", { timeout: 60_000 }, () => {
  async function ask(test: TestContext, limits: Partial<ClientLimits>) {
    const made = await setUp(test, limits);
    const session = connect(`https://127.0.0.1:${made.listener.port}`, {
      servername: "a.test",
      rejectUnauthorized: false,
    });
    cleanUp(test, () => session.destroy());
    session.on("error", () => {});
    const stream = session.request({ ":path": "/", ":authority": "a.test" });
    stream.on("error", () => {}).pause();
    const request = await until("the request has come", () => made.requests[0]);
    request.begin(200, "HTTP/1.1 200 OK\r\n", "chunked");
    return { ...made, session, stream, request };
  }

  it("is taken up to response_buffer although its client reads nothing", async (test) => {
    const { request, clients, stream } = await ask(test, {
      responseBufferBytes: 1 << 20,
      maxBufferedBytes: 1 << 24,
    });
    const filled = fill(request);
    await until("so much is taken, and counted", () => clients.bufferedBytes >= 1 << 20);
    assert(filled.bytes < 1 << 21, `${filled.bytes} bytes were taken`);
    stream.destroy();
    await until("nothing waits any more", () => clients.bufferedBytes === 0);
  });

  it("is held back by what the node buffers in all", async (test) => {
    const limits = { responseBufferBytes: 1 << 24, maxBufferedBytes: 1 << 18 };
    const { request, clients } = await ask(test, limits);
    const filled = fill(request);
    await until("so much is buffered", () => clients.bufferedBytes >= 1 << 18);
    assert(filled.bytes < 1 << 20, `${filled.bytes} bytes were taken`);
  });

  it("of which its client takes nothing is cut off", async (test) => {
    const { request, noted } = await ask(test, { sendTimeoutMs: 300 });
    while (request.write(Buffer.alloc(65_536)));
    let closed = 0;
    request.sink = { onBody: () => false, onBodyEnd() {}, onDrain() {}, onClosed: () => void closed++ };
    await until("whoever serves it knows", () => closed === 1);
    assert.deepEqual(noted, ["send_timeout"]);
  });
});

describe("max_streams", () => {
  it("is told to the client", async (test) => {
    const { listener } = await setUp(test, { maxStreams: 7 });
    const session = connect(`https://127.0.0.1:${listener.port}`, {
      servername: "a.test",
      rejectUnauthorized: false,
    });
    cleanUp(test, () => session.destroy());
    const [settings] = await once(session, "remoteSettings");
    assert.equal(settings.maxConcurrentStreams, 7);
  });
});
