/** What `dexter dev` shows of requests and exceptions, and what `dexter start` does not. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startDev } from "../support/dev.ts";
import { startNode, until } from "../support/node.ts";

const THROWS = `import { fail } from "./_deep.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/throw")) fail({ user: null });
    return new Response("fine", { status: pathname.endsWith("/teapot") ? 418 : 200 });
  },
};
`;
const DEEP = `interface Order { user: { name: string } | null }

export function fail(order: Order): string {
  return order.user!.name;
}
`;
const FILES = { "functions/shop.ts": THROWS, "functions/_deep.ts": DEEP };

describe("an exception in a handler", () => {
  it("is a page with mapped stack and code for browsers in dev, text for others, and a stack in the log", async (test) => {
    const dev = await startDev(test, FILES);
    const url = `${dev.dexter.url}/shop/throw`;
    const page = await fetch(url, { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } });
    assert.equal(page.status, 500);
    assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
    const html = (await page.text()).replace(/<[^>]*>/g, "");
    assert.match(html, /Cannot read properties of null/);
    assert.match(html, /functions\/_deep\.ts:4:22/);
    assert.match(html, /return order\.user!\.name;/);
    assert.match(html, /functions\/shop\.ts:6:/);

    for (const accept of ["*/*", "application/json", "text/plain, text/html;q=0.5"]) {
      const answer = await fetch(url, { headers: { accept } });
      assert.equal(answer.status, 500);
      assert.match(answer.headers.get("content-type")!, /^text\/plain/);
      const text = await answer.text();
      assert.match(
        text,
        /TypeError: Cannot read properties of null[\s\S]*at fail \(functions\/_deep\.ts:4:22\)/,
      );
      assert.match(text, /> 4 \| {3}return order\.user!\.name;/);
    }
    const log = await dev.says(/error shop: TypeError: Cannot read properties of null/);
    assert.match(log, /at fail \(\S*functions\/_deep\.ts:4:22\)\n\s+at .*functions\/shop\.ts:6:\d+/);
  });

  it("is a plain 500 with a request id in production, and the stack is in the log under that id", async (test) => {
    const node = await startNode(test, {
      functions: {
        shop: `const fail = (order) => order.user.name;
export default { fetch() { fail({ user: null }); } };`,
      },
      directives: { num_servers: 1 },
    });
    const answer = await fetch(`${node.dexter.url}/shop`, { headers: { accept: "text/html" } });
    assert.equal(answer.status, 500);
    assert.match(answer.headers.get("content-type")!, /^text\/plain/);
    const id = answer.headers.get("x-request-id")!;
    assert.equal(await answer.text(), `500 Internal Server Error\nrequest id: ${id}\n`);
    const line = await until("it is logged", () => node.log().find(({ requestId }) => requestId === id));
    assert.match(
      line.msg,
      /^TypeError: Cannot read properties of null[\s\S]*at fail \(\S*functions\/shop\.js:1:\d+\)/,
    );
  });
});

describe("the request log of dexter dev", () => {
  it("has one readable line for each request, and no noise", async (test) => {
    const dev = await startDev(test, FILES);
    const from = dev.mark();
    await dev.get("/shop?q=1");
    await fetch(`${dev.dexter.url}/shop/teapot`, { method: "POST", body: "x" });
    await dev.get("/nowhere");
    const said = await dev.says(/404/, from);
    const lines = said.split("\n").filter((line) => line !== "");
    const expected = [
      /^\d\d:\d\d:\d\d 200 GET \/shop\?q=1 shop [\d.]+ ms$/,
      /^\d\d:\d\d:\d\d 418 POST \/shop\/teapot shop [\d.]+ ms$/,
      /^\d\d:\d\d:\d\d 404 GET \/nowhere [\d.]+ ms$/,
    ];
    assert.equal(lines.length, expected.length, said);
    for (const [index, pattern] of expected.entries()) assert.match(lines[index]!, pattern);
  });

  it("tells a tunnel and a client that gave up", async (test) => {
    const dev = await startDev(test, {
      "functions/ws.js": `export default { fetch() {
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  return new Response(null, { status: 101, webSocket: client });
} };`,
      "functions/slow.js":
        "export default { async fetch() { await scheduler.wait(60_000); return new Response(); } };",
    });
    const { WebSocket } = await import("ws");
    const socket = new WebSocket(`${dev.dexter.url.replace("http", "ws")}/ws`);
    await new Promise((resolve) => socket.once("open", resolve));
    socket.close();
    await dev.says(/ 101 GET \/ws ws [\d.]+ m?s/);
    await assert.rejects(fetch(`${dev.dexter.url}/slow`, { signal: AbortSignal.timeout(100) }));
    await dev.says(/ aborted GET \/slow slow \d+ ms/);
  });

  it("prints what functions print, with their name", async (test) => {
    const dev = await startDev(test, {
      "functions/chatty.js": `export default { fetch() { console.log("hello", { a: 1 }); console.error("oh no"); return new Response(); } };`,
    });
    await dev.get("/chatty");
    await dev.says(/info chatty: hello \{ a: 1 \}/);
    await dev.says(/error chatty: oh no/);
  });
});
