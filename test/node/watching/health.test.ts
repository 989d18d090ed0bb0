/** What probes hear of a node: alive as long as it answers, ready as long as it should get requests. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { describe, it, type TestContext } from "node:test";
import { createAdmin } from "../../../scheduler/admin/app.ts";
import { health, PROBE_PATHS, type Readiness } from "../../../scheduler/admin/health.ts";
import { callControl } from "../../../scheduler/server/control.ts";
import { adminSocket } from "../../../scheduler/system/paths.ts";
import { cleanUp, startNode, type TestNode, until } from "../../support/node.ts";

async function ask(node: TestNode, path: string) {
  const { status, text } = await callControl(adminSocket(`${node.folder.dir}/.dexter`), "GET", path);
  return { status, ...JSON.parse(text) };
}

/** Answers when the request's body has ended. */
const HOLD = "export default { fetch: async (request) => new Response(await request.text()) };";

/** A request in progress, until `finish`: with `request_buffer = 0` its thread waits for its body. */
function hold({ dexter: { port } }: TestNode): { finish(): void; readonly status: Promise<number> } {
  const call = request({ port, host: "127.0.0.1", path: "/hold", method: "POST", agent: false });
  call.write("some of the body");
  const status = new Promise<number>((resolve, reject) => {
    call.on("error", reject);
    call.on("response", (response) => response.resume().on("end", () => resolve(response.statusCode!)));
  });
  return { finish: () => call.end(), status };
}

const start = (test: TestContext, directives: Record<string, unknown> = {}) =>
  startNode(test, {
    functions: { hold: HOLD },
    directives: { num_servers: 2, request_buffer: 0, ...directives },
  });

describe("a node that serves", () => {
  it("is alive and ready", async (test) => {
    const node = await start(test);
    assert.deepEqual(await ask(node, "/healthz"), { status: 200, alive: true });
    assert.deepEqual(await ask(node, "/readyz"), { status: 200, ready: true });
  });

  it("is not ready while none of its servers answers, and alive all the same", async (test) => {
    const node = await start(test);
    const pids = node.readyPids();
    // A stopped process can be killed, but not asked to end.
    cleanUp(test, () => pids.map((pid) => process.kill(pid, "SIGCONT")));
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    const reason = "no server answers";
    const notReady = () => ask(node, "/readyz").then((answer) => answer.status === 503 && answer);
    assert.deepEqual(await until("it is not ready", notReady), { status: 503, ready: false, reason });
    assert.equal((await ask(node, "/healthz")).status, 200);
    process.kill(pids[0]!, "SIGCONT");
    await until("one that answers is enough", async () => (await ask(node, "/readyz")).status === 200);
  });
});

describe("a node that stops", () => {
  it("is not ready from then on, while requests in progress finish", async (test) => {
    const node = await start(test);
    const held = hold(node);
    await until("the request is in progress", async () => (await node.status()).totals.busy === 1);
    const exit = node.dexter.stop("SIGTERM");
    const notReady = () => ask(node, "/readyz").then((said) => said.status === 503 && said);
    const reason = "dexter is stopping";
    assert.deepEqual(await until("it is not ready", notReady), { status: 503, ready: false, reason });
    assert.equal((await ask(node, "/healthz")).status, 200);
    assert.equal((await node.status()).totals.busy, 1);
    held.finish();
    assert.equal(await held.status, 200);
    assert.equal(await exit, 0);
  });
});

describe("the calls of probes", () => {
  it("are those that need no token", async () => {
    let state: Readiness = { stopping: false, listening: false, responsive: false };
    const ports = { identify: () => ({ name: "nobody", scope: "read" as const }), failed: () => {} };
    const app = createAdmin(ports, [health(() => state)]);
    assert.deepEqual(
      app.routes
        .filter(({ method }) => method === "GET")
        .map(({ path }) => path)
        .sort(),
      [...PROBE_PATHS].sort(),
    );
    const reason = async () =>
      ((await (await app.request("/readyz", {}, { incoming: {} })).json()) as { reason?: string }).reason;
    assert.equal(await reason(), "no listener is open");
    state = { ...state, listening: true };
    assert.equal(await reason(), "no server answers");
    state = { ...state, responsive: true };
    assert.equal(await reason(), undefined);
    state = { ...state, stopping: true };
    assert.equal(await reason(), "dexter is stopping");
  });
});
