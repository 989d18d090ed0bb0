/** The command line of the simulation. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

function run(...args: string[]) {
  return spawnSync(process.execPath, ["--import", "tsx", "simulate/main.ts", ...args], {
    cwd: root,
    encoding: "utf8",
  });
}

const TINY = ["--requests", "500", "--functions", "5"];

describe("npm run simulate", () => {
  it("prints a table for each scenario, and progress on stderr only", () => {
    const { status, stdout, stderr } = run(
      ...TINY,
      "--scenario",
      "steady,sparse",
      "--vary",
      "start_threads=2",
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^steady: .*\n5 functions, 500 requests in \d+ s/m);
    assert.match(stdout, /^sparse: /m);
    for (const policy of ["dexter", "static", "on-demand", "dynamic"])
      assert.equal(stdout.match(new RegExp(`^│ ${policy} `, "gm"))?.length, 4, policy);
    assert.equal(stdout.match(/^│ start_threads=2 /gm)?.length, 8);
    assert.match(stderr, /^steady dexter start_threads=2 \d+\.\d s$/m);
  });

  it("prints one JSON object, the same for the same seed", () => {
    const json = (seed: string) =>
      run(...TINY, "--json", "--scenario", "bursts", "--policies", "dexter,dynamic", "--seed", seed).stdout;
    const first = json("3");
    assert.equal(json("3"), first);
    const [{ load, outcomes }] = JSON.parse(first).runs;
    assert.equal(load, "bursts");
    assert.deepEqual(
      outcomes.map(({ policy }: { policy: string }) => policy),
      ["dexter", "dynamic"],
    );
    assert.equal(outcomes[0].figures.requests, 500);
    assert.notDeepEqual(JSON.parse(json("4")).runs, JSON.parse(first).runs);
  });

  it("takes recorded arrivals", (test) => {
    const folder = mkdtempSync(join(tmpdir(), "dexter-simulate-"));
    test.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "arrivals.jsonl");
    writeFileSync(file, '{"timeMs": 7, "function": "a", "serviceMs": 12}\n');
    const { stdout } = run("--arrivals", file, "--policies", "on-demand", "--json");
    assert.deepEqual(JSON.parse(stdout).runs[0].outcomes[0].figures.coldStarts, 1);
    writeFileSync(file, '{"timeMs": 7}\n');
    const { status, stderr } = run("--arrivals", file);
    assert.deepEqual([status, stderr], [2, `error: ${file}:1: function must be a string\n`]);
  });

  for (const [args, message] of [
    [["--servers", "0"], /^error: option '--servers <n>' .*whole number from 1 to 256\.\n$/],
    [["--scenario", "quiet"], /^error: .*"quiet" is not one of steady, bursts, tail, mixed, sparse\.\n$/],
    [["--policies", "all"], /^error: .*"all" is not one of dexter, static, on-demand, dynamic\.\n$/],
    [
      ["--arrivals", "x", "--requests", "5"],
      /^error: .*--arrivals <file>.* cannot be used with .*--requests <n>.*\n$/,
    ],
    [
      ["--set", "max_spare_thread=3"],
      /^error: --set max_spare_thread: unknown key; .*"max_spare_threads"\?\n$/,
    ],
    [["--set", "min_spare_threads=some"], /^error: --set min_spare_threads: must be a whole number .*\n$/],
    [
      ["--vary", "min_spare_threads=9 max_spare_threads=3"],
      /^error: --set max_spare_threads: must be at least .*\n$/,
    ],
    [
      ["--set", "num_servers=3"],
      /^error: --set num_servers: has no effect in the simulation; use --servers\n$/,
    ],
    [
      ["--set", "user=nobody"],
      /^error: --set user: has no effect in the simulation; it takes start_threads, .*\n$/,
    ],
    [["steady"], /^error: too many arguments.*\n$/],
  ] as const) {
    it(`refuses ${args.join(" ")} with one message and status 2`, () => {
      const { status, stdout, stderr } = run(...args);
      assert.match(stderr, message);
      assert.deepEqual([status, stdout], [2, ""]);
    });
  }

  it("says in its help what a file of arrivals looks like", () => {
    const { status, stdout } = run("--help");
    assert.equal(status, 0);
    assert.match(stdout, /\{"timeMs": 1250\.5, "function": "hello", "serviceMs": 12, "cpuMs": 2\}/);
  });
});
