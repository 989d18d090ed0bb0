/** HTTP/2 with a client: what a request says, how bodies flow, and how requests and connections end. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { connect as connectTls, createServer, type TLSSocket } from "node:tls";
import { createClientResolver } from "../../scheduler/http/client-address.ts";
import type { ClientRequest, RequestSink } from "../../scheduler/http/client-request.ts";
import { Clients } from "../../scheduler/http/clients.ts";
import { Http2Connection } from "../../scheduler/http/http2-connection.ts";
import { Listener } from "../../scheduler/http/listener.ts";
import { Certificates } from "../../scheduler/tls/certificates.ts";
import { makeCertificate, writeCertificate } from "../support/certificates.ts";
import { cleanUp, temporaryFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

type Headers = Readonly<Record<string, string | string[]>>;

const made = makeCertificate(["a.test"]);

/** A listener whose requests come to the test, and a client of it. */
async function setUp(test: TestContext, onRequest: (request: ClientRequest) => void = () => {}) {
  const { dir } = await temporaryFolder(test);
  await writeCertificate(dir, "site", await made);
  const files = { cert: join(dir, "site.pem"), key: join(dir, "site.key") };
  const log = () => {};
  const certificates = new Certificates(
    { certificates: [files], redirect: false, minVersion: "TLSv1.2", http2: true },
    { info: log, warn: log, error: log },
  );
  const requests: ClientRequest[] = [];
  const listener = await Listener.listen(
    { host: "127.0.0.1", port: 0, secure: true },
    {
      clientOf: createClientResolver([]),
      route: () => "f",
      dispatch(request) {
        requests.push(request);
        onRequest(request);
      },
      notFound: () => assert.fail("every request has its function"),
    },
    { backlog: 10, sendBufferSize: 0, mode: { certificates } },
  );
  cleanUp(test, () => listener.destroy());
  const socket = openSocket(listener.port);
  const session = await open(socket);
  cleanUp(test, () => session.destroy());
  /** The request that came as the `count`th. */
  const arrived = (count: number) => until("the request has come", () => requests[count - 1]);
  return { listener, socket, session, requests, arrived };
}

function openSocket(port: number): TLSSocket {
  const options = { servername: "a.test", rejectUnauthorized: false, ALPNProtocols: ["h2"] };
  return connectTls({ port, host: "127.0.0.1", ...options });
}

async function open(socket: TLSSocket): Promise<ClientHttp2Session> {
  const session = connect("https://a.test", { createConnection: () => socket });
  session.on("error", () => {});
  await once(session, "connect");
  return session;
}

/** Unlike `once`, it resolves for a stream that fails, too. */
const closed = (stream: ClientHttp2Stream) => new Promise<void>((resolve) => stream.on("close", resolve));

function ask(session: ClientHttp2Session, headers: Headers = {}, endStream = true): ClientHttp2Stream {
  const stream = session.request(
    { ":method": "GET", ":path": "/", ":authority": "a.test", ...headers },
    { endStream },
  );
  stream.on("error", () => {});
  return stream;
}

/** Status, headers and text of an answer; status 0 and the code when the stream was reset instead. */
async function answerOf(stream: ClientHttp2Stream): Promise<{ status: number; text: string; code: number }> {
  let status = 0;
  let text = "";
  stream.on("response", (headers) => {
    status = headers[":status"] ?? 0;
  });
  stream.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  await closed(stream);
  return { status, text, code: stream.rstCode ?? 0 };
}

/** Takes a request's body, and notes what becomes of it. */
class Sink implements RequestSink {
  bytes = 0;
  events: string[] = [];
  onPiece = () => {};

  onBody(chunk: Buffer): boolean {
    this.bytes += chunk.length;
    this.onPiece();
    return false;
  }
  onBodyEnd(): void {
    this.events.push("end");
  }
  onDrain(): void {
    this.events.push("drain");
  }
  onClosed(): void {
    this.events.push("closed");
  }
}

describe("a request over HTTP/2", () => {
  it("is told in terms of HTTP/1.1", async (test) => {
    const { session, arrived } = await setUp(test);
    ask(session, { ":path": "/a?b", cookie: ["a=1", "b=2", "c=3"], "x-two": ["1", "2"] });
    const { head, method, scheme, body } = await arrived(1);
    assert.deepEqual([method, scheme, body, head.block.protocol], ["GET", "https", "ended", "HTTP/2"]);
    assert.deepEqual([head.facts.host, head.facts.path, head.facts.framing], ["a.test", "/a?b", "none"]);
    assert.equal(head.block.forwarded(false), "cookie: a=1; b=2; c=3\r\nx-two: 1\r\nx-two: 2\r\n");
  });

  const framings: Record<string, readonly [headers: Headers, endStream: boolean, framing: unknown]> = {
    "has none when the stream ends with the head": [{ ":method": "POST" }, true, "none"],
    "is of unknown length when the stream goes on": [{ ":method": "POST" }, false, "chunked"],
    "has the length that the head says": [{ ":method": "POST", "content-length": "5" }, false, 5],
    "has none when its length is 0": [{ ":method": "POST", "content-length": "0" }, false, 0],
  };
  for (const [title, [headers, endStream, framing]] of Object.entries(framings))
    it(`has a body that ${title}`, async (test) => {
      const { session, arrived } = await setUp(test);
      ask(session, headers, endStream);
      assert.equal((await arrived(1)).head.facts.framing, framing);
    });

  it("is told apart from another with the same headers, by its target and its body", async (test) => {
    const { session, arrived } = await setUp(test);
    ask(session, { ":path": "/one" });
    ask(session, { ":path": "/two" });
    ask(session, { ":path": "/two" }, false);
    const [one, two, three] = [await arrived(1), await arrived(2), await arrived(3)];
    assert.equal(one.head.block, two.head.block);
    assert.deepEqual(
      [one, two, three].map(({ head }) => head.facts.path),
      ["/one", "/two", "/two"],
    );
    assert.deepEqual(
      [one, two, three].map(({ head }) => head.facts.framing),
      ["none", "none", "chunked"],
    );
  });

  const answered: Record<string, readonly [headers: Headers, status: number, text: RegExp]> = {
    TRACE: [{ ":method": "TRACE" }, 405, /TRACE is not allowed/],
    "a method that workerd does not know": [{ ":method": "BREW" }, 501, /BREW is not implemented/],
    "a Host that is not the authority": [{ host: "b.test" }, 400, /not the authority/],
    "another scheme": [{ ":scheme": "http" }, 400, /scheme/],
    "a target with a fragment": [{ ":path": "/a#b" }, 400, /must be encoded/],
    "an expectation but 100-continue": [{ expect: "a miracle" }, 417, /cannot meet/],
    "a head over 16 KB": [{ "x-long": "v".repeat(17_000) }, 431, /over 16 KB/],
    "more than 1,000 headers": [
      { x: Array.from({ length: 1_001 }, () => "") },
      431,
      /more than 1000 headers/,
    ],
  };
  for (const [title, [headers, status, text]] of Object.entries(answered))
    it(`with ${title} is refused with ${status}, and the connection goes on`, async (test) => {
      const { session, requests } = await setUp(test, (request) => request.answer(200, "", "fine"));
      const answer = await answerOf(ask(session, headers));
      assert.equal(answer.status, status);
      assert.match(answer.text, text);
      assert.equal(requests.length, 0);
      assert.equal((await answerOf(ask(session))).text, "fine");
    });

  const reset: Record<string, Headers> = {
    "a space in its target": { ":path": "/a b" },
    "a target that is no path": { ":path": "a" },
    "no authority and no Host": { ":authority": "" },
    "an authority that is no host": { ":authority": "a b" },
  };
  for (const [title, headers] of Object.entries(reset))
    it(`with ${title} is reset, and the connection goes on`, async (test) => {
      const { session, requests } = await setUp(test, (request) => request.answer(200, "", "fine"));
      const { status, code } = await answerOf(ask(session, headers));
      assert.deepEqual([status, code], [0, constants.NGHTTP2_PROTOCOL_ERROR]);
      assert.equal(requests.length, 0);
      assert.equal((await answerOf(ask(session))).text, "fine");
    });

  it("for a WebSocket is refused: the settings do not offer it, and CONNECT is answered with 501", async (test) => {
    const { session } = await setUp(test);
    if (!session.remoteSettings?.maxConcurrentStreams) await once(session, "remoteSettings");
    assert.equal(session.remoteSettings.enableConnectProtocol ?? false, false);
    const tunnel = session.request({ ":method": "CONNECT", ":authority": "a.test:80" });
    tunnel.on("error", () => {}).end();
    assert.equal((await answerOf(tunnel)).status, 501);
  });

  it("that asks for OPTIONS * is answered by the listener", async (test) => {
    const { session } = await setUp(test);
    assert.equal((await answerOf(ask(session, { ":method": "OPTIONS", ":path": "*" }))).status, 204);
  });
});

describe("an answer over HTTP/2", () => {
  it("has no headers of a connection, and each cookie for itself", async (test) => {
    const lines = ["HTTP/1.1 200 OK", "Connection: close", "Keep-Alive: timeout=5", "TE: x", "Upgrade: y"];
    lines.push("Set-Cookie: a=1, x", "Set-Cookie: b=2", "X-List: 1", "X-List: 2", "Age: 1", "Age: 2");
    const { session } = await setUp(test, (request) => {
      request.begin(200, `${lines.join("\r\n")}\r\n`, "none");
      request.end();
    });
    const stream = ask(session);
    const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
    assert.deepEqual(headers["set-cookie"], ["a=1, x", "b=2"]);
    assert.deepEqual([headers["x-list"], headers.age], ["1, 2", "1, 2"]);
    for (const name of ["connection", "keep-alive", "te", "upgrade"]) assert.equal(headers[name], undefined);
  });

  it("is held back while its client does not read, and goes on when it does", async (test) => {
    const { session, arrived } = await setUp(test);
    const stream = ask(session);
    const request = await arrived(1);
    const sink = new Sink();
    request.sink = sink;
    request.begin(200, "HTTP/1.1 200 OK\r\n", "chunked");
    let written = 0;
    const fill = () => {
      for (let goesOn = true; goesOn; written += 65_536) goesOn = request.write(Buffer.alloc(65_536));
    };
    fill();
    assert.equal(request.holdsPiece, true);
    const before = written;
    assert.deepEqual(sink.events, []);
    stream.resume();
    await until("the client has taken it", () => sink.events.includes("drain"));
    fill();
    assert(written > before);
    request.end();
    await closed(stream);
    assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
  });

  it("does not keep a small piece that was given to it", async (test) => {
    const { session, arrived } = await setUp(test);
    const answer = answerOf(ask(session));
    const request = await arrived(1);
    request.begin(200, "HTTP/1.1 200 OK\r\n", "chunked");
    const piece = Buffer.from("as it was");
    request.write(piece);
    assert.equal(request.holdsPiece, false);
    piece.fill("x");
    request.end();
    assert.equal((await answer).text, "as it was");
  });

  it("that is cut off resets its stream and no other", async (test) => {
    const { session, arrived } = await setUp(test);
    const cut = answerOf(ask(session));
    const whole = answerOf(ask(session));
    const [first, second] = [await arrived(1), await arrived(2)];
    for (const request of [first, second]) {
      request.begin(200, "HTTP/1.1 200 OK\r\n", "chunked");
      request.write(Buffer.from("a beginning"));
    }
    first.destroy();
    assert.equal((await cut).code, constants.NGHTTP2_INTERNAL_ERROR);
    second.end(", an end");
    assert.deepEqual(await whole, { status: 200, text: "a beginning, an end", code: 0 });
  });

  it("that needs nothing more of the body tells its client to stop", async (test) => {
    const { session, arrived } = await setUp(test);
    const stream = ask(session, { ":method": "POST" }, false);
    const answer = answerOf(stream);
    stream.write(Buffer.alloc(1_000_000));
    const request = await arrived(1);
    request.answer(413, "", "too much");
    assert.deepEqual(await answer, { status: 413, text: "too much", code: constants.NGHTTP2_NO_ERROR });
  });
});

describe("a request's body over HTTP/2", () => {
  it("waits, and its client with it, until somebody reads it", async (test) => {
    const { session, arrived } = await setUp(test);
    const stream = ask(session, { ":method": "POST" }, false);
    let sent = 0;
    for (let count = 0; count < 64; count++)
      stream.write(Buffer.alloc(65_536), () => {
        sent += 65_536;
      });
    stream.end();
    const request = await arrived(1);
    const sink = new Sink();
    request.sink = sink;
    // Another request on the connection is the clock: it is served all the same.
    const other = answerOf(ask(session, { ":path": "/other" }));
    (await arrived(2)).answer(200, "", "meanwhile");
    assert.equal((await other).text, "meanwhile");
    assert.equal(sink.bytes, 0);
    assert(sent < 64 * 65_536, "the client was held back");
    sink.onPiece = () => request.pause();
    request.read();
    await until("a piece has come", () => sink.bytes > 0);
    const first = sink.bytes;
    sink.onPiece = () => {};
    assert(first <= 65_536, "a pause holds what follows");
    request.read();
    await until("all has come", () => sink.events.includes("end"));
    assert.equal(sink.bytes, 64 * 65_536);
  });

  it("is asked for with 100 Continue when its client waits for that", async (test) => {
    const { session, arrived } = await setUp(test);
    const stream = ask(session, { ":method": "POST", expect: "100-continue" }, false);
    const request = await arrived(1);
    request.sink = new Sink();
    const asked = once(stream, "continue");
    request.read();
    await asked;
    stream.end("the body");
    await until("it has come", () => (request.sink as Sink).events.includes("end"));
    assert.equal((request.sink as Sink).bytes, 8);
  });

  it("that is not as long as its head says resets the stream, and counts as a client that left", async (test) => {
    const { session, arrived } = await setUp(test);
    const stream = ask(session, { ":method": "POST", "content-length": "10" }, false);
    const request = await arrived(1);
    const sink = new Sink();
    request.sink = sink;
    request.read();
    stream.end("short");
    await closed(stream);
    await until("the request is over", () => sink.events.length > 0);
    assert.deepEqual(sink.events, ["closed"]);
  });
});

describe("a client of HTTP/2 that leaves", () => {
  interface Leaving {
    readonly stream: ClientHttp2Stream;
    readonly session: ClientHttp2Session;
    readonly socket: TLSSocket;
  }
  // `close` would end the request's body properly, before it resets the stream.
  const leaves: Record<string, (leaving: Leaving) => unknown> = {
    "gives up the request": ({ stream }) => stream.destroy(new Error("I have seen enough")),
    "ends the session": ({ session }) => session.destroy(),
    "closes the connection": ({ socket }) => socket.destroy(),
  };
  const whens: Record<string, (request: ClientRequest) => void> = {
    "before the answer": () => {},
    "during the answer": (request) => {
      request.begin(200, "HTTP/1.1 200 OK\r\n", "chunked");
      request.write(Buffer.from("begun"));
    },
  };
  for (const [how, leave] of Object.entries(leaves))
    for (const [when, begin] of Object.entries(whens))
      for (const reading of [false, true])
        it(`${how} ${when}${reading ? ", in the middle of its upload," : ""} is told of once`, async (test) => {
          const { session, socket, arrived } = await setUp(test);
          const stream = ask(session, { ":method": "POST" }, !reading);
          const request = await arrived(1);
          const sink = new Sink();
          request.sink = sink;
          begin(request);
          if (reading) {
            stream.write("a beginning");
            request.read();
            await until("it has come", () => sink.bytes > 0);
          }
          leave({ stream, session, socket });
          await until("the request is over", () => sink.events.length > 0);
          // What comes too late must harm nothing.
          request.write(Buffer.from("too late"));
          request.flush();
          request.end();
          request.destroy();
          assert.deepEqual(sink.events, ["closed"]);
        });
});

/** A frame (RFC 9113 §4.1). */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** What a client sends first, with settings that change nothing. */
const PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(4, 0, 0, Buffer.alloc(0)),
]);
/** POST https://a.test/ by the static table (RFC 7541, appendix A). */
const POST_HEAD = Buffer.concat([Buffer.from([0x83, 0x87, 0x84, 0x41, 6]), Buffer.from("a.test")]);

describe("a stream that its client resets without an error", () => {
  it("does not pass for one whose body is whole", async (test) => {
    const { listener, arrived } = await setUp(test);
    const socket = openSocket(listener.port);
    cleanUp(test, () => socket.destroy());
    socket.write(
      Buffer.concat([PREFACE, frame(1, 4, 1, POST_HEAD), frame(0, 0, 1, Buffer.from("a beginning"))]),
    );
    const request = await arrived(1);
    const sink = new Sink();
    request.sink = sink;
    request.read();
    await until("it has come", () => sink.bytes > 0);
    socket.write(frame(3, 0, 1, Buffer.alloc(4)));
    await until("the request is over", () => sink.events.length > 0);
    assert.deepEqual(sink.events, ["closed"]);
  });
});

describe("a connection with a request in progress, whose client is silent", () => {
  /** A connection without its listener: the test tells the time. */
  async function setUpConnection(test: TestContext) {
    const { cert, key } = await made;
    const requests: ClientRequest[] = [];
    const server = createServer({ cert, key, ALPNProtocols: ["h2"] }).listen(0, "127.0.0.1");
    cleanUp(test, () => server.close());
    await once(server, "listening");
    const client = openSocket((server.address() as AddressInfo).port);
    client.on("error", () => {});
    cleanUp(test, () => client.destroy());
    const [socket] = (await once(server, "secureConnection")) as [TLSSocket];
    const owner = {
      nowMs: 0,
      closing: false,
      clients: new Clients(),
      onRequest: (request: ClientRequest) => void requests.push(request),
      onRefused: () => {},
    };
    const connection = new Http2Connection(socket, owner);
    const arrived = () => until("the request has come", () => requests[0]);
    return { client, socket, connection, arrived };
  }

  it("stays when its client answers a ping", async (test) => {
    const { client, socket, connection, arrived } = await setUpConnection(test);
    const session = await open(client);
    const answer = answerOf(ask(session));
    const request = await arrived();
    connection.checkTime(1_000);
    const before = socket.bytesRead;
    connection.checkTime(12_000);
    await until("it has answered", () => socket.bytesRead > before);
    connection.checkTime(23_000);
    connection.checkTime(33_000);
    assert.equal(socket.destroyed, false);
    request.answer(200, "", "late");
    assert.equal((await answer).text, "late");
  });

  it("ends, and its request with it, when that does not", async (test) => {
    const { client, socket, connection, arrived } = await setUpConnection(test);
    client.write(Buffer.concat([PREFACE, frame(1, 5, 1, POST_HEAD)]));
    const request = await arrived();
    const sink = new Sink();
    request.sink = sink;
    connection.checkTime(1_000);
    connection.checkTime(12_000);
    connection.checkTime(20_000);
    assert.equal(socket.destroyed, false);
    connection.checkTime(22_000);
    assert.equal(socket.destroyed, true);
    await until("the request is over", () => sink.events.length > 0);
    assert.deepEqual(sink.events, ["closed"]);
  });
});

describe("a listener that closes", () => {
  it("lets streams in progress finish, takes no others, and ends the connection", async (test) => {
    const { listener, session, arrived, requests } = await setUp(test);
    const first = answerOf(ask(session));
    const request = await arrived(1);
    let closed = false;
    const closing = listener.close().then(() => {
      closed = true;
    });
    const [code, last] = (await once(session, "goaway")) as [number, number];
    assert.deepEqual([code, last], [constants.NGHTTP2_NO_ERROR, 1]);
    assert.equal(closed, false);
    assert.equal(requests.length, 1);
    request.answer(200, "", "the last");
    assert.equal((await first).text, "the last");
    await closing;
    await until("the connection has ended", () => session.destroyed);
  });

  it("ends idle connections at once", async (test) => {
    const { listener, session } = await setUp(test);
    await listener.close();
    await until("the connection has ended", () => session.destroyed);
  });

  it("ends connections whose handshake is not over when it is destroyed", async (test) => {
    const { listener } = await setUp(test);
    const socket = connectTcp(listener.port, "127.0.0.1").on("error", () => {});
    await once(socket, "connect");
    listener.destroy();
    await once(socket, "close");
  });
});
