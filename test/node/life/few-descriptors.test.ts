/** File descriptors that run out all the same are told of: the system closes connections then, and tells nobody. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { Incidents } from "../../../scheduler/limits/incidents.ts";
import { watchDescriptors } from "../../../scheduler/node/descriptors.ts";
import { leaveDescriptors } from "../../support/descriptors.ts";
import { needs } from "../../support/programs.ts";
import { until } from "../../support/until.ts";

for (const left of [0, 4])
  it(`when ${left} are left, there is a line in the log`, { skip: needs("prlimit") }, async (test) => {
    const lines: string[] = [];
    const incidents = new Incidents({ warn: (_, message) => void lines.push(message) });
    test.after(watchDescriptors(incidents, 10));
    const giveBack = leaveDescriptors(test, left);
    await until("it is told", () => lines.length > 0);
    giveBack();
    assert.match(lines[0]!, /^\d of \d+ file descriptors are left: lower max_connections$/);
  });
