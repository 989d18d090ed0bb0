/** Hot reload of code: what is saved is served, without a dropped request and without new servers. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answering, DATE, type DevNode, startDev } from "../support/dev.ts";
import { makeFolder } from "../support/function.ts";
import { cleanUp, constantLoad, type TestNode, until } from "../support/node.ts";

const MAIN = (n: number) => `
import { lib } from "./_lib.ts";
import { outside } from "outside";
import page from "./_page.html";
const first = "${n}", last = "${n}";
export default {
  async fetch() {
    const from = first;
    await scheduler.wait(2);
    return new Response([from, last, lib, outside, page.trim()].join(" "));
  },
};
`;
const LIB = (n: number) => `export const lib: string = "${n}";\n`;
const PAGE = (n: number) => `${n}\n`;
const OUTSIDE = (n: number) => `export const outside = "${n}";\n`;

/** How much a build command has written into `runs.log`, to which each of its runs adds. */
const runsOf = async ({ folder }: DevNode) => (await readFile(`${folder.dir}/runs.log`, "utf8")).length;

describe("dexter dev, while code is edited", () => {
  it("drops no request, mixes no versions and keeps its servers under constant load", async (test) => {
    const outside = await makeFolder({ "index.js": OUTSIDE(0) });
    cleanUp(test, () => outside.remove());
    const dev = await startDev(test, {
      "wrangler.toml": `${DATE}alias = { outside = "${outside.dir}/index.js" }\n[dexter]\nnum_servers = 2\n`,
      "functions/web.ts": MAIN(0),
      "functions/_lib.ts": LIB(0),
      "functions/_page.html": PAGE(0),
    });
    await dev.serves("/web", "0 0 0 0 0");
    const pids = await dev.pids();
    const load = constantLoad(test, dev as unknown as TestNode, "/web", 8);
    const files = [
      (n: number) => dev.write("functions/web.ts", MAIN(n)),
      (n: number) => dev.replace("functions/_lib.ts", LIB(n)),
      (n: number) => outside.write({ "index.js": OUTSIDE(n) }),
      (n: number) => dev.write("functions/_page.html", PAGE(n)),
    ];
    const state = [0, 0, 0, 0];
    for (let edit = 1; edit <= 20; edit++) {
      const which = edit % files.length;
      state[which] = edit;
      await files[which]!(edit);
      await dev.serves("/web", [state[0], ...state].join(" "));
    }
    await load.stop();

    assert.deepEqual(load.errors, []);
    const failed = load.answers.filter(({ status }) => status !== 200);
    assert.deepEqual(failed, []);
    assert.ok(load.answers.length > 100, `${load.answers.length} requests`);
    const mixed = load.answers.filter(({ text }) => text.split(" ")[0] !== text.split(" ")[1]);
    assert.deepEqual(mixed, []);
    const order = load.answers.map(({ text }) => Math.max(...text.split(" ").map(Number)));
    assert.ok(order[0]! <= 1 && Math.max(...order) === 20, "all versions came by");
    assert.deepEqual(await dev.pids(), pids, "no server was restarted");
  });

  it("takes the last of several quick saves", async (test) => {
    const dev = await startDev(test, { "functions/a.js": answering("0") });
    await dev.serves("/a", "0");
    for (const pauseMs of [0, 3, 8, 20, 45, 90]) {
      await dev.write("functions/a.js", answering(`first ${pauseMs}`));
      await sleep(pauseMs);
      await dev.write("functions/a.js", answering(`second ${pauseMs}`));
      await dev.serves("/a", `second ${pauseMs}`);
    }
  });

  it("follows editors that write aside and rename, and files that go and come back", async (test) => {
    const dev = await startDev(test, {
      "functions/a/index.js":
        'import { x } from "./part/x.js";\nexport default { fetch: () => new Response(x) };\n',
      "functions/a/part/x.js": 'export const x = "1";\n',
    });
    await dev.serves("/a", "1");
    await dev.replace("functions/a/part/x.js", 'export const x = "2";\n');
    await dev.serves("/a", "2");
    await dev.replace("functions/a/part/x.js", 'export const x = "3";\n');
    await dev.serves("/a", "3");

    // A folder that is deleted is missed by the build, and found again.
    const from = dev.mark();
    await dev.remove("functions/a/part");
    await dev.says(/functions\/a\/index\.js:1:\d+: Could not resolve ".\/part\/x\.js"/, from);
    assert.equal((await dev.get("/a")).text, "3", "what worked last is served on");
    await dev.write("functions/a/part/x.js", 'export const x = "4";\n');
    await dev.serves("/a", "4");
    await dev.write("functions/a/part/x.js", 'export const x = "5";\n');
    await dev.serves("/a", "5");
  });

  it("builds again what imports a file that is made later, or that takes precedence now", async (test) => {
    const dev = await startDev(test, { "functions/a.js": answering("0") });
    const from = dev.mark();
    await dev.write(
      "functions/a.js",
      'import { x } from "./_made/later";\nexport default { fetch: () => new Response(x) };\n',
    );
    await dev.says(/Could not resolve ".\/_made\/later"/, from);
    await dev.write("functions/_made/later.js", 'export const x = "js";\n');
    await dev.serves("/a", "js");
    await dev.write("functions/_made/later.ts", 'export const x: string = "ts";\n');
    await dev.serves("/a", "ts");
  });

  it("runs build.command when something in watch_dir changes, and not because of what it writes itself", async (test) => {
    const dev = await startDev(test, {
      "wrangler.toml": `${DATE}main = "dist/out.js"
[build]
command = "echo run >> runs.log; mkdir -p dist; node build.mjs"
watch_dir = ["src", "dist"]
[dexter]
num_servers = 1
`,
      "build.mjs": `import { readFileSync, writeFileSync } from "node:fs";
writeFileSync("dist/out.js", "export default { fetch: () => new Response(" + JSON.stringify(readFileSync("src/text", "utf8")) + ") };");
`,
      "src/text": "one",
    });
    await dev.serves("/", "one");
    await dev.write("src/text", "two");
    await dev.serves("/", "two");
    await dev.write("src/deeper/new", "a new file");
    await dev.write("src/text", "three");
    await dev.serves("/", "three");
    let runs = "";
    let unchangedSince = 0;
    await until("the command runs no more for 300 ms", async () => {
      const now = await readFile(`${dev.folder.dir}/runs.log`, "utf8");
      if (now !== runs) unchangedSince = performance.now();
      runs = now;
      return performance.now() - unchangedSince > 300;
    });
  });

  it("loses no edit that comes while build.command runs and changes nothing", async (test) => {
    const dev = await startDev(test, {
      "wrangler.toml": `${DATE}main = "dist/out.js"
[build]
command = "mkdir -p dist; node build.mjs; while [ -e hold ]; do sleep 0.02; done"
watch_dir = ["src", "dist"]
[dexter]
num_servers = 1
`,
      "build.mjs": `import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
const text = readFileSync("src/text", "utf8").split(" ")[0];
writeFileSync("dist/out.js", "export default { fetch: () => new Response(" + JSON.stringify(text) + ") };");
appendFileSync("runs.log", "run\\n");
`,
      "src/text": "one",
    });
    const runs = () => runsOf(dev);
    await dev.serves("/", "one");
    await dev.write("hold", "");
    const before = await runs();
    await dev.write("src/text", "one and the same");
    await until("the command has read it", async () => (await runs()) > before);
    await dev.write("src/text", "two");
    await dev.remove("hold");
    await dev.serves("/", "two");
  });

  it("loses no edit that follows one of which build.command made nothing new", async (test) => {
    const dev = await startDev(test, {
      "wrangler.toml": `${DATE}main = "out.js"
[build]
command = "cut -d' ' -f1 src/text > new; cmp -s new out.js || cp new out.js; rm new; echo run >> runs.log"
[dexter]
num_servers = 1
`,
      "src/text": "export{default}from'./one.js'",
      "one.js": answering("one"),
      "two.js": answering("two"),
    });
    const runs = () => runsOf(dev);
    await dev.serves("/", "one");
    const before = await runs();
    await dev.write("src/text", "export{default}from'./one.js' unchanged");
    await until("the command has run", async () => (await runs()) > before);
    await dev.write("src/text", "export{default}from'./two.js'");
    await dev.serves("/", "two");
  });
});

describe("a build.command that writes something else each time", () => {
  it("loses no edit that comes while it runs for the last time", async (test) => {
    const dev = await startDev(test, {
      "wrangler.toml": `${DATE}main = "dist/out.js"
[build]
command = "mkdir -p dist; node build.mjs"
watch_dir = ["src"]
[dexter]
num_servers = 1
`,
      "build.mjs": `import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
const text = readFileSync("src/text", "utf8").split(" ")[0];
writeFileSync("dist/out.js", "export default { fetch: () => new Response(" + JSON.stringify(text) + ") };");
appendFileSync("runs.log", "run\\n");
if (existsSync("third")) {
  appendFileSync("third", "x");
  while (readFileSync("third", "utf8").length === 3 && existsSync("hold")) await setTimeout(20);
}
writeFileSync("src/stamp", String(Math.random()));
`,
      "src/text": "one",
    });
    await dev.serves("/", "one");
    await dev.write("hold", "");
    await dev.write("third", "");
    await dev.write("src/text", "one and the same");
    await until(
      "it runs for the third time",
      async () => (await readFile(`${dev.folder.dir}/third`, "utf8")).length === 3,
    );
    await dev.write("src/text", "two");
    await dev.remove("hold");
    await dev.serves("/", "two");
  });
});

describe("dexter dev, when code is wrong", () => {
  it("keeps serving what worked last, says where the mistake is, and recovers", async (test) => {
    const dev = await startDev(test, { "functions/a.js": answering("good") });
    await dev.serves("/a", "good");

    let from = dev.mark();
    await dev.write("functions/a.js", "export default {\n  fetch() { return new Response('x' }\n};\n");
    const said = await dev.says(/a\.js:2:\d+: .*\n[\s\S]*> 2 \|.*fetch\(\)[\s\S]*\^/, from);
    assert.match(said, /functions\/a\.js:2:37: Expected "\)" but found "}"/);
    assert.equal((await dev.get("/a")).text, "good");

    await dev.write("functions/a.js", answering("mended"));
    await dev.serves("/a", "mended");

    from = dev.mark();
    await dev.write(
      "functions/a.js",
      `// A comment\nconst settings = undefined;\nconsole.log(settings.key);\n${answering("x")}`,
    );
    await dev.says(/error a cannot be loaded: TypeError: Cannot read properties of undefined/, from);
    await dev.says(/at .*functions\/a\.js:3:22/, from);
    assert.equal((await dev.get("/a")).text, "mended");

    from = dev.mark();
    await dev.write("functions/a.js", answering("mended"));
    await dev.says(/a builds again/, from);
    await dev.write("functions/a.js", answering("new"));
    await dev.serves("/a", "new");
  });

  it("starts with a function that cannot be built, and shows why until it can", async (test) => {
    const dev = await startDev(test, {
      "functions/good.js": answering("good"),
      "functions/bad.ts": "export default { fetch( };\n",
      "functions/throws.js": "throw new RangeError('at load');\n",
    });
    assert.equal((await dev.get("/good")).text, "good");
    for (const [name, part] of [
      ["bad", /functions\/bad\.ts:1:\d+/],
      ["throws", /RangeError: at load[\s\S]*functions\/throws\.js:1:7/],
    ] as const) {
      const text = await dev.get(`/${name}`);
      assert.equal(text.status, 500);
      assert.match(String(text.headers["content-type"]), /^text\/plain/);
      assert.match(text.text, part);
      const page = await fetch(`${dev.dexter.url}/${name}`, { headers: { accept: "text/html" } });
      assert.equal(page.status, 500);
      assert.match(page.headers.get("content-type")!, /^text\/html/);
      assert.match(await page.text(), /^<!doctype html>[\s\S]*<figure>/);
      await dev.write(name === "bad" ? "functions/bad.ts" : "functions/throws.js", answering("mended"));
      await dev.serves(`/${name}`, "mended");
    }
    await until("the log says so", () => /bad updated in \d+ ms/.test(dev.dexter.output()));
  });
});
