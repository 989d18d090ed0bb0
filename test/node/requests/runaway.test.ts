/** Code that does not end costs its own request an answer, and no request of another function. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PROBE, startNode, until } from "../../support/node.ts";

const LOOP = "export default { fetch() { for (;;); } };";
const REGEX = `export default { fetch() { return new Response(String(/^(a+)+$/.test("a".repeat(50) + "!"))); } };`;
const DIRECTIVES = { num_servers: 2, cpu_limit: "500ms" };

describe("code that runs away", () => {
  for (const [name, code] of [
    ["loop", LOOP],
    ["regex", REGEX],
  ] as const)
    it(`is ended (${name}), named in the log, and costs other functions nothing`, async (test) => {
      const functions = { [name]: code, a: PROBE, b: PROBE };
      const node = await startNode(test, { functions, directives: DIRECTIVES });
      const culprit = node.get(`/${name}?x=1`);
      const others = await Promise.all(
        Array.from({ length: 24 }, (_, i) => node.get(`/${i % 2 ? "a" : "b"}?ms=${i * 20}`)),
      );
      const { status, headers } = await culprit;
      assert.equal(status, 503);
      assert.match(String(headers["retry-after"]), /^\d+$/);
      assert.deepEqual(new Set(others.map((answer) => answer.status)), new Set([200]));
      const id = String(headers["x-request-id"]);
      await until("the log names function, request and path", () =>
        node.log().some((line) => {
          const text = JSON.stringify(line);
          return text.includes(id) && text.includes(`/${name}`) && line.level >= 40;
        }),
      );
    });
});

describe("a request that takes too long", () => {
  it("gets a 504 when no response comes, and the function goes on", async (test) => {
    const directives = { response_timeout: "300ms" };
    const node = await startNode(test, { functions: { probe: PROBE }, directives });
    assert.equal((await node.get("/probe?ms=60000")).status, 504);
    assert.equal((await node.get("/probe")).status, 200);
  });

  it("gets a 504 when it as a whole takes longer than it may", async (test) => {
    const directives = { request_timeout: "300ms" };
    const node = await startNode(test, { functions: { probe: PROBE }, directives });
    assert.equal((await node.get("/probe?ms=60000")).status, 504);
  });
});
