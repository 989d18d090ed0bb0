/** Help, and what a command line that is wrong gets: exit status 2 and advice. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { runDexter } from "../support/cli.ts";

const dir = fileURLToPath(new URL("../..", import.meta.url));
const COMMANDS = [
  "init",
  "dev",
  "start",
  "check",
  "status",
  "tail",
  "reload",
  "stop",
  "token",
  "directives",
  "deploy",
  "list",
  "versions",
  "promote",
  "rollback",
  "delete",
  "completion",
  "help",
  "secret",
];

describe("--help", () => {
  it("names every command, and exits with 0", async () => {
    const { status, stdout, stderr } = await runDexter(["--help"], { dir });
    assert.equal(status, 0);
    assert.equal(stderr, "");
    for (const command of COMMANDS) assert.match(stdout, new RegExp(`^  ${command}\\b.* \\S`, "m"));
    assert.ok(stdout.split("\n").every((line) => line.length <= 80));
  });

  it("describes the options of a command", async () => {
    for (const [command, options] of [
      ["start", ["--config", "--env", "--set", "dexter directives"]],
      ["status", ["--json", "--watch"]],
      ["stop", ["--now"]],
      ["tail", ["[function]", "--json", "--status", "--method", "--sample", "--search", "--node", "Ctrl-C"]],
      ["init", ["[directory]", "--force"]],
    ] as const) {
      const { status, stdout } = await runDexter([command, "--help"], { dir });
      assert.equal(status, 0);
      for (const option of options) assert.ok(stdout.includes(option), `${command}: ${option}\n${stdout}`);
      assert.ok(
        stdout.split("\n").every((line) => line.length <= 80),
        stdout,
      );
    }
  });

  it("tells its version", async () => {
    const { version } = JSON.parse(readFileSync(`${dir}/package.json`, "utf8"));
    assert.deepEqual(await runDexter(["--version"], { dir }), {
      status: 0,
      stdout: `${version}\n`,
      stderr: "",
    });
  });
});

describe("a wrong command line", () => {
  for (const [args, says] of [
    [[], /Usage: dexter/],
    [["frobnicate"], /^dexter: unknown command 'frobnicate'\n\(dexter --help lists the commands\)\n$/],
    [["stat"], /^dexter: unknown command 'stat'\n\(Did you mean status\?\)/],
    [["restart"], /^dexter: unknown command 'restart'\n\(Did you mean reload\?\)/],
    [["complet"], /\(Did you mean completion\?\)/],
    [["token", "lst"], /^dexter: unknown command 'lst'\n\(Did you mean list\?\)/],
    [["start", "--prot"], /^dexter: unknown option '--prot'\n\(--help lists the options\)\n$/],
    [["status", "--jason"], /\(Did you mean --json\?\)/],
    [["start", "now"], /^dexter: too many arguments for 'start'/],
    [["start", "--config"], /^dexter: option '-c, --config <file>' argument missing/],
    [["secret"], /Usage: dexter secret [\s\S]*put <function> <name>/],
    [["secret", "put", "hello"], /^dexter: missing required argument 'name'\n\(--help lists the options\)/],
    [["secret", "get", "hello"], /^dexter: unknown command 'get'/],
    [["deploy", "--canary", "0"], /^dexter: --canary must be a percentage from 1 to 99\n$/],
    [["deploy", "--canary", "200"], /^dexter: --canary must be a percentage from 1 to 99\n$/],
    [["deploy", "--canary", "abc"], /^dexter: --canary must be a percentage from 1 to 99\n$/],
    [
      ["deploy", "--canary", "10", "--sticky", "x"],
      /^dexter: --sticky must be header:<name> or cookie:<name>\n$/,
    ],
    [["deploy", "--canary", "10", "--canary-window", "x"], /^dexter: --canary-window must be /],
    [["deploy", "--canary-window", "5m"], /^dexter: --canary-window and --sticky need --canary\n$/],
    [["tail", "--status", "abc"], /^dexter: --status must be a status such as 404, .* \(got "abc"\)\n$/],
    [["tail", "--sample", "2"], /^dexter: --sample must be a share /],
    [["start", "--set"], /^dexter: option '--set <name=value>' argument missing/],
  ] as const)
    it(`exits with 2 and advice: dexter ${args.join(" ")}`, async () => {
      const { status, stdout, stderr } = await runDexter(args, { dir });
      assert.equal(status, 2);
      assert.equal(stdout, "");
      assert.match(stderr, says);
    });
});

describe("dexter directives", () => {
  it("lists what the [dexter] table takes", async () => {
    const { status, stdout } = await runDexter(["directives"], { dir });
    assert.equal(status, 0);
    assert.match(stdout, /^directive +original +value +default +a change takes effect +meaning\n/);
    assert.match(
      stdout,
      /^max_spare_threads \* +MaxSpareThreads +1 to 4096 threads +10 +at once +The most idle .*\.$/m,
    );
    assert.match(stdout, /^pid_file +PidFile +path .* with a new start; a reload refuses it +Holds the/m);
    const json = JSON.parse((await runDexter(["directives", "--json"], { dir })).stdout);
    assert.deepEqual(Object.keys(json[0]), [
      "name",
      "original",
      "kind",
      "bounds",
      "unit",
      "default",
      "perFunction",
      "effect",
      "refused",
      "description",
    ]);
  });

  it("prints the schema for editors that the package has", async () => {
    const { status, stdout } = await runDexter(["directives", "--schema"], { dir });
    assert.equal(status, 0);
    assert.equal(stdout, readFileSync(`${dir}/docs/dexter.schema.json`, "utf8"));
    assert.equal((await runDexter(["directives", "--schema", "--json"], { dir })).status, 2);
  });
});
