/** Directives whose effect is seen from outside or from inside a function. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Effect } from "../../../scheduler/config/directive.ts";
import { directiveTable, REFUSED_DIRECTIVES } from "../../../scheduler/config/directives.ts";
import { runDexter } from "../../support/cli.ts";
import { answering, DATE, SMALL, startDev } from "../../support/dev.ts";
import {
  cleanUp,
  PROBE,
  type Probed,
  startNode,
  temporaryFolder,
  until,
  writeProject,
} from "../../support/node.ts";

const DIRECTIVES = { num_servers: 1, start_threads: 1, min_spare_threads: 1, max_spare_threads: 2 };

describe("listen", () => {
  it("takes requests on several addresses", async (test) => {
    const node = await startNode(test, {
      functions: { probe: PROBE },
      directives: DIRECTIVES,
      args: ["--set", "listen=127.0.0.1:0,127.0.0.1:0"],
    });
    const ports = [...node.dexter.output().matchAll(/http:\/\/127\.0\.0\.1:(\d+)(?:,|$)/gm)].map(([, port]) =>
      Number(port),
    );
    assert.equal(new Set(ports).size, 2);
    for (const port of ports) assert.equal((await node.get("/probe", { port })).status, 200);
  });
});

/** Answers with a stack, as deep as V8 makes it. */
const DEPTH = `
  const dig = (left) => (left === 0 ? new Error("deep").stack : dig(left - 1) + "");
  export default { fetch: () => new Response(dig(50)) };`;
const depthOf = (text: string) => text.match(/^\s+at /gm)?.length;

describe("v8_flags", () => {
  it("reach the servers", async (test) => {
    const node = await startNode(test, {
      functions: { depth: DEPTH },
      directives: { ...DIRECTIVES, v8_flags: ["--stack-trace-limit=3"] },
    });
    assert.equal(depthOf((await node.get("/depth")).text), 3);
  });
});

describe("a changed directive", () => {
  const effectsOf = (effect: Effect) =>
    directiveTable().flatMap((one) => (one.effect === effect ? [one.name] : []));

  it("takes effect at once, in the servers that run", async (test) => {
    assert.ok(effectsOf("at once").includes("functions"));
    const dev = await startDev(test, { "functions/a.js": answering("a"), "others/b.js": answering("b") });
    await dev.serves("/a", "a");
    const pids = await dev.pids();
    await dev.write("wrangler.toml", `${DATE}${SMALL}functions = "others"\n`);
    await dev.serves("/b", "b");
    assert.equal((await dev.get("/a")).status, 404);
    assert.deepEqual(await dev.pids(), pids);
  });

  it("takes effect with a rolling restart, in new servers", async (test) => {
    assert.ok(effectsOf("with a rolling restart").includes("v8_flags"));
    const dev = await startDev(test, { "functions/depth.js": DEPTH });
    assert.notEqual(depthOf((await dev.get("/depth")).text), 3);
    const pids = await dev.pids();
    await dev.write("wrangler.toml", `${DATE}${SMALL}v8_flags = "--stack-trace-limit=3"\n`);
    await until("a new server answers", async () => depthOf((await dev.get("/depth")).text) === 3);
    assert.notDeepEqual(await dev.pids(), pids);
  });

  it("that takes a new start is refused, and in force after it", async (test) => {
    const folder = await temporaryFolder(test);
    const node = await startNode(test, { functions: { probe: PROBE }, directives: DIRECTIVES, folder });
    assert.ok(REFUSED_DIRECTIVES.every((name) => effectsOf("with a new start").includes(name)));
    for (const name of REFUSED_DIRECTIVES) {
      await writeProject({ functions: {}, directives: { ...DIRECTIVES, [name]: "moved" } }, folder);
      const { status, stderr } = await runDexter(["reload", "--set", "data_dir=.dexter"], {
        dir: folder.dir,
      });
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`${name}: cannot change while dexter runs`));
    }
    await writeProject({ functions: {}, directives: { ...DIRECTIVES, pid_file: "moved.pid" } }, folder);
    await node.dexter.stop("SIGTERM");
    await startNode(test, { functions: {}, directives: { ...DIRECTIVES, pid_file: "moved.pid" }, folder });
    assert(existsSync(join(folder.dir, "moved.pid")));
  });
});

describe("allow_network", () => {
  const asks = `
    export default {
      async fetch(request) {
        const url = "http://127.0.0.1:" + new URL(request.url).searchParams.get("port");
        return new Response(await fetch(url).then((answer) => answer.text(), () => "refused"));
      },
    };`;

  for (const [allowed, answer] of [
    [undefined, "refused"],
    [["public", "local"], "hello"],
    [["127.0.0.0/8"], "hello"],
  ] as const) {
    it(`${allowed ?? "by default"}: fetch() of a loopback address is ${answer === "hello" ? "answered" : "refused"}`, async (test) => {
      let asked = 0;
      const server = createServer((_, res) => {
        asked++;
        res.end("hello");
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      cleanUp(test, () => server.close());
      const node = await startNode(test, {
        functions: { asks },
        directives: { ...DIRECTIVES, ...(allowed ? { allow_network: allowed } : {}) },
      });
      assert.equal((await node.get(`/asks?port=${(server.address() as AddressInfo).port}`)).text, answer);
      assert.equal(asked, answer === "hello" ? 1 : 0);
      server.closeAllConnections();
    });
  }
});

describe("connection_status", () => {
  for (const connection_status of ["on", "off"]) {
    it(`${connection_status} ${connection_status === "on" ? "shows" : "hides"} what a thread is doing`, async (test) => {
      const node = await startNode(test, {
        functions: { probe: PROBE },
        directives: { ...DIRECTIVES, connection_status },
      });
      const answer = node.get("/probe?ms=500");
      const busy = await until("a thread is busy", async () => {
        const threads = (await node.status()).servers.flatMap((server) => server.threads);
        return threads.find(({ state }) => state === "busy");
      });
      const id = (await answer).headers["x-request-id"];
      if (connection_status === "off") return assert(!("serving" in busy));
      const [{ seconds, ...serving } = { seconds: -1 }] = busy.serving!;
      assert(seconds >= 0 && seconds < 5);
      assert.deepEqual(serving, {
        id,
        method: "GET",
        host: `127.0.0.1:${node.dexter.port}`,
        path: "/probe?ms=500",
        client: "127.0.0.1",
      });
    });
  }
});

describe("a function's own [dexter] table", () => {
  it("overrides the node's thread settings for that function alone", async (test) => {
    const folder = await temporaryFolder(test);
    await folder.write({
      "functions/shared/index.js": PROBE,
      "functions/shared/wrangler.toml": "[dexter]\nconcurrency = 4\nmin_spare_threads = 2\n",
    });
    const node = await startNode(test, {
      functions: { single: PROBE },
      directives: { ...DIRECTIVES, max_threads_per_child: 3 },
      folder,
    });
    const most = async (name: string) => {
      const runs: Probed[] = await Promise.all(
        Array.from({ length: 12 }, () => node.json(`/${name}?ms=100`)),
      );
      return Math.max(...runs.map(({ together }) => together));
    };
    assert.equal(await most("shared"), 4);
    assert.equal(await most("single"), 1);
  });
});
