/** WebSockets, and requests that never end, leave threads to other functions and to other clients. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { cleanUp, type NodeOptions, startNode, type TestNode, until } from "../../support/node.ts";
import { RawWebSocket } from "../../support/raw-socket.ts";

const SOCKET = `
export default {
  fetch(request) {
    if (request.headers.get("upgrade") !== "websocket") return new Response("no socket");
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    return new Response(null, { status: 101, webSocket: client });
  },
};`;
const HELLO = 'export default { fetch: () => new Response("hello") };';
const ENDLESS = `
export default {
  fetch() {
    let timer;
    return new Response(new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("begun"));
        timer = setInterval(() => controller.enqueue(new TextEncoder().encode(".")), 200);
      },
      cancel() { clearInterval(timer); },
    }));
  },
};`;

const FUNCTIONS = { socket: SOCKET, hello: HELLO, endless: ENDLESS };
/** 16 threads, of which one is kept; a quarter are four, and half of what sockets may hold are seven. */
const SIXTEEN = {
  num_servers: 1,
  max_threads_per_child: 16,
  start_threads: 1,
  min_spare_threads: 0,
  max_spare_threads: 1,
};

const start = (
  test: TestContext,
  directives: Record<string, unknown> = {},
  functions: NodeOptions["functions"] = FUNCTIONS,
) => startNode(test, { functions, directives: { ...SIXTEEN, ...directives } });

/** So many handshakes, from as many addresses or from one. @returns how each was answered */
async function ask(test: TestContext, node: TestNode, count: number, from = (_: number) => "127.0.0.1") {
  const sockets = [];
  for (let i = 0; i < count; i++) {
    const raw = await RawWebSocket.ask(node.dexter.port, "/socket", { from: from(i) });
    cleanUp(test, () => raw.destroy());
    sockets.push(raw);
  }
  return sockets;
}

const granted = (sockets: readonly RawWebSocket[]) => sockets.filter(({ status }) => status === 101).length;
const each = (i: number) => `127.0.1.${i + 1}`;

describe("WebSockets that hold a thread each", { timeout: 60_000 }, () => {
  it("leave threads to other functions, whoever opens them", async (test) => {
    const node = await start(test);
    const sockets = await ask(test, node, 20, each);
    assert.equal(granted(sockets), 7);
    const refused = sockets.find(({ status }) => status !== 101)!;
    assert.equal(refused.status, 503);
    assert.match(refused.head, /^retry-after: 1\r$/im);
    assert.equal((await node.get("/hello")).text, "hello");
    assert(
      node
        .log()
        .some(({ msg }) =>
          /^a WebSocket of socket was refused: its 7 WebSockets hold 7 of 16 threads/.test(msg),
        ),
    );
    const advice = node
      .log()
      .filter(({ msg }) =>
        /^socket has \d+ WebSockets, and each of them holds one of 16 threads: raise/.test(msg),
      );
    assert.equal(advice.length, 1);
  });

  it("of one client leave threads to other clients", async (test) => {
    const node = await start(test);
    assert.equal(granted(await ask(test, node, 10)), 4);
    assert(node.log().some(({ msg }) => /the client's 4 WebSockets hold 4 of 16 threads/.test(msg)));
    assert.equal(granted(await ask(test, node, 1, () => "127.0.0.2")), 1);
    assert.equal((await node.get("/hello")).text, "hello");
  });

  it("may be opened again when others have ended", async (test) => {
    const node = await start(test);
    const first = await ask(test, node, 5);
    assert.equal(granted(first), 4);
    first[0]!.destroy();
    await until("its thread is free", async () => (await node.status()).totals.busy === 3);
    assert.equal(granted(await ask(test, node, 2)), 1);
  });

  it("leave some to the requests of the only function of a node, too", async (test) => {
    const node = await start(test, { max_share_per_client: 100 }, { socket: SOCKET });
    assert.equal(granted(await ask(test, node, 20)), 15);
    assert.equal((await node.get("/socket")).text, "no socket");
  });
});

describe("WebSockets that share threads", { timeout: 60_000 }, () => {
  it("may be as many as max_sockets", async (test) => {
    const node = await start(test, { concurrency: 100, max_sockets: 30 });
    const sockets = await ask(test, node, 32);
    assert.equal(granted(sockets), 30);
    assert.equal(sockets.at(-1)!.status, 503);
    assert(node.log().some(({ msg }) => /it has 30, as many as max_sockets allows/.test(msg)));
    assert(!node.log().some(({ msg }) => /raise its concurrency/.test(msg)));
  });
});

describe("responses without an end", { timeout: 60_000 }, () => {
  it("leave threads to other functions", async (test) => {
    const node = await start(test, { max_share_per_client: 100, queue_timeout: "60s" });
    const stop = new AbortController();
    cleanUp(test, () => stop.abort());
    const streams = Array.from({ length: 30 }, () =>
      fetch(`${node.dexter.url}/endless`, { signal: stop.signal }).catch(() => {}),
    );
    await until("they hold as many threads as they get", async () => {
      const { totals } = await node.status();
      return totals.busy === 15 && totals.queued === 15;
    });
    for (let i = 0; i < 20; i++) assert.equal((await node.get("/hello")).text, "hello");
    stop.abort();
    await Promise.all(streams);
  });
});
