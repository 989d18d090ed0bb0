/** Directives whose effect is seen from outside or from inside a function. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { cleanUp, PROBE, type Probed, startNode, temporaryFolder, until } from "../../support/node.ts";

const DIRECTIVES = { num_servers: 1, start_threads: 1, min_spare_threads: 1, max_spare_threads: 2 };

describe("listen", () => {
  it("takes requests on several addresses", async (test) => {
    const node = await startNode(test, {
      functions: { probe: PROBE },
      directives: DIRECTIVES,
      args: ["--set", "listen=127.0.0.1:0,127.0.0.1:0"],
    });
    const ports = [...node.dexter.output().matchAll(/http:\/\/127\.0\.0\.1:(\d+)(?:,|"\})/g)].map(([, port]) =>
      Number(port),
    );
    assert.equal(new Set(ports).size, 2);
    for (const port of ports) assert.equal((await node.get("/probe", { port })).status, 200);
  });
});

describe("v8_flags", () => {
  it("reach the servers", async (test) => {
    const depth = `
      const dig = (left) => (left === 0 ? new Error("deep").stack : dig(left - 1) + "");
      export default { fetch: () => new Response(dig(50)) };`;
    const node = await startNode(test, {
      functions: { depth },
      directives: { ...DIRECTIVES, v8_flags: ["--stack-trace-limit=3"] },
    });
    assert.equal((await node.get("/depth")).text.match(/^\s+at /gm)?.length, 3);
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
