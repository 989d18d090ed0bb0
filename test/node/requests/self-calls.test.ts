/** Functions that ask the node again, each other or themselves: counted through, and refused before they take every thread. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startNode, type TestNode, until } from "../../support/node.ts";
import { sharedNode } from "../../support/shared-node.ts";

/** Asks the address in `?to=` again, or says which loop header its request had. */
const AGAIN = `
export default {
  async fetch(request) {
    const { pathname, search, searchParams } = new URL(request.url);
    const to = searchParams.get("to");
    if (!to) return Response.json({ loop: request.headers.get("cdn-loop") });
    const other = { "/ping": "/pong", "/pong": "/ping" }[pathname] ?? pathname;
    const init = searchParams.has("forward") ? { headers: request.headers } : {};
    const answer = await fetch(to + other + search, init);
    const depth = 1 + Number(answer.headers.get("x-depth"));
    return new Response(answer.body, { status: answer.status, headers: { "x-depth": String(depth) } });
  },
};`;

/** Sends requests out in several ways, and shows the header that they have. */
const SENDS = `
import http from "node:http";
const loopOf = async (response) => (await response.json()).loop;
export default {
  async fetch(request) {
    const echo = new URL(request.url).searchParams.get("to") + "/again";
    const own = { headers: { "CDN-Loop": "mine; a=b" } };
    await null;
    return Response.json({
      plain: await loopOf(await fetch(echo)),
      url: await loopOf(await fetch(new URL(echo))),
      request: await loopOf(await fetch(new Request(echo, own))),
      init: await loopOf(await fetch(echo, own)),
      node: await new Promise((resolve, reject) => {
        http.get(echo, (answer) => {
          let text = "";
          answer.on("data", (data) => (text += data));
          answer.on("end", () => resolve(JSON.parse(text).loop));
        }).on("error", reject);
      }),
    });
  },
};`;

const addressOf = (node: Pick<TestNode, "dexter">) =>
  encodeURIComponent(`http://127.0.0.1:${node.dexter.port}`);

describe("a function that asks itself", { timeout: 60_000 }, () => {
  const functions = { again: AGAIN, ping: AGAIN, pong: AGAIN, sends: SENDS };
  const node = sharedNode({ functions });
  const to = () => addressOf(node);

  for (const [what, path] of [
    ["with requests of its own", "/again"],
    ["by way of another function", "/ping"],
    ["with the headers of its client", "/again?forward"],
  ] as const) {
    it(`${what} holds 16 threads and no more, and gets 508`, async () => {
      const before = (await node.status()).totals;
      const { status, head } = await node.ask(`${path}${path.includes("?") ? "&" : "?"}to=${to()}`);
      assert.equal(status, 508);
      assert.equal(head.headers.find(([name]) => name === "x-depth")?.[1], "16");
      await node.idle();
      assert.equal((await node.status()).totals.requests - before.requests, 16);
    });
  }

  it("is refused with a sentence in the log that names it", async () => {
    await node.ask(`/again?to=${to()}`);
    await until("the log says so", () =>
      /"limit":"self_calls","function":"again".*came back to this node 16 times/.test(node.dexter.output()),
    );
  });

  it("counts through whatever sends the request, and keeps entries that others have set", async () => {
    const loops = await node.json({
      path: `/sends?to=${to()}`,
      headers: [["CDN-Loop", "other, dexter, Dexter;x=1"]],
    });
    const three = "dexter, dexter, dexter";
    assert.deepEqual(loops, {
      plain: three,
      url: three,
      request: `mine; a=b, ${three}`,
      init: `mine; a=b, ${three}`,
      node: three,
    });
  });

  it("with other networks' entries alone is not refused", async () => {
    const headers = Array.from({ length: 40 }, () => ["CDN-Loop", "dexterity, other; dexter=1"] as const);
    assert.equal((await node.ask({ path: "/again", headers })).status, 200);
  });
});

describe("functions with several requests at once", { timeout: 60_000 }, () => {
  it("count each request's own loop", async (test) => {
    const directives = {
      concurrency: 50,
      num_servers: 1,
      max_threads_per_child: 1,
      start_threads: 1,
      min_spare_threads: 0,
      max_spare_threads: 1,
      allow_network: ["127.0.0.1/32"],
    };
    const node = await startNode(test, { functions: { again: AGAIN }, directives });
    const answers = await Promise.all(
      Array.from({ length: 3 }, () => node.get(`/again?to=${addressOf(node)}`)),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      [508, 508, 508],
    );
    assert.equal((await node.status()).totals.requests, 48);
  });
});
