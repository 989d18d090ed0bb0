/** Hot reload of what a project consists of: configuration, variables, functions that come and go. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answering, DATE, SMALL, startDev } from "../support/dev.ts";
import { constantLoad, type TestNode, until } from "../support/node.ts";

const ENV = `export default { fetch: (_, env) => new Response([env.A, env.B].join(" ")) };\n`;

describe("dexter dev, when the configuration is edited", () => {
  it("takes up vars, routes and .dev.vars without new servers and without a dropped request", async (test) => {
    const dev = await startDev(test, {
      "wrangler.toml": `${DATE}[vars]\nA = "one"\n${SMALL}`,
      "functions/env.js": ENV,
      "functions/moved/wrangler.toml": 'main = "index.js"\nroutes = ["*/old/*"]\n',
      "functions/moved/index.js": answering("moved"),
    });
    await dev.serves("/env", "one ");
    const pids = await dev.pids();
    const load = constantLoad(test, dev as unknown as TestNode, "/env", 4);

    await dev.write("wrangler.toml", `${DATE}[vars]\nA = "two"\n${SMALL}`);
    await dev.serves("/env", "two ");
    await dev.write(".dev.vars", 'B = "secret"\n');
    await dev.serves("/env", "two secret");
    await dev.replace(".dev.vars", 'A = "mine"\nB = "other"\n');
    await dev.serves("/env", "mine other");
    await dev.remove(".dev.vars");
    await dev.serves("/env", "two ");

    assert.equal((await dev.get("/old/x")).text, "moved");
    await dev.write("functions/moved/wrangler.toml", 'main = "index.js"\nroutes = ["*/new/*"]\n');
    await dev.serves("/new/x", "moved");
    assert.equal((await dev.get("/old/x")).status, 404);

    await dev.write(
      "wrangler.toml",
      `${DATE}[vars]\nA = "three"\n${SMALL.replace("max_spare_threads = 2", "max_spare_threads = 5")}`,
    );
    await dev.serves("/env", "three ");
    await load.stop();
    assert.deepEqual(load.errors, []);
    assert.deepEqual(
      load.answers.filter(({ status }) => status !== 200),
      [],
    );
    assert.deepEqual(await dev.pids(), pids);
  });

  it("takes up another num_servers, start_threads and listen without a dropped request", async (test) => {
    const dev = await startDev(test, { "functions/a.js": answering("a") });
    await dev.serves("/a", "a");
    const load = constantLoad(test, dev as unknown as TestNode, "/a", 4);
    const settings = SMALL.replace("num_servers = 1", "num_servers = 3").replace(
      "min_spare_threads = 1",
      "min_spare_threads = 2",
    );
    await dev.write("wrangler.toml", `${DATE}${settings}`);
    await until("3 servers with 2 idle threads run", async () => {
      const { servers } = await dev.dexter.status();
      return (
        servers.length === 3 &&
        servers.every(
          ({ state, threads }: { state: string; threads: unknown[] }) =>
            state === "running" && threads.length >= 2,
        )
      );
    });
    await load.stop();
    assert.deepEqual(load.errors, []);
    assert.ok(load.answers.every(({ status }) => status === 200));
  });

  it("keeps serving while the configuration is wrong, and says what is wrong with it", async (test) => {
    const dev = await startDev(test, { "functions/a.js": answering("one") });
    await dev.serves("/a", "one");
    for (const [content, message] of [
      [`${DATE}[dexter`, /wrangler\.toml:2:\d+: /],
      [
        `${DATE}[dexter]\nnum_server = 1\n`,
        /wrangler\.toml:3: dexter\.num_server: unknown key; did you mean "num_servers"\?/,
      ],
      [`${DATE}[dexter]\ndata_dir = "elsewhere"\n`, /data_dir: cannot change while dexter runs/],
    ] as const) {
      const from = dev.mark();
      await dev.write("wrangler.toml", content);
      await dev.says(message, from);
      await dev.says(/the previous version still serves/, from);
      assert.equal((await dev.get("/a")).text, "one");
    }
    let from = dev.mark();
    await dev.remove("wrangler.toml");
    await dev.says(/wrangler\.toml does not exist/, from);
    await dev.write("functions/a.js", answering("two"));
    await dev.serves("/a", "two");
    from = dev.mark();
    await dev.write("wrangler.toml", `${DATE}[vars]\nX = "1"\n${SMALL}`);
    await dev.says(/reloaded the project/, from);
    assert.equal((await dev.get("/a")).text, "two");
  });
});

describe("dexter dev, when functions come and go", () => {
  it("serves new ones, forgets removed ones and follows renamed ones", async (test) => {
    const dev = await startDev(test, { "functions/keep.js": answering("keep") });
    await dev.serves("/keep", "keep");
    const pids = await dev.pids();
    const load = constantLoad(test, dev as unknown as TestNode, "/keep", 4);

    await dev.write("functions/new.ts", answering("new"));
    await dev.serves("/new", "new");
    await dev.move("functions/new.ts", "functions/renamed.ts");
    await dev.serves("/renamed", "new");
    await until("/new is gone", async () => (await dev.get("/new")).status === 404);
    await dev.remove("functions/renamed.ts");
    await until("/renamed is gone", async () => (await dev.get("/renamed")).status === 404);

    await dev.write("functions/folder/index.ts", answering("folder 1"));
    await dev.serves("/folder", "folder 1");
    await dev.write("functions/folder/index.ts", answering("folder 2"));
    await dev.serves("/folder", "folder 2");
    await dev.remove("functions/folder");
    await until("/folder is gone", async () => (await dev.get("/folder")).status === 404);
    await dev.write("functions/folder/index.ts", answering("folder 3"));
    await dev.serves("/folder", "folder 3");
    await dev.write("functions/folder/index.ts", answering("folder 4"));
    await dev.serves("/folder", "folder 4");

    await load.stop();
    assert.deepEqual(load.errors, []);
    assert.ok(load.answers.every(({ status }) => status === 200));
    assert.deepEqual(await dev.pids(), pids);
    const names = (await dev.dexter.status()).functions.map(({ name }: { name: string }) => name);
    assert.deepEqual(names, ["folder", "keep"]);
  });

  it("goes on without a functions folder that is deleted, and takes it up again", async (test) => {
    const dev = await startDev(test, {
      "wrangler.toml": `${DATE}main = "src/main.ts"\n${SMALL}`,
      "src/main.ts": answering("main"),
      "functions/a.js": answering("a"),
    });
    await dev.serves("/a", "a");
    await dev.remove("functions");
    await dev.serves("/a", "main");
    await dev.write("functions/a.js", answering("again"));
    await dev.serves("/a", "again");
  });

  it("does not mind the files of editors and tools", async (test) => {
    const dev = await startDev(test, { "functions/a.js": answering("a") });
    await dev.serves("/a", "a");
    const from = dev.mark();
    for (const name of ["4913", ".a.js.swp", "a.js~", "#a.js#", ".DS_Store"]) {
      await dev.write(`functions/${name}`, "}{");
      await dev.remove(`functions/${name}`);
    }
    await dev.write("functions/a.js", answering("b"));
    await dev.serves("/a", "b");
    const lines = (await dev.says(/updated in/, from)).split("\n").filter((line) => !/GET \/a/.test(line));
    assert.deepEqual(
      lines.filter((line) => line !== "").map((line) => line.replace(/^\S+ |\d+ ms$/g, "")),
      ["info a updated in "],
    );
  });
});
