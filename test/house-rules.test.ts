/** The rules of the house that a machine can check: the folders are the architecture. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true })
    .map((file) => join(folder, String(file)))
    .filter((file) => /\.(?:ts|tsx|js)$/.test(file) && !file.includes("node_modules"));
}

const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");

/** Files of the project that a file imports, types included: a cycle of types is a cycle of ideas. */
function importsOf(file: string): string[] {
  const found = withoutComments(read(file)).matchAll(/\b(?:from|import)\s*\(?\s*["'](\.[^"'\n]*)["']/g);
  return [...found]
    .map(([, path]) => relative(root, resolve(root, dirname(file), path!)))
    .filter((path) => existsSync(join(root, path)));
}

/** The first way around that is found, or undefined. */
function findCycle(files: readonly string[]): string[] | undefined {
  const finished = new Set<string>();
  const visit = (file: string, path: string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (finished.has(file)) return undefined;
    for (const next of importsOf(file)) {
      const cycle = visit(next, [...path, file]);
      if (cycle) return cycle;
    }
    finished.add(file);
    return undefined;
  };
  for (const file of files) {
    const cycle = visit(file, []);
    if (cycle) return cycle;
  }
  return undefined;
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
    const cycle = findCycle([...sources("scheduler"), ...sources("runtime"), ...sources("page")]);
    assert.equal(cycle?.join(" → "), undefined);
  });

  it("keep policy pure: no clock, no input or output", () => {
    for (const file of sources("scheduler/policy")) {
      const text = withoutComments(read(file));
      assert.doesNotMatch(text, /["']node:(?!assert)/, `${file} imports a module of Node`);
      assert.doesNotMatch(
        text,
        /\b(?:Date\.now|new Date\(\)|performance\.|setTimeout|setInterval|process\.)/,
        file,
      );
    }
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
