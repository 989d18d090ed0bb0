/** `dexter help`: what is listed, and that the texts are true as far as a machine can tell. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { TOPICS } from "../../scheduler/cli/topics/index.ts";
import { filled } from "../../scheduler/cli/topics/topic.ts";
import { DIRECTIVES, directiveTable, FUNCTION_DIRECTIVES } from "../../scheduler/config/directives.ts";
import { loadProject } from "../../scheduler/config/load.ts";
import { runDexter } from "../support/cli.ts";
import { makeFolder } from "../support/function.ts";

const dir = fileURLToPath(new URL("../..", import.meta.url));
const help = (...args: string[]) => runDexter(["help", ...args], { dir });

/** The topic's text on one line. */
function textOf(name: string): string {
  const topic = TOPICS.find((one) => one.name === name)!;
  return topic.text({ program: new Command(), width: 80 }).replace(/\s+/g, " ");
}

/** What stands in code in the first column of a page's table with this head. */
function namedIn(page: string, head: string): string[] {
  const text = readFileSync(`docs/${page}.md`, "utf8");
  const rows = text
    .slice(text.indexOf(`\n| ${head} |`))
    .split("\n")
    .slice(3);
  const end = rows.findIndex((row) => !row.startsWith("|"));
  return rows
    .slice(0, end)
    .flatMap((row) => [...row.split("|")[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
}

describe("dexter help", () => {
  it("lists commands and topics, and each topic has a text", async () => {
    const { status, stdout, stderr } = await help();
    assert.equal(status, 0);
    assert.equal(stderr, "");
    assert.match(stdout, /^Usage: dexter/);
    const topics = stdout
      .slice(stdout.indexOf("Topics (dexter help <topic>):\n"))
      .trimEnd()
      .split("\n")
      .slice(1);
    const names = topics.map((line) => /^ {2}(\w+) +\S/.exec(line)?.[1] ?? line);
    assert.ok(names.includes("configuration") && names.includes("signals"));
    for (const name of names) {
      const { status, stdout } = await help(name);
      assert.equal(status, 0);
      assert.ok(stdout.length > 200, name);
      assert.ok(
        stdout.split("\n").every((line) => line.length <= 80),
        name,
      );
    }
  });

  it("of a command is that command's help", async () => {
    assert.equal((await help("stop")).stdout, (await runDexter(["stop", "--help"], { dir })).stdout);
  });

  for (const [word, meant] of [
    ["signal", "; did you mean signals?"],
    ["config", "; did you mean configuration?"],
    ["restart", "; did you mean reload?"],
    ["logs", "; did you mean tail?"],
    ["weather", ""],
  ] as const)
    it(`of neither says what may be meant, if anything: ${word}`, async () => {
      const { status, stdout, stderr } = await help(word);
      assert.equal(status, 2);
      assert.equal(stdout, "");
      assert.equal(
        stderr,
        `dexter: there is no help about "${word}"${meant} (dexter help lists the topics)\n`,
      );
    });

  it("of deploys names the commands there are", async () => {
    const { stdout } = await help("deploy");
    for (const command of ["deploy", "versions", "rollback"])
      assert.match(stdout, new RegExp(`^  ${command} +\\S`, "m"));
  });
});

describe("text", () => {
  it("is filled to the width; what is indented stays", () => {
    const text = "\none two\nthree four\n\n  left   as it is, and longer\n  still\n\nlast\n";
    assert.equal(filled(text, 13), "one two three\nfour\n\n  left   as it is, and longer\n  still\n\nlast");
  });

  it("fits into a terminal of 40 columns", () => {
    for (const topic of TOPICS) {
      const text = topic.text({ program: new Command(), width: 40 });
      const long = text.split("\n").filter((line) => line.length > 40 && !line.startsWith("  "));
      assert.deepEqual(long, [], topic.name);
    }
  });
});

describe("the topics", () => {
  it("name commands that exist", async () => {
    const { stdout } = await runDexter(["--help"], { dir });
    for (const { name } of TOPICS)
      for (const [, command] of textOf(name).matchAll(/"dexter ([a-z]+)/g))
        assert.match(stdout, new RegExp(`^  ${command}\\b`, "m"), `${name}: dexter ${command}`);
  });

  it("name directives that exist", () => {
    const known = new Set([...DIRECTIVES, "max_spare_threads"]);
    for (const { name } of TOPICS)
      for (const [word] of textOf(name).matchAll(/\b(?:tls\.)?[a-z]+(?:_[a-z]+)+\b/g))
        assert.ok(known.has(word) || word === "compatibility_date", `${name}: ${word}`);
  });

  it("say every directive with its default", () => {
    for (const { name, default: value } of directiveTable()) {
      assert.ok(textOf("directives").includes(name), name);
      assert.ok(textOf("directives").includes(`(${value})`), value);
    }
    assert.ok(FUNCTION_DIRECTIVES.every((name) => textOf("functions").includes(name)));
  });

  it("say every signal, and every file, that the documents do", () => {
    for (const [topic, page, head] of [
      ["signals", "commands", "signal | effect"],
      ["files", "data-directory", "file | what"],
    ] as const) {
      const named = namedIn(page, head);
      assert.ok(named.length > 3);
      for (const name of named) assert.ok(textOf(topic).includes(name), `${topic}: ${name}`);
    }
  });

  it("name files of the package that exist", () => {
    const named = [...textOf("service").matchAll(/\bpackaging\/[\w./-]*/g)].map(([path]) => path);
    assert.ok(named.length > 3);
    for (const path of named) assert.ok(existsSync(path), path);
  });

  it("give an example that is a configuration", async (test) => {
    const topic = TOPICS.find(({ name }) => name === "configuration")!;
    const lines = topic.text({ program: new Command(), width: 80 }).split("\n");
    const example = lines.flatMap((line) => /^ {2}(\S.*)/.exec(line)?.[1] ?? []).join("\n");
    const handler = "export default { fetch: () => new Response() };";
    const folder = await makeFolder({ "wrangler.toml": example, "src/index.ts": handler });
    test.after(() => folder.remove());
    const { node, functions } = await loadProject({ cwd: folder.dir, envName: "production" });
    assert.equal(node.maxSpareThreads, 20);
    assert.equal(functions[0]!.vars.GREETING, "Good day");
  });
});
