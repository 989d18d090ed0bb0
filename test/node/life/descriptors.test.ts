/** Few file descriptors: what clients may take of them leaves enough for the node itself. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { callControl } from "../../../scheduler/server/control.ts";
import { connectionsWithin, neededDescriptors } from "../../../scheduler/system/descriptors.ts";
import { adminSocket } from "../../../scheduler/system/paths.ts";
import { startDexter } from "../../support/dexter.ts";
import { cleanUp, httpGet, temporaryFolder, until, writeProject } from "../../support/node.ts";

const THREADS = { num_servers: 1, max_threads_per_child: 16, start_threads: 1, min_spare_threads: 0 };
const QUICK = `export default { fetch: () => new Response("quick") };`;

async function project(test: TestContext, directives: Readonly<Record<string, unknown>> = {}) {
  const folder = await temporaryFolder(test);
  await writeProject({ functions: { quick: QUICK }, directives: { ...THREADS, ...directives } }, folder);
  return folder.dir;
}

interface Client {
  readonly socket: Socket;
  text: string;
  ended: boolean;
}

function open(test: TestContext, port: number): Client {
  const socket = connect(port, "127.0.0.1");
  const client: Client = { socket, text: "", ended: false };
  socket.on("data", (data) => {
    client.text += String(data);
  });
  socket
    .on("error", () => {})
    .on("close", () => {
      client.ended = true;
    });
  cleanUp(test, () => socket.destroy());
  return client;
}

describe("a limit of file descriptors", { timeout: 60_000 }, () => {
  it("that is too small refuses the start, and says how many are needed", async (test) => {
    const dir = await project(test);
    const needed = neededDescriptors({ numServers: 1, maxThreadsPerChild: 16 });
    await assert.rejects(startDexter({ dir, descriptors: 64 }), (error: Error) => {
      assert.match(
        error.message,
        new RegExp(`the limit of open files is 64, and this node needs ${needed}: `),
      );
      assert.doesNotMatch(error.message, /\n\s+at /);
      return true;
    });
    const dexter = await startDexter({ dir, descriptors: needed });
    cleanUp(test, () => dexter.stop("SIGINT"));
    assert.equal((await httpGet(dexter.port, "/quick")).text, "quick");
  });

  it("leaves clients beyond it a 503, the operator his way in, and the log a line", async (test) => {
    const limit = 160;
    const dir = await project(test, { max_connections_per_client: 0 });
    const most = connectionsWithin(limit, { numServers: 1, maxThreadsPerChild: 16 }, 1);
    const dexter = await startDexter({ dir, descriptors: limit });
    cleanUp(test, () => dexter.stop("SIGINT"));
    const clients = Array.from({ length: most + 40 }, () => open(test, dexter.port));
    await until(
      "those beyond the limit are refused",
      () => clients.filter(({ ended }) => ended).length === 40,
    );
    for (const { text, ended } of clients)
      if (ended) assert.match(text, /^HTTP\/1\.1 503 [\s\S]*Retry-After: 1\r\n[\s\S]*Connection: close\r\n/);
    const status = await callControl(adminSocket(`${dir}/.dexter`), "GET", "/status");
    assert.equal(status.status, 200);
    const kept = clients.filter(({ ended }) => !ended);
    for (const { socket } of kept) socket.write("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n");
    await until("all others are served", () => kept.every(({ text }) => text.includes("quick")));
    assert.match(dexter.output(), /a connection was refused: \d+ are open, and none of them is idle/);
    for (const { socket } of clients) socket.destroy();
    await until("it takes connections again", () =>
      httpGet(dexter.port, "/quick").then(({ status }) => status === 200),
    );
  });
});

describe("max_connections", { timeout: 60_000 }, () => {
  it("closes the connection that was idle for longest for a new one", async (test) => {
    const dir = await project(test, { max_connections: 3 });
    const dexter = await startDexter({ dir });
    cleanUp(test, () => dexter.stop("SIGINT"));
    const clients: Client[] = [];
    for (let count = 0; count < 3; count++) {
      const client = open(test, dexter.port);
      clients.push(client);
      client.socket.write("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n");
      await until("it is answered", () => client.text.includes("quick"));
    }
    await until("a new one is served", () =>
      httpGet(dexter.port, "/quick").then(({ status }) => status === 200),
    );
    assert.deepEqual(
      clients.map(({ ended }) => ended),
      [true, false, false],
    );
  });

  it("of one client leaves the others theirs, and those of a proxy are not counted", async (test) => {
    const dir = await project(test, { max_connections_per_client: 2, trusted_proxies: ["127.0.0.3"] });
    const dexter = await startDexter({ dir });
    cleanUp(test, () => dexter.stop("SIGINT"));
    const from = (localAddress: string) => {
      const socket = connect({ port: dexter.port, host: "127.0.0.1", localAddress });
      const client: Client = { socket, text: "", ended: false };
      socket.on("data", (data) => {
        client.text += String(data);
      });
      socket.on("error", () => {}).write("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n");
      cleanUp(test, () => socket.destroy());
      return client;
    };
    const answers = async (address: string) => {
      const clients: Client[] = [];
      for (let count = 0; count < 4; count++) {
        const client = from(address);
        clients.push(client);
        await until("it has an answer", () => client.text !== "");
      }
      return clients.map(({ text }) => Number(text.slice(9, 12)));
    };
    assert.deepEqual(await answers("127.0.0.2"), [200, 200, 503, 503]);
    assert.deepEqual(await answers("127.0.0.3"), [200, 200, 200, 200]);
    assert.deepEqual(await answers("127.0.0.4"), [200, 200, 503, 503]);
  });
});
