/** What a version's id says: equal content and settings, equal id; and which revision of it has secrets. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FunctionConfig, Version } from "../../scheduler/types.ts";
import { hasSecrets, withSecrets } from "../../scheduler/versions/revision.ts";
import { createVersion } from "../../scheduler/versions/version.ts";

const FUNCTION = {
  name: "hello",
  compatibilityDate: "2026-11-01",
  compatibilityFlags: [],
  vars: { A: "1", B: "2" },
  routes: [],
  catchAll: false,
  threads: { startThreads: 1, minSpareThreads: 1, maxSpareThreads: 2, concurrency: 1, idleTimeoutMs: 1 },
} as unknown as FunctionConfig;
const build = (fn: object = {}, js = "export default {}", sourceMap?: string): Version =>
  createVersion({ ...FUNCTION, ...fn } as FunctionConfig, "main.js", { "main.js": { js } }, sourceMap);

describe("a version's id", () => {
  it("depends neither on the order of keys nor on the source map", () => {
    assert.equal(build({ vars: { B: "2", A: "1" } }, undefined, "{}").id, build().id);
  });

  it("is another one for other code, variables, routes or thread settings", () => {
    const ids = [
      build(),
      build({}, "export default { fetch() {} }"),
      build({ vars: { A: "1" } }),
      build({ routes: ["example.com/*"] }),
      build({ threads: { ...FUNCTION.threads, concurrency: 2 } }),
    ].map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.match(id, /^[\da-f]{16}$/);
  });
});

describe("a revision", () => {
  const secrets = { tag: "9f3c22aa", values: new Map([["A", "secret"]]) };

  it("has the secrets in its env, before variables of the same name, and the version as it was built", () => {
    const version = build();
    const revision = withSecrets(version, secrets);
    assert.deepEqual(revision.env, { A: "secret", B: "2" });
    assert.equal(revision.built, version);
    assert.deepEqual(version.env, { A: "1", B: "2" });
  });

  it("shows people the id of its content", () => {
    const { id, revision } = withSecrets(build(), secrets);
    assert.equal(id, build().id);
    assert.notEqual(revision, id);
    assert.deepEqual(
      [hasSecrets({ version: id, revision }), hasSecrets({ version: id, revision: id })],
      [true, false],
    );
  });

  it("without secrets is what servers know by the id of its content", () => {
    const version = build();
    const revision = withSecrets(version, { tag: "9f3c22aa", values: new Map() });
    assert.deepEqual([revision.revision, revision.built, revision.env], [version.id, version, version.env]);
  });
});
