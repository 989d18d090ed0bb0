/** The calls that the status page makes, and how the page itself is served. */
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import type { HistoryAnswer, LiveState } from "../../../page/wire.ts";
import { until } from "../../support/node.ts";
import { type WatchedNode, watchedNode } from "../../support/watched-node.ts";

describe("the status page's calls", () => {
  let node: WatchedNode;
  let token: string;
  before(async () => {
    node = await watchedNode();
    token = await node.token("read");
  });
  after(() => node?.stop());

  const call = (path: string, own = token, signal?: AbortSignal) =>
    fetch(node.url + path, { headers: { Authorization: `Bearer ${own}` }, ...(signal && { signal }) });
  const json = async <T>(path: string, own = token) => (await (await call(path, own)).json()) as T;

  it("serve the page to anybody, with a policy that lets nothing else in", async () => {
    for (const [path, type] of [
      ["", "text/html"],
      ["page.js", "text/javascript"],
      ["page.css", "text/css"],
    ] as const) {
      const { status, headers } = await fetch(node.url + path);
      assert.equal(status, 200, path);
      assert.match(headers.get("content-type")!, new RegExp(`^${type}; charset=utf-8$`));
      assert.match(headers.get("content-security-policy")!, /^default-src 'none'; script-src 'self';/);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("referrer-policy"), "no-referrer");
      assert.equal(headers.get("cache-control"), "no-store");
    }
  });

  it("need a token", async () => {
    for (const path of ["caller", "history", "live", "live?once"])
      assert.equal((await fetch(node.url + path)).status, 401, path);
  });

  it("tell who asks", async () => {
    assert.deepEqual(await json("caller"), { name: "read-1", scope: "read" });
    const limited = await node.token("deploy", ["answer"]);
    assert.deepEqual(await json("caller", limited), {
      name: "deploy-2",
      scope: "deploy",
      functions: ["answer"],
    });
  });

  it("tell everything at first, and what is new from then on", async () => {
    const version = await node.deploy("one");
    await fetch(`${node.dexter.url}/throws`).then((answer) => answer.text());
    const first = await json<LiveState>("live?once");
    assert.equal(first.whole, true);
    assert.deepEqual([first.deploys!.length, first.deploys![0]!.version], [1, version]);
    assert.equal(first.failures[0]!.function, "throws");
    assert.equal(first.slotsPerServer, 8);
    assert.equal(first.figures.functions.throws!.errors, 1);
    const second = await json<LiveState>(`live?once&after=${first.cursor}`);
    assert.deepEqual([second.whole, second.failures, second.deploys], [false, [], undefined]);
    await fetch(`${node.dexter.url}/throws`).then((answer) => answer.text());
    const third = await json<LiveState>(`live?once&after=${second.cursor}`);
    assert.deepEqual([third.failures.length, third.failures[0]!.count], [1, 2]);
    for (const cursor of ["nonsense", "1-other.1.1.1", `${first.cursor}.1`])
      assert.equal((await json<LiveState>(`live?once&after=${cursor}`)).whole, true, cursor);
  });

  it("remember the requests of the last 15 minutes, all or those of a function", async () => {
    await fetch(`${node.dexter.url}/answer`).then((answer) => answer.text());
    const sum = async (path: string) => {
      const { samples } = await json<HistoryAnswer>(path);
      return samples.reduce((all, { requests }) => all + requests, 0);
    };
    await until("the next sample has it", async () => (await sum("history?function=answer")) === 1);
    assert((await sum("history")) > 1);
    assert.equal(await sum("history?function=hold"), 0);
  });

  it("tell a token for some functions nothing of the others", async () => {
    const limited = await node.token("read", ["answer"]);
    const { samples, failures, deploys } = await json<HistoryAnswer>("history?function=throws", limited);
    assert.deepEqual(
      [failures, deploys, samples.reduce((all, { requests }) => all + requests, 0)],
      [[], [], 0],
    );
    const live = await json<LiveState>("live?once", limited);
    assert.deepEqual(live.failures, []);
    assert.deepEqual(live.deploys, []);
    assert(Object.keys(live.figures.functions).every((name) => name === "answer"));
    assert.deepEqual(
      live.status.functions.map(({ name }) => name),
      ["answer"],
    );
  });

  it("go on as long as somebody looks, and end with the node", async () => {
    const response = await call("live");
    assert.equal(response.headers.get("content-type"), "application/x-ndjson; charset=utf-8");
    const lines = createInterface({ input: Readable.fromWeb(response.body as never) });
    const told: (LiveState & { end?: true })[] = [];
    lines.on("line", (line) => told.push(JSON.parse(line)));
    const over = new Promise((resolve) => lines.once("close", resolve));
    await until("a second line came", () => told.length > 1);
    assert.equal(told[0]!.whole, true);
    assert.equal(told[1]!.whole, false);
    await node.end();
    await over;
    assert.deepEqual(told.at(-1), { end: true });
    assert.doesNotMatch(node.dexter.output(), /"level":[56]0.*internal/);
  });
});
