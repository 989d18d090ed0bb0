/** The life of a process that serves: what a stop does at each of its stages. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Life } from "../../scheduler/cli/life.ts";
import type { Logger } from "../../scheduler/logs/logger.ts";

function begin() {
  const events: string[] = [];
  const log = { info: (message: string) => void events.push(message) } as unknown as Logger;
  const life = new Life({ log, close: async () => void events.push("logs closed") }, () =>
    events.push("exit"),
  );
  let stopped: () => void = () => {};
  const node = {
    inspectorPort: undefined,
    stop: (graceful: boolean) => {
      events.push(graceful ? "stop" : "stop at once");
      return new Promise<void>((resolve) => {
        stopped = resolve;
      });
    },
  };
  const over = async () => {
    stopped();
    await new Promise(setImmediate);
  };
  return { events, life, node, over };
}

describe("a stop", () => {
  it("gives up a start that is under way, and does nothing more", () => {
    const { events, life } = begin();
    assert.equal(life.givenUp.aborted, false);
    life.stop(true);
    assert.equal(life.givenUp.aborted, true);
    assert.deepEqual(events, []);
  });

  it("closes what comes first, stops the node, closes the logs, and ends the process", async () => {
    const { events, life, node, over } = begin();
    life.serves(node);
    life.closeFirst(() => events.push("relay closed"));
    life.stop(true);
    assert.deepEqual(events, ["stopping after the requests in progress", "relay closed", "stop"]);
    await over();
    assert.deepEqual(events.slice(3), ["logs closed", "exit"]);
    assert.equal(life.givenUp.aborted, false);
  });

  it("at once hurries one that is under way", async () => {
    const { events, life, node } = begin();
    life.serves(node);
    life.stop(true);
    life.stop(false);
    assert.deepEqual(events, ["stopping after the requests in progress", "stop", "stop at once"]);
  });

  it("closes what is opened while it is under way", () => {
    const { events, life, node } = begin();
    life.serves(node);
    life.stop(false);
    life.closeFirst(() => events.push("hot reload closed"));
    assert.deepEqual(events, ["stop at once", "hot reload closed"]);
  });
});
