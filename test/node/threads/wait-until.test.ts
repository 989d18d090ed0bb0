/** Work handed to waitUntil is finished, although its thread or its server is on the way out. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { cleanUp, startNode, until } from "../../support/node.ts";

const LATER = `
export default {
  async fetch(request, env, ctx) {
    const { searchParams } = new URL(request.url);
    ctx.waitUntil((async () => {
      await scheduler.wait(Number(searchParams.get("ms")));
      await fetch("http://127.0.0.1:" + searchParams.get("port") + "/arrived");
    })());
    return new Response("accepted");
  },
};`;

const DIRECTIVES = {
  num_servers: 1,
  start_threads: 1,
  min_spare_threads: 1,
  max_spare_threads: 1,
  allow_network: ["local"],
};

/** A node whose function calls back a while after its answer; says whether it has. */
async function nodeThatCallsBack(test: TestContext, directives: Record<string, unknown> = {}) {
  let arrived = 0;
  const server = createServer((_, res) => {
    arrived++;
    res.end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp(test, () => {
    server.close();
    server.closeAllConnections();
  });
  const node = await startNode(test, {
    functions: { later: LATER },
    directives: { ...DIRECTIVES, ...directives },
  });
  const ask = (ms = 1_200) => node.get(`/later?ms=${ms}&port=${(server.address() as AddressInfo).port}`);
  return { node, ask, hasArrived: () => arrived > 0 };
}

describe("waitUntil", () => {
  it("work keeps the thread of a function that has become inactive", async (test) => {
    const { node, ask, hasArrived } = await nodeThatCallsBack(test, { idle_timeout: "200ms" });
    assert.equal((await ask(2_500)).text, "accepted");
    await until("the thread retires", async () => {
      const threads = (await node.status()).servers.flatMap((server) => server.threads);
      return threads.some(({ state, requests }) => state === "retiring" && requests === 1);
    });
    assert(!hasArrived());
    await until("its work is done", hasArrived, 5_000);
    await until("its slot is free", async () => (await node.status()).servers[0]!.threads.length === 0);
  });

  it("work keeps the server of a generation that is replaced", async (test) => {
    const { node, ask, hasArrived } = await nodeThatCallsBack(test);
    assert.equal((await ask()).text, "accepted");
    void node.dexter.stop("SIGHUP");
    await until(
      "the next generation serves",
      async () => (await node.status()).servers.at(-1)!.generation === 2,
    );
    await until("its work is done", hasArrived, 5_000);
    await until("the old server is gone", async () => (await node.status()).servers.length === 1);
  });

  it("work keeps a server that has used up its requests", async (test) => {
    const { node, ask, hasArrived } = await nodeThatCallsBack(test, { max_requests_per_child: 1 });
    assert.equal((await ask()).text, "accepted");
    await until("its work is done", hasArrived, 5_000);
    await until("the old server is gone", async () => (await node.status()).servers.length === 1);
  });

  it("work is finished before a graceful stop", async (test) => {
    const { node, ask, hasArrived } = await nodeThatCallsBack(test);
    assert.equal((await ask()).text, "accepted");
    assert.equal(await node.dexter.stop("SIGTERM"), 0);
    assert(hasArrived());
  });

  it("work does not hold up a stop for longer than stop_timeout", async (test) => {
    const { node, ask, hasArrived } = await nodeThatCallsBack(test, { stop_timeout: "100ms" });
    // The work would go on for a minute, and the default of stop_timeout is 30 s: the bound is far from both.
    assert.equal((await ask(60_000)).text, "accepted");
    const sinceMs = performance.now();
    assert.equal(await node.dexter.stop("SIGTERM"), 0);
    const tookMs = performance.now() - sinceMs;
    assert(!hasArrived());
    assert(tookMs < 15_000, `${tookMs} ms`);
  });
});
