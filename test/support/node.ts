/**
 * A node for the tests of the process side: a project in a temporary folder, a running `dexter start`, and the
 * ways to look at it from outside: requests, the admin socket, the log, /proc.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Agent } from "node:http";
import type { TestContext } from "node:test";
import { callControl } from "../../scheduler/server/control.ts";
import type { NodeStatus, ServerStatus } from "../../scheduler/status/status.ts";
import { adminSocket } from "../../scheduler/system/paths.ts";
import { type Answer, connections, httpGet } from "./client.ts";
import { type RunningDexter, startDexter } from "./dexter.ts";
import { cleanUp, type Folder, temporaryFolder } from "./folder.ts";

/** What a test of a node needs besides; tests that start no process take it from where it is. */
export { type Answer, connections, httpGet } from "./client.ts";
export { cleanUp, temporaryFolder } from "./folder.ts";
export { until } from "./until.ts";

export interface LogLine {
  readonly level: number;
  readonly time: string;
  readonly msg: string;
  readonly server?: number;
  readonly pid?: number;
  readonly function?: string;
  readonly requestId?: string;
  readonly restartInMs?: number;
  readonly functions?: readonly object[];
}

export interface NodeOptions {
  /** Name → module source (JavaScript). */
  readonly functions: Readonly<Record<string, string>>;
  /** The `[dexter]` table. */
  readonly directives?: Readonly<Record<string, unknown>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Run in this folder, which stays, instead of one of its own. */
  readonly folder?: Folder;
}

export interface TestNode {
  readonly dexter: RunningDexter;
  readonly folder: Folder;
  get(
    path: string,
    options?: { method?: string; agent?: Agent; port?: number; signal?: AbortSignal },
  ): Promise<Answer>;
  /** The same as `get`, but the answer's JSON; fails unless the status is 200. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever field they are about
  json(path: string, options?: { agent?: Agent }): Promise<any>;
  status(): Promise<NodeStatus>;
  log(): LogLine[];
  /** Process ids of the servers that the log calls ready. */
  readyPids(): number[];
}

/** Reports where and when a request ran and who was with it in its isolate; `?ms=` says how long it takes. */
export const PROBE = `
let id, active = 0;
export default {
  async fetch(request) {
    id ??= crypto.randomUUID();
    const start = Date.now();
    const together = ++active;
    await scheduler.wait(Number(new URL(request.url).searchParams.get("ms") ?? 0));
    active--;
    return Response.json({ id, together, start, end: Date.now() });
  },
};`;

export interface Probed {
  readonly id: string;
  /** Requests in the isolate as this one came in, itself included. */
  readonly together: number;
  readonly start: number;
  readonly end: number;
}

/** The most requests that were in progress at once. */
export function mostAtOnce(runs: readonly Probed[]): number {
  // At the same millisecond an end comes before a start.
  const changes = runs.flatMap(({ start, end }) => [
    { at: start, by: 1 },
    { at: end, by: -1 },
  ]);
  changes.sort((a, b) => a.at - b.at || a.by - b.by);
  let now = 0;
  return Math.max(...changes.map(({ by }) => (now += by)));
}

export async function writeProject(
  { functions, directives = {} }: Pick<NodeOptions, "functions" | "directives">,
  folder: Folder,
): Promise<void> {
  const lines = Object.entries(directives).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  await folder.write({
    "wrangler.toml": ['compatibility_date = "2026-11-01"', "[dexter]", ...lines, ""].join("\n"),
    ...Object.fromEntries(Object.entries(functions).map(([name, code]) => [`functions/${name}.js`, code])),
  });
}

/** Starts a node that ends, and leaves nothing behind, with the test. */
export async function startNode(test: TestContext, options: NodeOptions): Promise<TestNode> {
  const folder = options.folder ?? (await temporaryFolder(test));
  await writeProject(options, folder);
  const { args = [], env = {} } = options;
  const dexter = await startDexter({ dir: folder.dir, args, env });
  cleanUp(test, () => dexter.stop("SIGINT"));
  return nodeOf(dexter, folder);
}

function nodeOf(dexter: RunningDexter, folder: Folder): TestNode {
  const socket = adminSocket(`${folder.dir}/.dexter`);
  const log = () =>
    dexter
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line) as LogLine);
  const get: TestNode["get"] = (path, { port = dexter.port, ...options } = {}) =>
    httpGet(port, path, options);
  return {
    dexter,
    folder,
    get,
    log,
    async json(path, via) {
      const answer = await get(path, via).catch((cause) => {
        // A node that has ended looks like a lost connection.
        const said = dexter.output().slice(-2_000);
        throw new Error(`${cause.message}; the last that dexter (pid ${dexter.pid}) said:\n${said}`, {
          cause,
        });
      });
      assert.equal(answer.status, 200, answer.text);
      return JSON.parse(answer.text);
    },
    status: async () => JSON.parse((await callControl(socket, "GET", "/status")).text) as NodeStatus,
    readyPids: () => log().flatMap(({ msg, pid }) => (msg === "server is ready" && pid ? [pid] : [])),
  };
}

/** Requests without a pause on `count` keep-alive connections, until told to stop. */
export function constantLoad(
  test: TestContext,
  node: TestNode,
  path: string,
  count = 16,
): { readonly answers: Answer[]; readonly errors: Error[]; stop(): Promise<void> } {
  const agent = connections(test, count);
  const load = { answers: [] as Answer[], errors: [] as Error[] };
  let stopped = false;
  const client = async () => {
    while (!stopped) {
      await node.get(path, { agent }).then(
        (answer) => load.answers.push(answer),
        (error) => load.errors.push(error),
      );
    }
  };
  const clients = Array.from({ length: count }, client);
  return {
    ...load,
    async stop() {
      stopped = true;
      await Promise.all(clients);
    },
  };
}

export function threadsOf(server: ServerStatus, name?: string) {
  return server.threads.filter((thread) => name === undefined || thread.function === name);
}

export function idleIn(server: ServerStatus, name?: string): number {
  return threadsOf(server, name).filter(({ state }) => state === "idle").length;
}

/** Whether there is such a process and it has not ended; one that nobody has waited for yet has. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (!existsSync("/proc/self/stat")) return true;
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Every process that descends from this one. Empty where there is no /proc. */
export function descendants(pid: number): number[] {
  if (!existsSync("/proc/self/stat")) return [];
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${entry}/status`, "utf8"))?.[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // it ended meanwhile
    }
  }
  const below = (of: number): number[] =>
    (children.get(of) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}
