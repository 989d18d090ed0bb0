/** The documents tell the truth about what a machine can check: commands, directives, links, files, imports. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { directiveTable, FUNCTION_DIRECTIVES } from "../../scheduler/config/directives.ts";
import { rooms } from "../../scripts/house.ts";
import { REQUEST_HEADER_DIFFERENCES, RESPONSE_HEADER_DIFFERENCES } from "../fidelity/differences.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/directives.md"];
const readme = read("README.md");
const architecture = read("ARCHITECTURE.md");

/** The text under a heading, up to the next one of the same or a higher level. */
function section(text: string, heading: string): string {
  const level = heading.indexOf(" ");
  const from = text.indexOf(`\n${heading}\n`);
  assert.ok(from >= 0, `there is no "${heading}"`);
  const body = text.slice(from + heading.length + 2);
  const end = new RegExp(`^#{1,${level}} `, "m").exec(body);
  return body.slice(0, end?.index);
}

/** The rows of the first table whose head begins with these cells. */
function table(text: string, ...head: string[]): string[][] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${head.join(" | ")} |`));
  assert.ok(start >= 0, `there is no table of ${head.join(", ")}`);
  const rows: string[][] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith("|")) break;
    rows.push(
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
  }
  return rows;
}

const code = (cell = "") => /`([^`]*)`/.exec(cell)?.[1] ?? "";

/** Fenced blocks and `inline code`. */
function codeIn(text: string): string {
  return [...text.matchAll(/^```[^\n]*\n[\s\S]*?^```|`[^`\n]+`/gm)].map(([found]) => found).join("\n");
}

describe("README", () => {
  it("gives the two commands as they are to be typed", () => {
    assert.match(readme, /^```sh\nnpm ci && npm start\n```$/m);
    assert.match(readme, /^```sh\nnpm ci && npm test\n```$/m);
  });

  it("names every header that differs from plain workerd", () => {
    const http = section(readme, "## HTTP").toLowerCase();
    for (const { name } of [...REQUEST_HEADER_DIFFERENCES, ...RESPONSE_HEADER_DIFFERENCES])
      assert.ok(http.includes(`\`${name}\``), `${name} is missing`);
  });
});

describe("docs/directives.md", () => {
  const rows = table(read("docs/directives.md"), "directive", "original", "value", "default");

  it("lists the directives with their spellings, defaults and effects", () => {
    assert.deepEqual(
      rows.map(([name, original, , value, effect]) => ({
        name: code(name),
        original: code(original),
        default: value?.replaceAll("`", ""),
        effect: effect?.replace("; a reload refuses it", ""),
      })),
      directiveTable().map(({ name, original, default: value, effect }) => ({
        name,
        original,
        default: value,
        effect,
      })),
    );
  });

  it("marks the directives that a function may set", () => {
    const marked = rows.filter(([name]) => name?.endsWith("*")).map(([name]) => code(name));
    assert.deepEqual(marked.sort(), [...FUNCTION_DIRECTIVES].sort());
  });
});

describe("commands", () => {
  const help = spawnSync(process.execPath, [join(root, "bin/dexter.js"), "--help"], { encoding: "utf8" });
  const list = help.stdout.slice(help.stdout.indexOf("\nCommands:"));
  const commands = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name!);

  it("are all in README's table", () => {
    const named = table(section(readme, "## Commands"), "command").map(([cell]) => code(cell).split(" ")[1]!);
    assert.deepEqual(named.sort(), commands.filter((name) => name !== "help").sort());
  });

  for (const file of [...DOCUMENTS, "templates/default/README.md"]) {
    it(`exist when ${file} names them`, () => {
      const named = codeIn(read(file)).matchAll(/\bdexter(?:\.js)? ([a-z]+)\b/g);
      for (const [, name] of named) assert.ok(commands.includes(name!), `dexter ${name}`);
    });
  }

  for (const file of DOCUMENTS) {
    it(`of npm exist when ${file} names them`, () => {
      const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
      const named = codeIn(read(file)).matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g);
      for (const [call, script, short] of named) assert.ok(scripts[script ?? short!], call);
    });
  }
});

describe("links", () => {
  const anchors = (text: string) =>
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replace(/[^\w\- ]/g, "")
        .replaceAll(" ", "-"),
    );

  for (const file of DOCUMENTS) {
    it(`of ${file} lead somewhere`, () => {
      for (const [, target] of read(file).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
        const [path = "", anchor] = target!.split("#");
        const found = path === "" ? file : relative(root, resolve(root, dirname(file), path));
        assert.ok(existsSync(join(root, found)), `${target} does not exist`);
        assert.notEqual(statSync(join(root, found)).size, 0, `${target} is empty`);
        if (anchor !== undefined)
          assert.ok(anchors(read(found)).includes(anchor), `${target}: no such heading`);
      }
    });
  }
});

describe("ARCHITECTURE", () => {
  const rows = table(section(architecture, "## Rooms"), "folder", "may import");

  it("names no file that does not exist", () => {
    const named = architecture.matchAll(
      /`((?:scheduler|runtime|page|test|bench|simulate|scripts|bin|functions)\/[\w./-]+)`/g,
    );
    for (const [, file] of named) assert.ok(existsSync(join(root, file!)), file);
  });

  it("has a row for every room", () => {
    const named = rows.map(([folder]) => code(folder));
    assert.deepEqual(named.sort(), [...rooms().keys()].filter((room) => room.endsWith("/")).sort());
  });

  it("says what each room imports of the others, and of nothing but the composition that it is everything", () => {
    for (const [folderCell, allowed = ""] of rows) {
      const folder = code(folderCell);
      if (folder === "scheduler/cli/") continue;
      const named = [...allowed.matchAll(/`([^`]+)`/g)].map(([, path]) => path!);
      const imported = [...rooms().get(folder)!].filter((path) => path !== "runtime/protocol.ts");
      assert.deepEqual(named.sort(), imported.sort(), folder);
    }
  });
});

describe("LICENSE", () => {
  it("is the Apache License, as package.json says", () => {
    assert.equal(JSON.parse(read("package.json")).license, "Apache-2.0");
    assert.match(read("LICENSE"), /^\s*Apache License\n\s*Version 2\.0, January 2004\n/);
    assert.match(read("LICENSE"), /END OF TERMS AND CONDITIONS/);
  });
});
