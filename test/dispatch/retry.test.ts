/** What the dispatcher does with requests whose thread is gone, or slow, or whose client is. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Dispatcher } from "../../scheduler/dispatch/dispatcher.ts";
import type { Exchange } from "../../scheduler/dispatch/exchange.ts";
import { DexterError } from "../../scheduler/errors.ts";
import { createClientResolver } from "../../scheduler/http/client-address.ts";
import { Listener } from "../../scheduler/http/listener.ts";
import type { Thread } from "../../scheduler/policy/thread.ts";
import { FakeThread } from "../support/fake-thread.ts";
import { spec } from "../support/fleet-world.ts";
import { RawConnection } from "../support/http.ts";

/** A listener and a dispatcher with one thread or several, whose socket is the test's. */
async function setUp(test: TestContext, threads = 1, socketOf?: (path: string) => string | undefined) {
  const thread = await FakeThread.make(test);
  const loading: Thread[] = [];
  const over: Exchange[] = [];
  const dispatcher = new Dispatcher(
    {
      socketOf: () => (socketOf ? socketOf(thread.path) : thread.path),
      load: (loads) => void loading.push(loads),
      retire: () => {},
      full: () => {},
      due: () => {},
    },
    {
      sockets: {
        admit: () => undefined,
        join: () => assert.fail("no request asks for a socket"),
        left: () => {},
      },
      traceparent: () => "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
      refused: () => {},
      suspect: () => {},
      renderFailure({ request }, failure) {
        assert(failure instanceof DexterError);
        request.answer(failure.status!, "", failure.code);
      },
      finished: [(exchange) => void over.push(exchange)],
    },
    { queue: 10, queueTimeoutMs: 10_000, clientShare: 1 },
  );
  const { fleet } = dispatcher;
  fleet.promote(spec("f", { startThreads: threads, minSpareThreads: 0, maxSpareThreads: threads }), 0);
  fleet.activate("f", 0);
  fleet.addServer(1, { maxThreads: threads, maxRequests: 0 }, 0);
  for (const loads of loading) fleet.loaded(loads, 0);
  fleet.open(1, 0);
  const listener = await Listener.listen(
    { host: "127.0.0.1", port: 0 },
    {
      clientOf: createClientResolver([]),
      route: () => "f",
      dispatch: (request, about) => dispatcher.dispatch(request, about),
      notFound: () => assert.fail("every request has its function"),
    },
    { backlog: 10, sendBufferSize: 0 },
  );
  test.after(() => {
    dispatcher.forgetServer(1);
    listener.destroy();
  });
  const connect = async () => {
    const connection = await RawConnection.open(listener.port);
    test.after(() => connection.destroy());
    return connection;
  };
  const busy = () => [...fleet.servers].reduce((sum, server) => sum + server.busy, 0);
  /** Waits until the only request has been tried `count` times in vain. */
  const tried = async (count: number) => {
    while (![...dispatcher.exchanges].some(({ retries }) => retries >= count)) await setImmediate();
  };
  return { thread, dispatcher, connect, over, busy, tried };
}

/** Answers the `count`th connection to the thread once its request says `end`. */
async function answer(thread: FakeThread, count: number, end: string): Promise<string> {
  const peer = await thread.peer(count);
  await peer.receives(end);
  const { received } = peer;
  peer.received = "";
  peer.answer("HTTP/1.1 200 OK", "Content-Length: 2", "", "ok");
  return received;
}

/** One whole exchange, after which the connection to the thread is kept. */
async function keepConnection(thread: FakeThread, connection: RawConnection): Promise<void> {
  await connection.send();
  await answer(thread, 1, "\r\n\r\n");
  await connection.body(await connection.head()).rest();
}

describe("a request that nothing of reached the thread", { timeout: 20_000 }, () => {
  it("is sent again until somebody listens", async (test) => {
    const { thread, connect } = await setUp(test);
    const connection = await connect();
    await connection.send({ path: "/again" });
    await thread.listen();
    assert.match(await answer(thread, 1, "\r\n\r\n"), /^GET \/again /);
    assert.equal((await connection.head()).status, 200);
  });

  it("is answered with 502 when nobody ever does", async (test) => {
    const { connect, over, busy } = await setUp(test);
    const connection = await connect();
    await connection.send();
    assert.equal((await connection.head()).status, 502);
    assert.equal(over.length, 1);
    assert.equal(busy(), 0);
  });

  it("is sent once its thread has a server again", async (test) => {
    let asked = 0;
    const { thread, connect } = await setUp(test, 1, (path) => (++asked > 2 ? path : undefined));
    await thread.listen();
    const connection = await connect();
    await connection.send({ method: "POST", path: "/again", body: "kept" });
    assert.match(await answer(thread, 1, "kept"), /^POST \/again /);
    assert.equal((await connection.head()).status, 200);
    assert.equal(asked, 3);
  });

  it("keeps a body that came with it", async (test) => {
    const { thread, connect } = await setUp(test);
    const connection = await connect();
    await connection.send({ method: "POST", body: "the whole of it" });
    await thread.listen();
    assert.match(await answer(thread, 1, "the whole of it"), /\r\n\r\nthe whole of it$/);
    assert.equal((await connection.head()).status, 200);
  });

  it("keeps a body that came in between", async (test) => {
    const { thread, connect, tried } = await setUp(test);
    const connection = await connect();
    await connection.send({ method: "POST", headers: [["Content-Length", "15"]] });
    await tried(1);
    await connection.write("the whole");
    await tried(3);
    await connection.write(" of it");
    await thread.listen();
    assert.match(await answer(thread, 1, "of it"), /\r\n\r\nthe whole of it$/);
    assert.equal((await connection.head()).status, 200);
  });

  it("keeps a body that comes between a refused head and the next try", async (test) => {
    const { thread, connect, tried } = await setUp(test);
    await thread.listen();
    const connection = await connect();
    await keepConnection(thread, connection);
    const [peer] = thread.peers;
    peer!.socket.pause();
    await connection.send({ method: "POST", headers: [["Content-Length", "15"]] });
    const retried = tried(1);
    peer!.socket.destroy();
    await retried;
    await connection.write("the whole of it");
    assert.match(await answer(thread, 2, "of it"), /^POST [\s\S]*\r\n\r\nthe whole of it$/);
    assert.equal((await connection.head()).status, 200);
  });

  it("is sent over another connection when the kept one was closed", async (test) => {
    const { thread, connect } = await setUp(test);
    await thread.listen();
    const connection = await connect();
    await keepConnection(thread, connection);
    // Both ends are in this process: the close is done before the request is read, and noticed after.
    thread.peers[0]!.socket.destroy();
    await connection.send({ method: "POST", body: "kept" });
    assert.match(await answer(thread, 2, "kept"), /^POST/);
    assert.equal((await connection.head()).status, 200);
  });
});

describe("an exchange", { timeout: 20_000 }, () => {
  it("holds the thread back once, however many chunks come at a time", async (test) => {
    const { thread, connect } = await setUp(test);
    await thread.listen();
    const warnings: Error[] = [];
    const listen = (warning: Error) => void warnings.push(warning);
    process.on("warning", listen);
    test.after(() => void process.off("warning", listen));
    const connection = await connect();
    await connection.send();
    const peer = await thread.peer(1);
    await peer.receives("\r\n\r\n");
    const chunk = `10\r\n${"x".repeat(16)}\r\n`;
    peer.answer("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", `${chunk.repeat(20_000)}0\r\n\r\n`);
    const { bytes } = await connection.body(await connection.head()).rest();
    assert.equal(bytes.length, 320_000);
    assert.deepEqual(warnings, []);
  });

  it("is not grown by a head that the thread repeats", async (test) => {
    const { thread, connect } = await setUp(test);
    await thread.listen();
    const connection = await connect();
    for (let round = 0; round < 3; round++) {
      await connection.send();
      await answer(thread, 1, "\r\n\r\n");
      const head = await connection.head();
      await connection.body(head).rest();
      const own = head.headers
        .map(([name]) => name)
        .filter((name) => !/^(date|connection|keep-alive)$/.test(name));
      assert.deepEqual(own, ["content-length", "x-request-id"]);
    }
    assert.equal(thread.peers.length, 1);
  });

  it("gives its thread back when the client leaves, and takes the thread's answer for nobody's", async (test) => {
    const { thread, connect, over, busy } = await setUp(test);
    await thread.listen();
    const leaving = await connect();
    await leaving.send({ path: "/left" });
    const peer = await thread.peer(1);
    await peer.receives("/left");
    assert.equal(busy(), 1);
    leaving.socket.resetAndDestroy();
    await peer.closed();
    assert.deepEqual([over.length, over[0]!.outcome, busy()], [1, "aborted", 0]);
    const next = await connect();
    await next.send({ path: "/next" });
    assert.match(await answer(thread, 2, "\r\n\r\n"), /^GET \/next /);
    assert.equal((await next.head()).status, 200);
  });

  it("ends the client's connection when the thread is lost in the middle of the response", async (test) => {
    const { thread, connect, over, busy } = await setUp(test);
    await thread.listen();
    const connection = await connect();
    await connection.send();
    const peer = await thread.peer(1);
    await peer.receives("\r\n\r\n");
    peer.answer("HTTP/1.1 200 OK", "Content-Length: 100", "", "a beginning");
    const body = connection.body(await connection.head());
    assert.equal(await body.until("beginning"), "a beginning");
    peer.socket.destroy();
    assert.equal((await body.rest()).cut, true);
    assert.deepEqual([over[0]!.outcome, busy()], ["lost", 0]);
  });
});

describe("a request that was sent ahead", { timeout: 20_000 }, () => {
  it("is sent elsewhere when the one before it takes long after all", async (test) => {
    const { thread, dispatcher, connect, busy } = await setUp(test, 4);
    await thread.listen();
    const first = await connect();
    await keepConnection(thread, first);
    for (let look = 0; look < 10; look++)
      dispatcher.fleet.adapt(1, { share: 1, perRequestMs: 10 }, performance.now());
    const waiting: RawConnection[] = [];
    for (const path of ["/one", "/two", "/ahead"]) {
      const connection = await connect();
      await connection.send({ path });
      waiting.push(connection);
      while (!thread.peers.some(({ received }) => received.includes(path))) await setImmediate();
    }
    assert.equal(thread.peers.length, 2, "it went to a thread that had one");
    const behind = thread.peers.find(({ received }) => received.includes("/ahead"))!;
    while (thread.peers.length < 3) {
      dispatcher.recallAhead();
      await setImmediate();
    }
    assert.match(await answer(thread, 3, "/ahead HTTP/1.1"), /^GET \/ahead /);
    assert.equal((await waiting[2]!.head()).status, 200);
    const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for (const peer of thread.peers.slice(0, 2)) peer.answer(peer === behind ? ok + ok : ok);
    for (const connection of waiting.slice(0, 2)) assert.equal((await connection.head()).status, 200);
    while (busy() > 0) await setImmediate();
  });
});
