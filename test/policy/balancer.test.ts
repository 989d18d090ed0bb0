import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Choice, leastBusy } from "../../scheduler/policy/balancer.ts";
import { assertProperty } from "../support/properties.ts";

const server = (busy: number, size = 1, responsive = true): Choice => ({ busy, size, responsive });

describe("the balancer", () => {
  it("takes the server with the fewest requests in progress", () => {
    const servers = [server(3), server(1), server(2)];
    assert.equal(leastBusy(servers), servers[1]);
  });

  it("takes the one with fewer threads among equally busy ones, then the first", () => {
    const servers = [server(1, 5), server(1, 2), server(1, 2)];
    assert.equal(leastBusy(servers), servers[1]);
  });

  it("passes over a server that does not answer its probes, however idle", () => {
    const servers = [server(0, 1, false), server(9)];
    assert.equal(leastBusy(servers), servers[1]);
  });

  it("takes none that does not answer, even if there is no other", () =>
    assert.equal(leastBusy([server(2, 1, false), server(1, 1, false)]), undefined));

  it("chooses nothing from nothing", () => assert.equal(leastBusy([]), undefined));

  it("never chooses a server while another is better in every respect", () => {
    const candidate = fc.record({ busy: fc.nat(5), size: fc.nat(5), responsive: fc.boolean() });
    assertProperty(
      fc.property(fc.array(candidate, { maxLength: 6 }), (candidates) => {
        const allowed = candidates.filter(({ responsive }) => responsive);
        const chosen = leastBusy(candidates);
        assert.equal(chosen === undefined, allowed.length === 0);
        if (chosen === undefined) return;
        assert(allowed.includes(chosen));
        for (const other of allowed) {
          assert(chosen.busy < other.busy || (chosen.busy === other.busy && chosen.size <= other.size));
        }
      }),
    );
  });
});
