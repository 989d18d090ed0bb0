/** What the Tab key makes of a command line: by itself, and in real shells. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { type Completion, complete } from "../../scheduler/cli/complete.ts";
import { COMMAND_FILE, runDexter } from "../support/cli.ts";
import { type Folder, makeFolder } from "../support/function.ts";
import { PROBE, startNode } from "../support/node.ts";
import { needs } from "../support/programs.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

function example(): Command {
  const program = new Command("example").version("1");
  program.command("tail").argument("[function]").option("-c, --config <file>").option("--json", "print JSON");
  program
    .command("start")
    .argument("[directory]")
    .option("--set <name=value>", "a setting")
    .option("--env <name>")
    .option("--inspect [port]")
    .addOption(new Option("--level <level>").choices(["info", "warn"]));
  program.command("token").command("create").argument("<scope...>");
  program.command("secret", { hidden: true });
  return program;
}

const sources = {
  function: async (given: object) => [{ value: `of-${Object.values(given).join()}`, description: "" }],
  env: async () => [{ value: "production", description: "" }],
  "name=value": async () => ["listen=", "log_level="].map((value) => ({ value, description: "" })),
  scope: async () => ["read", "admin"].map((value) => ({ value, description: "" })),
};

const shown = (completion: Completion) =>
  typeof completion === "string" ? completion : completion.map(({ value }) => value);

describe("the last word", () => {
  for (const [line, expected] of [
    ["", ["tail", "start", "token", "help"]],
    ["t", ["tail", "token"]],
    ["-", ["--version", "--help"]],
    ["token ", ["create", "help"]],
    ["token create ", ["read", "admin"]],
    ["token create read a", ["admin"]],
    ["tail --", ["--config", "--json", "--help"]],
    ["tail --j", ["--json"]],
    ["tail --config ", "files"],
    ["tail -c ", "files"],
    ["tail --config=x", "files"],
    ["tail ", ["of-"]],
    ["tail --json ", ["of-"]],
    ["tail -c a.toml ", ["of-a.toml"]],
    ["tail --config=a.toml ", ["of-a.toml"]],
    ["tail one ", []],
    ["start ", "directories"],
    ["start --set ", ["listen=", "log_level="]],
    ["start --set li", ["listen="]],
    ["start --set=lo", ["--set=log_level="]],
    ["start --env ", ["production"]],
    ["start --inspect ", "directories"],
    ["start --level ", ["info", "warn"]],
    ["start --level=w", ["--level=warn"]],
    ["start --nonsense ", "directories"],
    ["nonsense ", ["tail", "start", "token", "help"]],
  ] as const)
    it(`of "${line}" becomes ${Array.isArray(expected) ? expected.join(" ") || "nothing" : expected}`, async () => {
      assert.deepEqual(shown(await complete(example(), line.split(" "), sources)), expected);
    });
});

describe("dexter complete", () => {
  const values = async (dir: string, ...words: string[]) => {
    const { stdout, stderr, status } = await runDexter(["complete", "--", ...words], { dir });
    assert.equal(stderr, "");
    assert.equal(status, 0);
    return stdout.split("\n").map((line) => line.split("\t")[0]);
  };

  it("knows every command that --help names", async () => {
    const { stdout } = await runDexter(["--help"], { dir: root });
    const list = stdout.slice(stdout.indexOf("\nCommands:"));
    const commands = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name);
    assert.deepEqual(await values(root, ""), ["values", ...commands, ""]);
  });

  it("knows directives, topics, shells and environments", async (test) => {
    const folder = await makeFolder({ "wrangler.toml": "[env.production]\n[env.staging]\n" });
    test.after(() => folder.remove());
    assert.ok((await values(folder.dir, "start", "--set", "max_sp")).includes("max_spare_threads="));
    assert.ok((await values(folder.dir, "help", "")).includes("configuration"));
    assert.deepEqual(await values(folder.dir, "start", "--env", "p"), ["values", "production", ""]);
    assert.deepEqual(await values(folder.dir, "completion", ""), ["values", "bash", "zsh", "fish", ""]);
  });

  it("says nothing where there is nothing to read", async (test) => {
    const folder = await makeFolder({ "wrangler.toml": "nonsense" });
    test.after(() => folder.remove());
    assert.deepEqual(await values(folder.dir, "start", "--env", ""), ["values", ""]);
  });

  it("knows the functions that run", async (test) => {
    const { machineSources } = await import("../../scheduler/cli/complete-sources.ts");
    const functions = { one: PROBE, two: PROBE };
    const node = await startNode(test, { functions, directives: { num_servers: 1, start_threads: 1 } });
    const config = [join(node.folder.dir, "wrangler.toml")];
    const found = await machineSources(new Command(), 30_000).function!({ config }, "");
    assert.deepEqual(
      found.map(({ value }) => value),
      ["one", "two"],
    );
  });
});

describe("dexter completion", () => {
  it("refuses a shell that it does not know", async () => {
    const { status, stderr } = await runDexter(["completion", "tcsh"], { dir: root });
    assert.equal(status, 2);
    assert.match(stderr, /^dexter: .*tcsh.*bash, zsh, fish/s);
  });

  let folder: Folder;
  before(async () => {
    folder = await makeFolder({ "settings.toml": "", "sub/x": "" });
    await symlink(COMMAND_FILE, join(folder.dir, "dexter"));
  });
  after(() => folder.remove());

  /** Runs a script of the shell in the folder, with dexter in the PATH; what it prints, in lines. */
  async function shell(program: string, ...args: string[]): Promise<string[]> {
    const child = spawn(program, args, {
      cwd: folder.dir,
      env: { ...process.env, PATH: `${folder.dir}:${process.env.PATH}`, HOME: folder.dir, TERM: "dumb" },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 60_000,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text) => (stdout += text));
    child.stderr.on("data", (text) => (stderr += text));
    await new Promise((resolve) => child.on("close", resolve));
    assert.equal(stderr, "");
    return stdout.split("\n").filter((line) => line !== "");
  }

  describe("in bash", { skip: needs("bash") }, () => {
    /** Words as bash itself divides a line. */
    const bash = (...words: string[]) =>
      shell(
        "bash",
        "--norc",
        "-c",
        `source <(dexter completion bash); complete -p dexter >/dev/null || exit; COMP_WORDS=(dexter "$@")
        COMP_CWORD=$#; _dexter dexter "\${@: -1}"; printf '%s\\n' "\${COMPREPLY[@]}"`,
        "bash",
        ...words,
      );

    for (const [words, expected] of [
      [["sta"], ["start", "status"]],
      [["status", "--j"], ["--json"]],
      [["start", "--set", "listen_"], ["listen_backlog="]],
      [["start", "--set", "=", "listen_"], ["listen_backlog="]],
      [["start", "--set", "listen", "=", "x", "--e"], ["--env"]],
      [["start", "--set", "listen", "=", "127.0.0.1", ":", "80", "--e"], ["--env"]],
      [["start", "--config", "set"], ["settings.toml"]],
      [["start", "--config", "=", "set"], ["settings.toml"]],
      [["init", "s"], ["sub"]],
    ] as const)
      it(`completes ${words.join(" ")}`, async () => {
        assert.deepEqual(await bash(...words), expected);
      });
  });

  describe("in fish", { skip: needs("fish") }, () => {
    const fish = (line: string) =>
      shell("fish", "--no-config", "-c", 'dexter completion fish | source; complete -C "$argv[1]"', line);

    it("completes commands, with what they do", async () => {
      assert.match((await fish("dexter relo")).join(), /^reload\t\S/);
    });

    it("completes options, directives and files", async () => {
      assert.deepEqual(await fish("dexter status --j"), ["--json\tprint JSON"]);
      assert.match((await fish("dexter start --set listen_")).join(), /^listen_backlog=\t/);
      assert.deepEqual(await fish("dexter start --config set"), ["settings.toml"]);
    });
  });

  describe("in zsh", { skip: needs("zsh") }, () => {
    /** A terminal in which somebody types the line, with its tabs, and Enter; ends when the pattern is read. */
    const zsh = (line: string, pattern: string) =>
      shell(
        "zsh",
        "-f",
        "-c",
        `zmodload zsh/zpty; zpty it zsh -f -i
        zpty -w it 'PS1=; autoload -U compinit; compinit -u -D; source <(dexter completion zsh); echo read''y'
        zpty -r it out '*ready*'
        zpty -w it "$1"; zpty -r it out "*$2*" && print found; zpty -d it`,
        "zsh",
        line,
        pattern,
      );

    it("completes commands and options to a line that runs", async () => {
      assert.deepEqual(await zsh("dexter direc\t--js\t", '"max_spare_threads"'), ["found"]);
    });

    it("completes directives without a space behind them, and files", async () => {
      const line = "print dexter; dexter start --conf\tset\t --set log_l\tnonsense";
      assert.deepEqual(await zsh(line, "log_level: must be one of"), ["found"]);
    });
  });
});
