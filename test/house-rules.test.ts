/** The rules of the house that a machine can check: the folders are the architecture. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { importsOf, LIMITS, measure, sources, withoutComments } from "../scripts/house.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const house = measure();

/** What in a source depends on a clock, on chance or on the world outside: modules, and names that everybody has. */
function impurities(text: string): string[] {
  const modules = [...text.matchAll(/\b(?:from|import)\s*\(?\s*["']([^"'\n]+)["']/g)].map(
    ([, name]) => name!,
  );
  const names = text.matchAll(
    /(?<![.#\w])(?:Date|performance|crypto|globalThis|global|process|console|fetch|Buffer|queueMicrotask|(?:set|clear)(?:Timeout|Interval|Immediate))(?!\w)(?!\??:)|\brandom\b/g,
  );
  return [
    ...modules.filter((name) => !name.startsWith(".") && !/^node:assert\b/.test(name)),
    ...[...names].map(([name]) => name),
  ];
}

describe("the folders", () => {
  it("keep the scheduler out of the runtime, but for the protocol", () => {
    for (const file of sources("scheduler")) {
      const wrong = importsOf(file).filter(
        (path) => path.startsWith("runtime/") && path !== "runtime/protocol.ts",
      );
      assert.deepEqual(wrong, [], `${file} imports code that runs inside workerd`);
    }
  });

  it("keep the runtime out of the scheduler", () => {
    for (const file of sources("runtime")) {
      const wrong = importsOf(file).filter((path) => !path.startsWith("runtime/"));
      assert.deepEqual(wrong, [], `${file} imports what does not run inside workerd`);
    }
  });

  it("keep the scheduler and the page apart, but for what goes over the wire", () => {
    for (const file of [...sources("scheduler"), ...sources("runtime")]) {
      const wrong = importsOf(file).filter((path) => path.startsWith("page/") && path !== "page/wire.ts");
      assert.deepEqual(wrong, [], `${file} imports code that runs in a browser`);
    }
    for (const file of sources("page")) {
      const wrong = importsOf(file).filter((path) => !path.startsWith("page/"));
      assert.deepEqual(wrong, [], `${file} imports what does not run in a browser`);
    }
  });

  it("make no markup of what the node tells the page", () => {
    for (const file of sources("page"))
      assert.doesNotMatch(
        withoutComments(read(file)),
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write/,
        file,
      );
  });

  it("hold no cycle of imports", () => {
    assert.deepEqual(house.fileCycles, []);
  });

  it("hold no cycle of folders", () => {
    assert.deepEqual(house.roomCycles, []);
  });

  it("leave no more than four files of the scheduler loose", () => {
    assert.ok(house.loose.length <= LIMITS.looseFiles, house.loose.join(", "));
  });

  it("have tests in folders of the same name", () => {
    for (const room of house.rooms) {
      const folder = room.replace("scheduler/", "test/");
      assert.ok(
        existsSync(join(root, folder)) && sources(folder).some((file) => file.endsWith(".test.ts")),
        folder,
      );
    }
  });

  it("keep policy pure: no clock, no input or output", () => {
    for (const file of sources("scheduler/policy")) {
      const text = withoutComments(read(file));
      assert.deepEqual(impurities(text), [], file);
    }
  });

  it("know in one file what a canary's pool is called, and in one what a revision is", () => {
    const knows = (pattern: RegExp) =>
      sources("scheduler").filter((file) => pattern.test(withoutComments(read(file))));
    assert.deepEqual(knows(/@canary/), ["scheduler/policy/canary.ts"]);
    assert.deepEqual(knows(/\.\$\{(?:\w+\.)*tag\}/), ["scheduler/versions/revision.ts"]);
    const takesApart =
      /\b(?:pool|revision)\s*\.\s*(?:split|slice|substring|indexOf|(?:starts|ends)With|match|replace)\b/;
    assert.deepEqual(knows(takesApart), []);
  });

  it("know what is not pure when they see it", () => {
    for (const text of [
      'import { setTimeout } from "node:timers/promises";',
      'import zod from "zod";',
      "const now = Date.now();",
      "const at = new Date;",
      "const text = Date();",
      "const { now } = Date;",
      "const now = performance.now();",
      "return Math.random() < 0.5;",
      "const { random } = Math;",
      "crypto.getRandomValues(bytes);",
      "globalThis.clock();",
      "queueMicrotask(run);",
      "process.nextTick(run);",
      "console.log(thread);",
      'await fetch("http://localhost");',
      'const fs = await import("node:fs");',
    ])
      assert.notDeepEqual(impurities(text), [], text);
    for (const text of [
      'import { strict as assert } from "node:assert";',
      'import type { Thread } from "./thread.ts";',
      "export function update(nowMs: number): void {}",
      "return Math.max(0, server.processed);",
      "this.performance = fn.process();",
    ])
      assert.deepEqual(impurities(text), [], text);
  });

  it("test properties with the same cases every time", () => {
    for (const file of sources("test")) {
      if (file === "test/support/properties.ts") continue;
      assert.doesNotMatch(withoutComments(read(file)), /\bfc\s*\.\s*(?:assert|check|sample)\b/, file);
    }
  });

  it("leave exit, arguments and signals to the composition root and the command line", () => {
    for (const file of sources("scheduler")) {
      if (file === "scheduler/main.ts" || file.startsWith("scheduler/cli/")) continue;
      const found = /\bprocess\s*\.\s*(?:exit|exitCode|argv|on|once)\b/.exec(withoutComments(read(file)));
      assert.equal(found?.[0], undefined, file);
    }
  });
});

/** Tracked files, so that nothing that lies about on one machine counts; outside a clone there are none. */
function trackedFiles(): string[] {
  if (!existsSync(join(root, ".git"))) return [];
  const { status, stdout } = spawnSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" });
  // No git on this machine, or a clone that it does not trust.
  if (status !== 0) return [];
  return stdout.split("\0").filter((file) => file !== "" && existsSync(join(root, file)));
}

// In pieces, so that this file does not find itself.
const MACHINE_PATH = new RegExp(
  `(?<![\\w.~/})-])/(?:${["work", "root", "home", "Users"].join("|")})/[\\w.-]`,
);
const REGISTRY = new RegExp(
  `\\b(?:${["registry", "npm"].join("\\.")}|${["registry", "yarnpkg"].join("\\.")})`,
);

describe("tracked files", () => {
  const texts = trackedFiles()
    .map((file) => ({ file, text: readFileSync(join(root, file), "latin1") }))
    .filter(({ text }) => !text.includes("\0"));

  it("name no path of somebody's machine", () => {
    for (const { file, text } of texts) assert.equal(MACHINE_PATH.exec(text)?.[0], undefined, file);
  });

  it("name no registry", () => {
    for (const { file, text } of texts) assert.equal(REGISTRY.exec(text)?.[0], undefined, file);
    assert.doesNotMatch(read("package-lock.json"), /"resolved": "https?:/);
  });
});
