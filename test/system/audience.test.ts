/** Those who look at the node are told its end, and do not hold it up. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Audience } from "../../scheduler/system/audience.ts";

describe("the end of an audience", () => {
  it("is told to those who look, and over when they have gone", async () => {
    const audience = new Audience();
    let go!: () => void;
    audience.join(
      new Promise<void>((resolve) => {
        go = resolve;
      }),
    );
    let isOver = false;
    const end = audience.end().then(() => {
      isOver = true;
    });
    assert.equal(audience.ending.aborted, true);
    await new Promise(setImmediate);
    assert.equal(isOver, false);
    go();
    await end;
  });

  it("comes also when somebody stays", async () => {
    const audience = new Audience();
    audience.join(new Promise(() => {}));
    await audience.end();
  });

  it("comes at once where nobody looks", async () => {
    await new Audience().end();
  });
});
