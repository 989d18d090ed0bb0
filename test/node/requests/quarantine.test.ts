/** A function that makes servers die again and again is quarantined; those beside it are not. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { PROBE, startNode } from "../../support/node.ts";

it("quarantines the function that loops from the third death, and no other", async (test) => {
  const functions = { loop: "export default { fetch() { for (;;); } };", a: PROBE, b: PROBE };
  const node = await startNode(test, { functions, directives: { num_servers: 2, cpu_limit: "500ms" } });
  const quarantined = () => node.log().filter(({ msg }) => /quarantine/.test(msg));
  for (let death = 1; death <= 3; death++) {
    const culprit = node.get("/loop");
    const others = await Promise.all(["/a?ms=100", "/b?ms=100", "/a", "/b"].map((path) => node.get(path)));
    assert.equal((await culprit).status, 503);
    assert.deepEqual(
      others.map(({ status }) => status),
      [200, 200, 200, 200],
    );
    if (death < 3) assert.deepEqual(quarantined(), []);
  }
  assert(quarantined().length > 0);
  for (const line of quarantined()) assert.equal(line.function, "loop", JSON.stringify(line));
});
