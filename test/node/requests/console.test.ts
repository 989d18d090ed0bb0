/** What functions print reaches the log, and never holds a server up. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startNode, type TestNode, until } from "../../support/node.ts";

const DIRECTIVES = { num_servers: 1, start_threads: 1, min_spare_threads: 0, log_level: "debug" };
const LEVEL = { debug: 20, info: 30, warn: 40, error: 50 };

const TALKS = `
console.log("while loading");
export default {
  async fetch(request, env, ctx) {
    console.log("%s is %d years %j", "Ada", 36, { born: 1815 }, "more");
    console.log({ an: "object" }, [1, 2]);
    console.log("  indented\\nand on a second line");
    console.log();
    console.info("100% sure");
    console.debug("for debugging");
    console.warn("take care");
    console.error(new TypeError("went wrong"));
    await scheduler.wait(10);
    console.log("after an await");
    setTimeout(() => console.log("in a timer"), 1);
    ctx.waitUntil(scheduler.wait(20).then(() => console.log("in waitUntil")));
    return new Response();
  },
};`;

const TELLS = `
export default {
  async fetch(request) {
    const tag = new URL(request.url).searchParams.get("tag");
    for (let step = 0; step < 5; step++) {
      console.log(tag, step);
      await scheduler.wait(10);
    }
    return new Response(tag);
  },
};`;

const FLOODS = `
export default {
  fetch() {
    for (let line = 0; line < 100_000; line++) console.log("line", line);
    console.warn("that was all");
    return new Response("done");
  },
};`;

const said = (node: TestNode, text: string) => node.log().filter(({ msg }) => msg.includes(text));

describe("console output", () => {
  it("reaches the log with level, function and request id, wherever in a request it is written", async (test) => {
    const node = await startNode(test, { functions: { talks: TALKS }, directives: DIRECTIVES });
    const { headers } = await node.get("/talks");
    const id = headers["x-request-id"];
    await until("the last line is logged", () => said(node, "in waitUntil").length > 0);
    const lines = node.log().filter((line) => line.function === "talks" && line.requestId === id);
    assert.deepEqual(
      lines.map(({ level, msg }) => [level, msg.split("\n    at ")[0]]),
      [
        [LEVEL.info, 'Ada is 36 years {"born":1815} more'],
        [LEVEL.info, "{ an: 'object' } [ 1, 2 ]"],
        [LEVEL.info, "  indented\nand on a second line"],
        [LEVEL.info, ""],
        [LEVEL.info, "100% sure"],
        [LEVEL.debug, "for debugging"],
        [LEVEL.warn, "take care"],
        [LEVEL.error, "TypeError: went wrong"],
        [LEVEL.info, "after an await"],
        [LEVEL.info, "in a timer"],
        [LEVEL.info, "in waitUntil"],
      ],
    );
    const [loading] = said(node, "while loading");
    assert.equal(loading?.function, "talks");
    assert.equal(loading?.requestId, undefined);
  });

  it("names the right request when two share an isolate", async (test) => {
    const node = await startNode(test, {
      functions: { tells: TELLS },
      directives: { ...DIRECTIVES, concurrency: 2, max_threads_per_child: 1 },
    });
    const answers = await Promise.all(["left", "right"].map((tag) => node.get(`/tells?tag=${tag}`)));
    for (const { headers, text } of answers) {
      const lines = await until(`all of ${text} is logged`, () => {
        const own = said(node, text);
        return own.length === 5 && own;
      });
      for (const { requestId } of lines) assert.equal(requestId, headers["x-request-id"]);
    }
    const order = node.log().filter((line) => line.function === "tells");
    assert.notEqual(order[0]!.requestId, order[1]!.requestId, "they ran at the same time");
  });

  it("of 100,000 lines at once does not block the server", async (test) => {
    const node = await startNode(test, {
      functions: { floods: FLOODS },
      directives: { ...DIRECTIVES, log_level: "warn" },
    });
    assert.equal((await node.get("/floods", { signal: AbortSignal.timeout(20_000) })).text, "done");
    await until("the last line is logged", () => said(node, "that was all").length === 1, 20_000);
  });
});
