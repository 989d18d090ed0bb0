/** Which requests a canary gets when the same client is to get the same version. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { Canaries, type CanaryPorts } from "../../scheduler/deploy/canaries.ts";
import type { Candidate } from "../../scheduler/deploy/deployer.ts";
import type { RequestHead } from "../../scheduler/http/request-head.ts";
import type { CanarySettings } from "../../scheduler/policy/canary.ts";
import { says } from "../support/deploy.ts";
import { cleanUp } from "../support/node.ts";

const CLIENTS = 10_000;

/** A canary for a tenth of the clients of `hello`. */
function canaryFor(test: TestContext, sticky: CanarySettings["sticky"]) {
  const ports = {
    registry: { canaries: new Map() },
    reroute: () => {},
    carryOut: async () => {},
  };
  const canaries = new Canaries(ports as unknown as CanaryPorts);
  cleanUp(test, () => canaries.close());
  const candidate = { entry: { pool: "hello with the new version" }, finish() {} } as unknown as Candidate;
  const settings = { percent: 10, windowMs: 60_000, ...(sticky && { sticky }) };
  canaries.begin(candidate, says("hello", "new"), settings, "test");
  return (...rawHeaders: string[]) =>
    canaries.poolFor("hello", { block: { rawHeaders } } as unknown as RequestHead) !== "hello";
}

/** Of so many clients, those that get the new version. */
function chosen(takes: (...headers: string[]) => boolean, cookieOf: (client: number) => string): number {
  return Array.from({ length: CLIENTS }, (_, client) => client).filter((client) =>
    takes("Cookie", cookieOf(client)),
  ).length;
}

const assertTenth = (count: number) => assert.ok(count > 900 && count < 1_100, `${count} of ${CLIENTS}`);

describe("a canary that is sticky by a cookie", () => {
  for (const [values, cookieOf] of Object.entries({
    "of one word": (client: number) => `session=${client}`,
    'with "=" in them': (client: number) => `session=uid=${client}`,
    'that end with "="': (client: number) => `session=${Buffer.from(String(client)).toString("base64")}==`,
    "between other cookies": (client: number) => `a=b=c; session=v1=${client}; z=1`,
  }))
    it(`gets its part of clients with values ${values}`, (test) => {
      const takes = canaryFor(test, { from: "cookie", name: "session" });
      assertTenth(chosen(takes, cookieOf));
    });

  it("tells values apart by all of their characters", (test) => {
    const takes = canaryFor(test, { from: "cookie", name: "session" });
    const twice = (client: number) => takes("Cookie", `session=uid=${client}`);
    for (let client = 0; client < 100; client++) assert.equal(twice(client), twice(client));
    const outcomes = new Set(Array.from({ length: 100 }, (_, client) => twice(client)));
    assert.equal(outcomes.size, 2, "some clients get the new version, and some do not");
  });

  it("takes a cookie without a value for one that is empty", (test) => {
    const takes = canaryFor(test, { from: "cookie", name: "session" });
    assert.equal(takes("Cookie", "session"), takes("Cookie", "session="));
  });
});

describe("a canary that is sticky by a header", () => {
  it("gets its part of the clients", (test) => {
    const takes = canaryFor(test, { from: "header", name: "x-user" });
    const count = Array.from({ length: CLIENTS }, (_, client) => takes("X-User", `uid=${client}`)).filter(
      Boolean,
    ).length;
    assertTenth(count);
  });
});
