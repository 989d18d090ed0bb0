/** The documents tell the truth about what a machine can check: commands, directives, links, files, imports. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { program } from "../../scheduler/cli/program.ts";
import { DIRECTIVES, directiveTable, FUNCTION_DIRECTIVES } from "../../scheduler/config/directives.ts";
import { LIMITS, rooms, sources } from "../../scripts/house.ts";
import { REQUEST_HEADER_DIFFERENCES, RESPONSE_HEADER_DIFFERENCES } from "../fidelity/differences.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const readme = read("README.md");
const architecture = read("ARCHITECTURE.md");
const PAGES = readdirSync(join(root, "docs"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => `docs/${name}`);
const DOCUMENTS = [...readdirSync(root).filter((name) => name.endsWith(".md")), ...PAGES].sort();

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

/** What has an underscore in the documents, and is no directive: wrangler's fields, flags, others' settings. */
const OTHER_NAMES = new Set([
  "always_off",
  "always_on",
  "compatibility_date",
  "compatibility_flags",
  "enable_request_signal",
  "keep_names",
  "max_spare_servers",
  "min_spare_servers",
  "no_bundle",
  "node_modules",
  "nodejs_compat",
  "parentbased_",
  "parentbased_always_off",
  "parentbased_always_on",
  "pkey_alloc",
]);

const code = (cell = "") => /`([^`]*)`/.exec(cell)?.[1] ?? "";

/** Fenced blocks and `inline code`; of a terminal, what is typed. */
function codeIn(text: string): string {
  // A message that has code in it stands between two pairs of backticks.
  const plain = text.replace(/``(.+?)``/g, "$1");
  const typed = plain.replace(/^```console\n[\s\S]*?^```$/gm, (block) =>
    block.replace(/^(?!\$ |```).*\n/gm, ""),
  );
  return [...typed.matchAll(/^```[^\n]*\n[\s\S]*?^```|`[^`\n]+`/gm)].map(([found]) => found).join("\n");
}

describe("README", () => {
  it("gives the two commands as they are to be typed", () => {
    assert.match(readme, /^```sh\nnpm ci && npm start\n```$/m);
    assert.match(readme, /^```sh\nnpm ci && npm test\n```$/m);
  });

  it("is short, and shows a function and the commands in its first screen", () => {
    assert.ok(readme.split("\n").length <= LIMITS.readme + 1);
    const first = readme.split("\n").slice(0, 24).join("\n");
    assert.match(first, /export default \{/);
    assert.match(first, /npm ci && npm start/);
  });
});

describe("docs/", () => {
  it("names every header that differs from plain workerd", () => {
    const http = section(read("docs/http.md"), "## Headers").toLowerCase();
    for (const { name } of [...REQUEST_HEADER_DIFFERENCES, ...RESPONSE_HEADER_DIFFERENCES])
      assert.ok(http.includes(`\`${name}\``), `${name} is missing`);
  });

  it("has every page in its index", () => {
    const index = read("docs/README.md");
    for (const page of PAGES.filter((name) => name !== "docs/README.md"))
      assert.ok(index.includes(`(${page.slice("docs/".length)})`), `${page} is in no row of docs/README.md`);
  });

  it("names directives that exist", () => {
    for (const file of ["README.md", ...PAGES]) {
      const named = read(file).matchAll(/`(?:--set )?((?:tls\.)?[a-z]+(?:_[a-z]*)+)\b(?: ?=[^`]*)?`/g);
      for (const [, name = ""] of named)
        if (!OTHER_NAMES.has(name) && !name.startsWith("dexter_"))
          assert.ok(DIRECTIVES.includes(name), `${file}: ${name}`);
    }
  });

  it("lists every call of the admin API with its scope, and no other", () => {
    const listed = table(section(read("docs/admin-api.md"), "## Calls"), "call", "scope").flatMap(
      ([calls = "", scope = ""]) =>
        [...calls.matchAll(/`([A-Z]+ [^`]+)`/g)].map(([, call]) => `${call} ${code(scope) || scope}`),
    );
    const made = sources("scheduler/admin").flatMap((file) =>
      [...read(file).matchAll(/\bapp\.(get|put|post|delete)\("([^"]+)"(?:, allow\("(\w+)")?/g)].map(
        ([, method, path, scope = "none"]) => `${method!.toUpperCase()} ${path} ${scope}`,
      ),
    );
    assert.ok(made.length > 15);
    assert.deepEqual(listed.sort(), [...made, "GET / none"].sort());
  });

  it("gives every field of the status", () => {
    const named = [...read("docs/status-json.md").matchAll(/`([\w.[\]]+)`/g)];
    const page = new Set(named.map(([, name]) => name!.replace(/\[\]$/, "").split(".").at(-1)!));
    const text = read("scheduler/status/status.ts") + read("scheduler/policy/canary.ts");
    const shapes = text.matchAll(/^export interface (\w+Status) \{\n([\s\S]*?)^\}/gm);
    const fields = [...shapes].flatMap(([, , body = ""]) =>
      [...body.matchAll(/^ +readonly (\w+)\??:/gm)].map(([, name]) => name!),
    );
    assert.ok(fields.length > 40, String(fields.length));
    const groups = ["totals", "servers", "threads", "functions"];
    for (const field of fields)
      assert.ok(page.has(field) || groups.includes(field), `docs/status-json.md: ${field} is missing`);
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
  // Built in; the sources alone have none.
  Object.assign(globalThis, { __DEXTER_VERSION__: "0.0.0" });
  const dexter = program();
  const commands = dexter.createHelp().visibleCommands(dexter);
  const named = (name: string, among: readonly Command[]) => among.find((command) => command.name() === name);

  it("are all in the table of docs/commands.md", () => {
    const listed = table(read("docs/commands.md"), "command").map(([cell]) => code(cell).split(" ")[1]!);
    const names = commands.map((command) => command.name());
    assert.deepEqual(listed.sort(), names.filter((name) => name !== "help").sort());
  });

  for (const file of [...DOCUMENTS, "templates/default/README.md"]) {
    it(`exist when ${file} names them, and have the options`, () => {
      const calls = codeIn(read(file)).matchAll(/\bdexter(?:\.js)? ([a-z]+)((?: [^\n`|;&#)]*)?)/g);
      for (const [call, name = "", rest = ""] of calls) {
        const group = named(name, commands);
        assert.ok(group, call);
        const [, second = ""] = /^ ([a-z]+)/.exec(rest) ?? [];
        const command = second === "" || group.commands.length === 0 ? group : named(second, group.commands);
        assert.ok(command, call);
        const options = ["--help", ...command.options.map(({ long }) => long)];
        for (const [option] of rest.matchAll(/(?<= )--[a-z-]+/g)) assert.ok(options.includes(option), call);
      }
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
  const rows = table(section(architecture, "## Rooms"), "folder", "what it is for", "may import");

  it("names no file that does not exist", () => {
    const named = architecture.matchAll(
      /`((?:scheduler|runtime|page|test|bench|simulate|scripts|bin|functions)\/[\w./-]+)`/g,
    );
    for (const [, file] of named) assert.ok(existsSync(join(root, file!)), file);
  });

  it("names no identifier that is in no source", () => {
    const files = ["scheduler", "runtime", "page", "scripts", "bench", "simulate"].flatMap(sources);
    const words = new Set(files.flatMap((file) => read(file).match(/#?\b[A-Za-z]\w*/g) ?? []));
    const named = [...architecture.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/`([^`\n]+)`/g)]
      .flatMap(([, text = ""]) => text.match(/#[a-z]\w*|\b(?:[a-z]+|[A-Z][a-z]+)(?:[A-Z]\w*)\b/g) ?? [])
      .sort();
    assert.ok(named.length > 5, named.join(" "));
    // The browser's own, which the page does not use.
    const unknown = named.filter((word) => word !== "EventSource" && !words.has(word));
    assert.deepEqual(unknown, []);
  });

  it("has the ground first: no room imports one further down", () => {
    const order = rows.map(([folder]) => code(folder));
    for (const [room, imports] of rooms())
      for (const other of imports)
        if (order.includes(room) && order.includes(other))
          assert.ok(order.indexOf(other) < order.indexOf(room), `${room} imports ${other}`);
  });

  it("says of each status that a client can get where it is decided", () => {
    const answers = table(section(architecture, "### Which answer leaves where"), "status", "code");
    const told = new Set(answers.flatMap(([status = ""]) => status.match(/\d{3}/g) ?? []));
    const listed = table(read("docs/http.md"), "status", "when").map(([status]) => status!);
    assert.deepEqual([...told].sort(), listed.sort());
  });

  it("says what every room is for", () => {
    const named = rows.map(([folder, what]) => (what ? code(folder) : ""));
    assert.deepEqual(named.sort(), [...rooms().keys()].filter((room) => room.endsWith("/")).sort());
  });

  it("says what each room imports of the others", () => {
    for (const [folderCell, , allowed = ""] of rows) {
      const folder = code(folderCell);
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
