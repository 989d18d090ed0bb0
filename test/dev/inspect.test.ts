/** `dexter dev --inspect`: a debugger finds the functions, sees their sources, and stops them where it is told to. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { generatedPositionFor, originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import WebSocket from "ws";
import { callControl } from "../../scheduler/server/control.ts";
import type { NodeStatus } from "../../scheduler/status/status.ts";
import { adminSocket } from "../../scheduler/system/paths.ts";
import { runDexter } from "../support/cli.ts";
import { DATE, type DevNode, startDev } from "../support/dev.ts";
import { makeFolder } from "../support/function.ts";
import { cleanUp, httpGet, until } from "../support/node.ts";

const source = (greeting: string) => `interface Thing {
  readonly name: string;
}

type Unused = { readonly nothing: true };

export default {
  async fetch(request: Request): Promise<Response> {
    const thing: Thing = { name: new URL(request.url).pathname };
    const greeting = \`${greeting} \${thing.name}\`;
    return new Response(greeting);
  },
};
`;
/** 1-based: that of the \`return\`. */
const BREAK_LINE = 11;

interface Script {
  readonly scriptId: string;
  readonly url: string;
  readonly sourceMapURL: string;
}

/** A debugger at one target: commands, and the events that came. */
class Debugger {
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (answer: { result?: unknown; error?: { message: string } }) => void>();
  // biome-ignore lint/suspicious/noExplicitAny: an event's parameters are whatever it is about
  readonly events: { readonly method: string; readonly params: any }[] = [];
  #id = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      const message = JSON.parse(String(data));
      if (message.id === undefined) this.events.push(message);
      else this.#answers.get(message.id)?.(message);
    });
  }

  static async attach(test: TestContext, url: string): Promise<Debugger> {
    const socket = new WebSocket(url);
    cleanUp(test, () => socket.terminate());
    await once(socket, "open");
    return new Debugger(socket);
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  async command(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const id = ++this.#id;
    const answer = new Promise<{ result?: unknown; error?: { message: string } }>((resolve) =>
      this.#answers.set(id, resolve),
    );
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answer;
    assert.equal(error, undefined, error?.message);
    return result;
  }

  /** The script that was made of this source, and its map. */
  async scriptOf(file: string): Promise<{ script: Script; map: TraceMap; source: string }> {
    await this.command("Debugger.enable");
    return until(`a script with the source ${file}`, () => {
      for (const { method, params } of this.events) {
        if (method !== "Debugger.scriptParsed" || !params.sourceMapURL.startsWith("data:")) continue;
        const map = new TraceMap(Buffer.from(params.sourceMapURL.split(",")[1], "base64").toString());
        const source = map.sources.find((name) => name?.endsWith(file));
        if (source) return { script: params as Script, map, source };
      }
      return undefined;
    });
  }
}

async function startInspected(test: TestContext, files: Readonly<Record<string, string>>) {
  const node = await startDev(test, { "wrangler.toml": DATE, ...files }, { args: ["--inspect=0"] });
  const said = await node.says(/debuggers: 127\.0\.0\.1:\d+/);
  const port = Number(/debuggers: 127\.0\.0\.1:(\d+)/.exec(said)![1]);
  return { node, port };
}

async function targetUrl(port: number, id: string): Promise<string> {
  const targets = JSON.parse((await httpGet(port, "/json")).text) as {
    id: string;
    webSocketDebuggerUrl: string;
  }[];
  const target = targets.find((one) => one.id === id);
  assert(target, `no ${id} among ${targets.map((one) => one.id)}`);
  return target.webSocketDebuggerUrl;
}

/** Sets a breakpoint at a line of the source, asks, and gives what was seen there, with the answer after that. */
async function stopAt(devTools: Debugger, node: DevNode, file: string, line: number, path: string) {
  const { script, map, source } = await devTools.scriptOf(file);
  const place = generatedPositionFor(map, { source, line, column: 4 });
  assert(place.line !== null, "the line is in the map");
  await devTools.command("Debugger.setBreakpoint", {
    location: { scriptId: script.scriptId, lineNumber: place.line - 1, columnNumber: place.column },
  });
  const answering = node.get(path);
  const { params } = await until("it is paused", () =>
    devTools.events.find((one) => one.method === "Debugger.paused"),
  );
  const [frame] = params.callFrames;
  const { lineNumber, columnNumber } = frame.location;
  const original = originalPositionFor(map, { line: lineNumber + 1, column: columnNumber });
  const { result } = (await devTools.command("Debugger.evaluateOnCallFrame", {
    callFrameId: frame.callFrameId,
    expression: "thing.name + ', ' + greeting",
  })) as { result: { value: string } };
  await devTools.command("Debugger.resume");
  return { original, value: result.value, answer: await answering };
}

describe("dexter dev --inspect", () => {
  it("lets a debugger stop a function at a line of its TypeScript, and go on", async (test) => {
    const { node, port } = await startInspected(test, {
      "functions/hello.ts": source("hello"),
      "functions/other.ts": source("other"),
    });
    const devTools = await Debugger.attach(test, await targetUrl(port, "hello-r0"));
    await targetUrl(port, "other-r0");
    const stop = await stopAt(devTools, node, "functions/hello.ts", BREAK_LINE, "/hello/you");
    assert.equal(stop.original.line, BREAK_LINE);
    assert.equal(stop.original.source, `${node.folder.dir}/functions/hello.ts`);
    assert.equal(stop.value, "/hello/you, hello /hello/you");
    assert.deepEqual([stop.answer.status, stop.answer.text], [200, "hello /hello/you"]);
    assert.equal((await node.get("/other")).text, "other /other");
    const status = await callControl(adminSocket(`${node.folder.dir}/.dexter`), "GET", "/status");
    const { servers } = JSON.parse(status.text) as NodeStatus;
    const kinds = servers.map(({ threads }) => threads.map(({ kind }) => kind));
    assert.deepEqual(kinds, [["resident", "resident"]]);
  });

  it("serves changed code to the debugger at the same address", async (test) => {
    const { node, port } = await startInspected(test, { "functions/hello.ts": source("hello") });
    const before = await Debugger.attach(test, await targetUrl(port, "hello-r0"));
    await before.command("Debugger.enable");
    await node.replace("functions/hello.ts", `// a line more\n${source("good day")}`);
    await node.says(/hello updated in \d+ ms/);
    await until("the old generation lets its debugger go", () => !before.isOpen);
    const devTools = await Debugger.attach(test, await targetUrl(port, "hello-r0"));
    const stop = await stopAt(devTools, node, "functions/hello.ts", BREAK_LINE + 1, "/hello");
    assert.equal(stop.original.line, BREAK_LINE + 1);
    assert.equal(stop.answer.text, "good day /hello");
  });

  it("reports code that cannot be loaded, and serves what was there", async (test) => {
    const { node } = await startInspected(test, { "functions/hello.ts": source("hello") });
    await node.replace("functions/hello.ts", `throw new Error("not today");\n${source("never")}`);
    await node.says(/not today/);
    assert.equal((await node.get("/hello")).text, "hello /hello");
    await node.replace("functions/hello.ts", source("again"));
    await node.serves("/hello", "again /hello");
  });

  it("says in one line when the port is taken or is none, and leaves nothing behind", async (test) => {
    const folder = await makeFolder({ "wrangler.toml": DATE, "functions/hello.ts": source("hello") });
    cleanUp(test, () => folder.remove());
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    cleanUp(test, () => holder.close());
    const { port } = holder.address() as { port: number };
    const taken = await runDexter(["dev", `--inspect=${port}`], { dir: folder.dir });
    assert.equal(
      taken.stderr,
      `dexter: cannot listen for debuggers on 127.0.0.1:${port}: it is in use by another program; ` +
        "choose another port with --inspect=<port>\n",
    );
    assert.equal(taken.status, 1);
    const none = await runDexter(["dev", "--inspect=here"], { dir: folder.dir });
    assert.match(none.stderr, /^dexter: --inspect must be a port from 0 to 65535 \(got "here"\)\n$/);
    assert.equal(none.status, 2);
  });
});
