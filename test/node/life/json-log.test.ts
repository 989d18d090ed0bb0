/** What `dexter start` writes where no terminal is: JSON, a line at a time, from the first line to the last. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runDexter } from "../../support/cli.ts";
import { startDexter } from "../../support/dexter.ts";
import { cleanUp, httpGet, PROBE, temporaryFolder, until, writeProject } from "../../support/node.ts";

/** `unheard_of` is worth a warning. */
const CONFIG = (servers: string) => `compatibility_date = "2026-11-01"
unheard_of = 1
[dexter]
num_servers = ${servers}
start_threads = 1
min_spare_threads = 1
max_spare_threads = 2
`;

interface Entry {
  readonly level: number;
  readonly time: string;
  readonly msg: string;
  readonly addresses?: readonly string[];
  readonly functions?: readonly unknown[];
}

/** Throws for a line that is no JSON object. */
function entriesOf(output: string): Entry[] {
  return output
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      try {
        return JSON.parse(line) as Entry;
      } catch {
        throw new Error(`not JSON: ${line}\n\nin ${output}`);
      }
    });
}

describe("where no terminal is, dexter start", () => {
  it("writes nothing but lines of JSON: from a warning through restarts and a bad reload to the stop", async (test) => {
    const folder = await temporaryFolder(test);
    await writeProject(
      { functions: { probe: PROBE, broken: "export default { fetch() { nothing(); } };" } },
      folder,
    );
    await folder.write({ "wrangler.toml": CONFIG("1") });
    const dexter = await startDexter({ dir: folder.dir });
    cleanUp(test, () => dexter.stop("SIGINT"));
    const says = (what: RegExp, count = 1) =>
      until(
        `it says ${what}`,
        () => entriesOf(dexter.output()).filter(({ msg }) => what.test(msg)).length >= count,
      );

    assert.equal((await httpGet(dexter.port, "/probe")).status, 200);
    assert.equal((await httpGet(dexter.port, "/broken")).status, 500);
    await says(/nothing is not defined/);
    process.kill(dexter.pid, "SIGHUP");
    await says(/^server is ready$/, 2);
    assert.equal((await runDexter(["reload"], { dir: folder.dir })).status, 0);
    await says(/^server is ready$/, 3);
    await folder.write({ "wrangler.toml": CONFIG('"many"') });
    process.kill(dexter.pid, "SIGUSR1");
    await says(/num_servers/);
    assert.equal((await runDexter(["reload"], { dir: folder.dir })).status, 1);
    await folder.write({ "wrangler.toml": CONFIG("1"), "functions/probe.js": "}" });
    process.kill(dexter.pid, "SIGUSR1");
    await says(/probe\.js:1:1/);
    assert.equal(await dexter.stop(), 0);

    const entries = entriesOf(dexter.output());
    for (const { level, time, msg } of entries) {
      assert.ok(level >= 10 && level % 10 === 0, msg);
      assert.equal(new Date(time).toISOString(), time);
      assert.equal(typeof msg, "string");
    }
    assert.deepEqual([entries[0]!.level, entries[0]!.msg.includes("unheard_of")], [40, true]);
    const ready = entries.filter(({ msg }) => msg.startsWith("dexter is ready"));
    assert.deepEqual(
      ready.map(({ level, addresses, functions, msg }) => ({ level, addresses, functions, msg })),
      [
        {
          level: 30,
          addresses: [dexter.url],
          functions: ["broken", "probe"].map((name) => ({
            name,
            url: `${dexter.url}/${name}`,
            routes: [`${name}.localhost/*`, `*/${name}/*`],
          })),
          msg: `dexter is ready on ${dexter.url}`,
        },
      ],
    );
  });

  it("says that it is ready whatever log_level is", async (test) => {
    const folder = await temporaryFolder(test);
    await writeProject({ functions: {}, directives: { num_servers: 1, log_level: "error" } }, folder);
    const dexter = await startDexter({ dir: folder.dir });
    cleanUp(test, () => dexter.stop("SIGINT"));
    assert.deepEqual(
      entriesOf(dexter.output()).map(({ functions }) => functions),
      [[]],
    );
  });

  it("writes an error that ends the start as plain text, after the lines of JSON", async (test) => {
    const folder = await temporaryFolder(test);
    await writeProject({ functions: { broken: "}" } }, folder);
    await folder.write({ "wrangler.toml": CONFIG("1") });
    const { status, stdout, stderr } = await runDexter(["start"], { dir: folder.dir });
    assert.deepEqual([status, stdout], [1, ""]);
    const at = stderr.indexOf("dexter: functions/broken.js:1:1: ");
    assert.notEqual(at, -1, stderr);
    assert.ok(entriesOf(stderr.slice(0, at))[0]!.msg.includes("unheard_of"));
  });
});
