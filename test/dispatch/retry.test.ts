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
import type { FunctionLimits } from "../../scheduler/types.ts";
import { FakeThread } from "../support/fake-thread.ts";
import { spec } from "../support/fleet-world.ts";
import { RawConnection } from "../support/http.ts";

const LIMITS: FunctionLimits = {
  cpuLimitMs: 5_000,
  responseTimeoutMs: 0,
  requestTimeoutMs: 0,
  retry: "safe",
  maxBodyBytes: 0,
  maxSockets: 0,
  idleSocketTimeoutMs: 0,
};

/** A listener and a dispatcher with one thread or several, whose socket is the test's. */
async function setUp(test: TestContext, threads = 1, socketOf?: (path: string) => string | undefined) {
  const thread = await FakeThread.make(test);
  const loading: Thread[] = [];
  const over: Exchange[] = [];
  const limited: string[] = [];
  const suspected: number[] = [];
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
      suspect: () => void suspected.push(performance.now()),
      suspected: () => assert.fail("nothing is suspected"),
      limited: (_, kind) => void limited.push(kind),
      renderFailure({ request }, failure) {
        assert(failure instanceof DexterError);
        request.answer(failure.status!, "", failure.code);
      },
      finished: [(exchange) => void over.push(exchange)],
    },
    { queue: 10, queueTimeoutMs: 10_000, retryBudget: 0.1, clientShare: 1 },
    () => LIMITS,
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
  return { thread, dispatcher, connect, over, busy, tried, limited, suspected };
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
  /** Two requests in two threads, and a third behind one of them. */
  async function three(test: TestContext) {
    const all = await setUp(test, 4);
    const { thread, dispatcher, connect } = all;
    await thread.listen();
    const first = await connect();
    await keepConnection(thread, first);
    for (let look = 0; look < 10; look++)
      dispatcher.fleet.adapt(1, { share: 1, perRequestMs: 10 }, performance.now());
    const connections: RawConnection[] = [];
    for (const path of ["/one", "/two", "/ahead"]) {
      const connection = await connect();
      await connection.send({ path });
      connections.push(connection);
      while (!thread.peers.some(({ received }) => received.includes(path))) await setImmediate();
    }
    const at = (path: string) => thread.peers.find(({ received }) => received.includes(path))!;
    return { ...all, connections, at };
  }
  const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  const returned = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nx-dexter-returned: 1\r\n\r\n";

  it("has a connection of its own, and says so", async (test) => {
    const { at, busy } = await three(test);
    assert.match(at("/ahead").received, /"dexterAhead":\d+[,}]/);
    assert.doesNotMatch(at("/one").received, /dexterAhead/);
    assert.equal(busy(), 2, "it is in a thread that has one");
  });

  it("goes to another thread when the first has not come to it", async (test) => {
    const { thread, at, connections, busy } = await three(test);
    const before = at("/ahead");
    before.received = "";
    before.answer(returned);
    while (!thread.peers.some((peer) => peer.received.includes("/ahead"))) await setImmediate();
    assert.doesNotMatch(at("/ahead").received, /dexterAhead/);
    at("/ahead").answer(ok);
    assert.equal((await connections[2]!.head()).status, 200);
    for (const path of ["/one", "/two"]) at(path).answer(ok);
    for (const connection of connections.slice(0, 2)) assert.equal((await connection.head()).status, 200);
    while (busy() > 0) await setImmediate();
  });

  it("is not given to a second thread because of what a function writes", async (test) => {
    const { at, connections } = await three(test);
    at("/one").answer(returned);
    assert.equal((await connections[0]!.head()).status, 503);
  });

  it("keeps its connection when its client leaves, until its thread is known to be done with it", async (test) => {
    const { at, connections, dispatcher, busy } = await three(test);
    connections[2]!.socket.resetAndDestroy();
    while (dispatcher.exchanges.size > 2) await setImmediate();
    assert.equal(at("/ahead").socket.closed, false);
    for (const path of ["/one", "/two"]) at(path).answer(ok);
    for (const connection of connections.slice(0, 2)) assert.equal((await connection.head()).status, 200);
    assert.equal(busy(), 1);
    at("/ahead").answer(ok);
    while (busy() > 0) await setImmediate();
  });
});

describe("a request whose server dies", { timeout: 20_000 }, () => {
  /** One request in the thread of server 1, whose connection is lost. */
  async function lose(test: TestContext, request: Parameters<RawConnection["send"]>[0], answered = "") {
    const all = await setUp(test);
    await all.thread.listen();
    const connection = await all.connect();
    await connection.send({ path: "/lost", ...request });
    const peer = await all.thread.peer(1);
    await peer.receives("/lost");
    if (answered !== "") peer.answer(answered);
    peer.socket.end();
    while (all.suspected.length === 0 && all.over.length === 0) await setImmediate();
    return { ...all, connection };
  }

  it("runs again elsewhere, once", async (test) => {
    const { thread, dispatcher, connection, limited } = await lose(test, {});
    dispatcher.forgetServer(1);
    assert.match(await answer(thread, 2, "\r\n\r\n"), /^GET \/lost /);
    assert.equal((await connection.head()).status, 200);
    assert.deepEqual(limited, ["retry"]);
  });

  it("fails when that one dies, too", async (test) => {
    const { thread, dispatcher, connection } = await lose(test, {});
    dispatcher.forgetServer(1);
    const peer = await thread.peer(2);
    await peer.receives("/lost");
    peer.socket.end();
    assert.equal((await connection.head()).status, 502);
  });

  it("does not run again when its server turns out to live", async (test) => {
    const { thread, dispatcher, connection } = await lose(test, {});
    dispatcher.alive(1);
    assert.equal((await connection.head()).status, 502);
    assert.equal(thread.peers.length, 1);
  });

  for (const method of ["POST", "PATCH", "PUT", "DELETE"])
    it(`does not run again when it is a ${method}`, async (test) => {
      const { connection } = await lose(test, { method });
      assert.equal((await connection.head()).status, 502);
    });

  it("does not wait for that when its thread answers what cannot be read", async (test) => {
    const { thread, connect } = await setUp(test);
    await thread.listen();
    const connection = await connect();
    await connection.send();
    const peer = await thread.peer(1);
    await peer.receives("\r\n\r\n");
    peer.answer("HTTP/1.1 200 OK", `x: ${"x".repeat(70_000)}`);
    assert.equal((await connection.head()).status, 502);
  });

  it("is cut off when the client has seen a part of the answer", async (test) => {
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n";
    const { dispatcher, connection, over } = await lose(test, {}, `${head}${"x".repeat(5_000)}`);
    dispatcher.forgetServer(1);
    assert.equal((await connection.body(await connection.head()).rest()).cut, true);
    assert.equal(over[0]!.outcome, "lost");
  });
});
