/** The client of a thread's socket, against a server that does whatever the test wants. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { ResponseHead } from "../../scheduler/dispatch/response-head.ts";
import {
  type ConnectionLoss,
  type ResponseSink,
  ThreadClient,
  type ThreadConnection,
} from "../../scheduler/dispatch/thread-client.ts";
import { FakeThread } from "../support/fake-thread.ts";

const HEAD = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const ANSWER = ["HTTP/1.1 200 OK", "Content-Length: 2", "", "ok"];

/** Takes down what a connection reports of one request. */
class Sink implements ResponseSink {
  status = 0;
  body = "";
  loss: ConnectionLoss | undefined;
  onSent = () => {};
  #settle!: (how: "ended" | "lost") => void;
  readonly over = new Promise<"ended" | "lost">((resolve) => {
    this.#settle = resolve;
  });

  onHead({ status }: ResponseHead): void {
    this.status = status;
  }
  onResponseBody(chunk: Buffer): boolean {
    this.body += chunk.toString("latin1");
    return false;
  }
  onEnd(): void {
    this.#settle("ended");
  }
  onLost(loss: ConnectionLoss): void {
    this.loss = loss;
    this.#settle("lost");
  }
  onReadDone(): void {}
  onThreadDrain(): void {}
}

async function setUp(test: TestContext) {
  const thread = await FakeThread.make(test);
  await thread.listen();
  const client = new ThreadClient(thread.path);
  test.after(() => client.close());
  return { thread, client };
}

function send(connection: ThreadConnection, sink = new Sink()): Sink {
  connection.send("GET", HEAD, { upgrade: false, body: false }, sink);
  return sink;
}

/** One request, answered on the `count`th connection to the thread. */
async function exchange(thread: FakeThread, connection: ThreadConnection, count = 1): Promise<Sink> {
  const sink = send(connection);
  const peer = await thread.peer(count);
  await peer.receives(HEAD);
  peer.received = "";
  peer.answer(...ANSWER);
  assert.equal(await sink.over, "ended");
  return sink;
}

describe("a connection to a thread", { timeout: 20_000 }, () => {
  it("serves one request after the other", async (test) => {
    const { thread, client } = await setUp(test);
    for (let round = 0; round < 3; round++) {
      const { status, body } = await exchange(thread, client.connection(performance.now()));
      assert.deepEqual([status, body], [200, "ok"]);
    }
    assert.equal(thread.peers.length, 1);
  });

  it("is used again within 3 s, and not after: the thread closes it after 5", async (test) => {
    const { thread, client } = await setUp(test);
    const connection = client.connection(0);
    await exchange(thread, connection);
    assert.equal(client.connection(connection.lastUsedMs + 2_999), connection);
    await exchange(thread, connection);
    const other = client.connection(connection.lastUsedMs + 3_001);
    assert.notEqual(other, connection);
    await thread.peers[0]!.closed();
    await exchange(thread, other, 2);
  });

  it("is not used again after Connection: close", async (test) => {
    const { thread, client } = await setUp(test);
    const connection = client.connection(0);
    const sink = send(connection);
    const peer = await thread.peer(1);
    peer.answer("HTTP/1.1 200 OK", "Connection: close", "Content-Length: 0", "", "");
    assert.equal(await sink.over, "ended");
    assert.notEqual(client.connection(connection.lastUsedMs), connection);
  });

  it("is not used again when the answer came before the end of the request", async (test) => {
    const { thread, client } = await setUp(test);
    const connection = client.connection(0);
    const sink = new Sink();
    connection.send("POST", HEAD, { upgrade: false, body: true }, sink);
    (await thread.peer(1)).answer(...ANSWER);
    assert.equal(await sink.over, "ended");
    assert.equal(connection.socket.destroyed, true);
    assert.notEqual(client.connection(connection.lastUsedMs), connection);
  });

  it("that was paused for a slow client serves the next request", async (test) => {
    const { thread, client } = await setUp(test);
    const connection = client.connection(0);
    const slow = new Sink();
    slow.onResponseBody = () => {
      connection.socket.pause();
      return false;
    };
    send(connection, slow);
    (await thread.peer(1)).answer(...ANSWER);
    assert.equal(await slow.over, "ended");
    assert.equal(client.connection(connection.lastUsedMs), connection);
    await exchange(thread, connection);
  });

  it("is dropped when bytes come that belong to no response", async (test) => {
    const { thread, client } = await setUp(test);
    const connection = client.connection(0);
    await exchange(thread, connection);
    thread.peers[0]!.answer("HTTP/1.1 200 OK", "Content-Length: 6", "", "forged");
    await thread.peers[0]!.closed();
    const other = client.connection(connection.lastUsedMs);
    assert.notEqual(other, connection);
    assert.equal((await exchange(thread, other, 2)).body, "ok");
  });

  it("is dropped when they come together with the response, which stays whole", async (test) => {
    const { thread, client } = await setUp(test);
    const connection = client.connection(0);
    const sink = send(connection);
    const peer = await thread.peer(1);
    peer.answer(...ANSWER, "HTTP/1.1 200 OK", "Content-Length: 6", "", "forged");
    assert.equal(await sink.over, "ended");
    assert.equal(sink.body, "ok");
    await peer.closed();
    assert.notEqual(client.connection(connection.lastUsedMs), connection);
  });

  it("keeps what its sink still needs, whatever other connections read", async (test) => {
    const { thread, client } = await setUp(test);
    const kept: Buffer[] = [];
    const slow = new Sink();
    slow.onResponseBody = (chunk) => kept.push(chunk) > 0;
    const one = client.connection(0);
    const other = client.connection(0);
    send(one, slow);
    (await thread.peer(1)).answer("HTTP/1.1 200 OK", "Content-Length: 5", "", "AAAAA");
    assert.equal(await slow.over, "ended");
    const next = send(other);
    (await thread.peer(2)).answer("HTTP/1.1 200 OK", "Content-Length: 5", "", "BBBBB");
    assert.equal(await next.over, "ended");
    await exchange(thread, one);
    assert.equal(String(kept[0]), "AAAAA");
  });

  it("is not used again once the thread has closed it, although it is not gone yet", async (test) => {
    const { thread, client } = await setUp(test);
    const connection = client.connection(0);
    await exchange(thread, connection);
    const ended = new Promise<ThreadConnection>((resolve) => {
      connection.socket.once("end", () => resolve(client.connection(connection.lastUsedMs)));
    });
    thread.peers[0]!.socket.end();
    const other = await ended;
    assert.notEqual(other, connection);
    await exchange(thread, other, 2);
  });

  it("is dropped when the thread closes it while it is idle", async (test) => {
    const { thread, client } = await setUp(test);
    const connection = client.connection(0);
    await exchange(thread, connection);
    const closed = new Promise<void>((resolve) => connection.socket.once("close", () => resolve()));
    thread.peers[0]!.socket.end();
    await closed;
    assert.notEqual(client.connection(connection.lastUsedMs), connection);
  });

  it("that is abandoned tells its sink nothing more, and the thread that its client left", async (test) => {
    const { thread, client } = await setUp(test);
    const connection = client.connection(0);
    const sink = send(connection);
    const peer = await thread.peer(1);
    await peer.receives(HEAD);
    peer.answer("HTTP/1.1 200 OK", "Content-Length: 1000", "", "begun");
    connection.abandon();
    await peer.closed();
    assert.deepEqual([sink.status, sink.body, sink.loss], [0, "", undefined]);
  });
});

describe("a request that is lost", { timeout: 20_000 }, () => {
  it("counts as unsent when nobody listens on the thread's socket", async (test) => {
    const { path } = await FakeThread.make(test);
    const sink = send(new ThreadClient(path).connection(0));
    assert.equal(await sink.over, "lost");
    assert.deepEqual([sink.loss!.unsent, sink.loss!.error.code], [true, "SERVER_LOST"]);
  });

  it("counts as unsent when the thread closed the connection just before (EPIPE)", async (test) => {
    const { thread, client } = await setUp(test);
    const connection = client.connection(0);
    await exchange(thread, connection);
    thread.peers[0]!.socket.destroy();
    const sink = send(client.connection(connection.lastUsedMs));
    assert.equal(await sink.over, "lost");
    assert.equal(sink.loss!.unsent, true);
  });

  it("counts as unsent when the thread closed the connection without reading it (ECONNRESET)", async (test) => {
    const { thread, client } = await setUp(test);
    const connection = client.connection(0);
    await exchange(thread, connection);
    const [peer] = thread.peers;
    peer!.socket.pause();
    const sink = send(client.connection(connection.lastUsedMs));
    peer!.socket.destroy();
    assert.equal(await sink.over, "lost");
    assert.deepEqual([peer!.received, sink.loss!.unsent], ["", true]);
  });

  it("asks for no body when its head was refused", async (test) => {
    const { thread, client } = await setUp(test);
    const connection = client.connection(0);
    await exchange(thread, connection);
    thread.peers[0]!.socket.destroy();
    const sink = new Sink();
    sink.onSent = () => assert.fail("the body was asked for");
    connection.send("POST", HEAD, { upgrade: false, body: true }, sink);
    assert.equal(await sink.over, "lost");
    assert.equal(sink.loss!.unsent, true);
  });

  for (const [title, answer] of [
    ["before any answer", []],
    ["within the head", ["HTTP/1.1 200 OK", "Content-"]],
    ["within the body", ["HTTP/1.1 200 OK", "Content-Length: 100", "", "a beginning"]],
    ["within a chunked body", ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "5", "begin"]],
  ] as const) {
    it(`may have reached the thread when the connection ends ${title}`, async (test) => {
      const { thread, client } = await setUp(test);
      const sink = send(client.connection(0));
      const peer = await thread.peer(1);
      await peer.receives(HEAD);
      peer.socket.end(answer.join("\r\n"));
      assert.equal(await sink.over, "lost");
      assert.equal(sink.loss!.unsent, false);
    });
  }

  it("is lost with a reset in the middle of the response", async (test) => {
    const { thread, client } = await setUp(test);
    const sink = new Sink();
    const begun = new Promise<void>((resolve) => {
      sink.onResponseBody = () => {
        resolve();
        return false;
      };
    });
    send(client.connection(0), sink);
    const peer = await thread.peer(1);
    await peer.receives(HEAD);
    peer.answer("HTTP/1.1 200 OK", "Content-Length: 100", "", "a beginning");
    await begun;
    peer.socket.destroy();
    assert.equal(await sink.over, "lost");
    assert.deepEqual([sink.status, sink.loss!.unsent], [200, false]);
  });

  it("is lost with a response that cannot be understood", async (test) => {
    const { thread, client } = await setUp(test);
    const sink = send(client.connection(0));
    (await thread.peer(1)).answer("HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 2", "", "ab");
    assert.equal(await sink.over, "lost");
    assert.deepEqual([sink.loss!.unsent, sink.loss!.error.code], [false, "BAD_RESPONSE"]);
    assert.equal(thread.peers.length, 1);
  });
});

describe("an answer", { timeout: 20_000 }, () => {
  it("to an upload that the thread does not read arrives although later writes are refused", async (test) => {
    const { thread, client } = await setUp(test);
    const connection = client.connection(0);
    const sink = new Sink();
    sink.onSent = () => {
      connection.socket.write(Buffer.alloc(300_000));
    };
    connection.send("POST", HEAD, { upgrade: false, body: true }, sink);
    const peer = await thread.peer(1);
    await peer.receives(HEAD);
    peer.socket.pause();
    peer.answer("HTTP/1.1 413 Too Large", "Content-Length: 2", "", "no");
    peer.socket.destroySoon();
    assert.equal(await sink.over, "ended");
    assert.deepEqual([sink.status, sink.body], [413, "no"]);
  });
});
