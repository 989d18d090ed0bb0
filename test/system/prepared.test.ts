/** A change in two steps: all of it counts, or nothing of it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { allOf, orAbandon, type Prepared } from "../../scheduler/system/prepared.ts";

/** Parts of changes, and what became of them, in order. */
function recorder() {
  const events: string[] = [];
  const part = (name: string) => async (): Promise<Prepared> => {
    events.push(`${name} prepared`);
    return {
      finish: () => void events.push(`${name} finished`),
      abandon: () => void events.push(`${name} abandoned`),
    };
  };
  return { events, part };
}

const fails = async (): Promise<Prepared> => {
  throw new Error("the port is in use");
};

describe("a change of several parts", () => {
  it("prepares all of them before it finishes the first, in the same order", async () => {
    const { events, part } = recorder();
    const change = await allOf(part("files"), part("ports"));
    assert.deepEqual(events, ["files prepared", "ports prepared"]);
    change.finish();
    assert.deepEqual(events.slice(2), ["files finished", "ports finished"]);
  });

  it("abandons all of them, the last one first", async () => {
    const { events, part } = recorder();
    (await allOf(part("files"), part("ports"))).abandon();
    assert.deepEqual(events.slice(2), ["ports abandoned", "files abandoned"]);
  });

  it("of which one fails abandons those before it, prepares none behind it, and says why", async () => {
    const { events, part } = recorder();
    await assert.rejects(allOf(part("files"), part("ports"), fails, part("code")), /the port is in use/);
    assert.deepEqual(events, ["files prepared", "ports prepared", "ports abandoned", "files abandoned"]);
  });

  it("of which one throws at once abandons those before it, too", async () => {
    const { events, part } = recorder();
    const throws = () => {
      throw new Error("at once");
    };
    await assert.rejects(allOf(part("files"), throws), /at once/);
    assert.deepEqual(events, ["files prepared", "files abandoned"]);
  });

  it("leaves out a part that has nothing to change", async () => {
    const { events, part } = recorder();
    const change = await allOf(() => undefined, part("ports"));
    change.finish();
    assert.deepEqual(events, ["ports prepared", "ports finished"]);
  });
});

describe("the next step of a change", () => {
  it("gives back what it returns, and touches nothing", async () => {
    const { events, part } = recorder();
    assert.equal(await orAbandon(await part("code")(), async () => 7), 7);
    assert.deepEqual(events, ["code prepared"]);
  });

  it("that fails abandons what was prepared, and says why", async () => {
    const { events, part } = recorder();
    await assert.rejects(orAbandon(await part("code")(), fails), /the port is in use/);
    assert.deepEqual(events, ["code prepared", "code abandoned"]);
  });

  it("may fail where nothing was prepared", async () => {
    await assert.rejects(orAbandon(undefined, fails), /the port is in use/);
  });
});
