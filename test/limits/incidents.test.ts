/** What limits have refused is counted, and told without filling the log. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Incidents } from "../../scheduler/limits/incidents.ts";

describe("an incident", () => {
  it("is counted for its function each time, and logged once for many of its kind", () => {
    const logged: unknown[] = [];
    const incidents = new Incidents({ warn: (details, message) => logged.push([details, message]) });
    for (let count = 0; count < 3; count++) incidents.note("console_line", { function: "a" }, "it was cut");
    incidents.note("cpu_limit", {}, "it was killed");
    assert.deepEqual(logged, [
      [{ limit: "console_line", function: "a" }, "it was cut"],
      [{ limit: "cpu_limit" }, "it was killed"],
    ]);
    const counts = [...incidents.counts].map(([kind, functions]) => [kind, ...functions]);
    assert.deepEqual(counts, [
      ["console_line", ["a", 3]],
      ["cpu_limit", ["", 1]],
    ]);
  });
});
