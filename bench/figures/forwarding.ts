/**
 * The forwarding section: what it costs to forward one small request over unix sockets, by ways of doing so. Each
 * way is a proxy in a process of its own, in front of plain `workerd`; both are started afresh for each turn.
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child } from "../child.ts";
import { temporaryFolder } from "../cleanup.ts";
import { ANSWER, type Server, startServer } from "../forwarding/servers.ts";
import { SERVERS, THREADS_PER_SERVER, type Way, ways } from "../forwarding/ways.ts";
import { Connection } from "../http.ts";
import { assertAnswered, assertNoFailure, type LoadGenerator } from "../load/generator.ts";
import type { Options } from "../options.ts";
import { START_TIMEOUT_MS } from "../peers/peer.ts";
import { processTree } from "../processes.ts";
import { progress } from "../progress.ts";
import { median, rotate } from "../statistics.ts";

const program = fileURLToPath(new URL("../forwarding/proxy.ts", import.meta.url));

/** Of one turn, or medians over the rounds. CPU is NaN where the system has no /proc. */
export interface ForwardingFigures {
  readonly way: string;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time per request. */
  readonly proxyMicros: number;
  readonly serversMicros: number;
}

export interface ForwardingResult {
  readonly connections: number;
  readonly servers: number;
  readonly threads: number;
  readonly ways: readonly (ForwardingFigures & { readonly title: string; readonly rounds: number })[];
  readonly turns: readonly ForwardingFigures[];
}

/** Every way in every round. Throws if a request fails. */
export async function measureForwarding(
  generator: LoadGenerator,
  options: Options,
): Promise<ForwardingResult> {
  const turns: ForwardingFigures[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const way of rotate(ways, round)) {
      const turn = await takeTurn(way, generator, options);
      progress(`forwarding, round ${round + 1}/${options.rounds}, ${way.name}: ${inShort(turn)}`);
      turns.push(turn);
    }
  }
  return {
    connections: options.connections,
    servers: SERVERS,
    threads: SERVERS * THREADS_PER_SERVER,
    ways: ways.map((way) => summarise(way, turns)),
    turns,
  };
}

function inShort({ requestsPerSecond, p99Ms, proxyMicros, serversMicros }: ForwardingFigures): string {
  return [
    `${Math.round(requestsPerSecond)} req/s, p99 ${p99Ms.toFixed(2)} ms`,
    `CPU µs/req: proxy ${proxyMicros.toFixed(1)}, servers ${serversMicros.toFixed(1)}`,
  ].join(", ");
}

function summarise({ name, title }: Way, all: readonly ForwardingFigures[]) {
  const turns = all.filter(({ way }) => way === name);
  const middle = (pick: (turn: ForwardingFigures) => number) => median(turns.map(pick));
  return {
    way: name,
    title,
    rounds: turns.length,
    requestsPerSecond: middle((turn) => turn.requestsPerSecond),
    p50Ms: middle((turn) => turn.p50Ms),
    p99Ms: middle((turn) => turn.p99Ms),
    proxyMicros: middle((turn) => turn.proxyMicros),
    serversMicros: middle((turn) => turn.serversMicros),
  };
}

async function takeTurn(way: Way, generator: LoadGenerator, options: Options): Promise<ForwardingFigures> {
  const scratch = temporaryFolder();
  const servers: Server[] = [];
  let proxy: Child | undefined;
  try {
    for (let index = 0; index < SERVERS; index++)
      servers.push(await startServer(join(scratch.path, `${index}`), THREADS_PER_SERVER));
    proxy = startProxy(way, servers);
    const alive = [proxy, ...servers.map(({ child }) => child)].map((child) => child.untilExit());
    return await Promise.race([measure(way, proxy, servers, generator, options), ...alive]);
  } catch (error) {
    const said = proxy?.output.trim() ?? "";
    throw new Error(`forwarding, ${way.name}: ${(error as Error).message}\n${said}`, { cause: error });
  } finally {
    await proxy?.stop();
    await Promise.all(servers.map(({ child }) => child.stop()));
    scratch.remove();
  }
}

function startProxy(way: Way, servers: readonly Server[]): Child {
  // In turns, so that the first few are of all servers.
  const sockets = servers[0]!.sockets.flatMap((_, thread) => servers.map((one) => one.sockets[thread]!));
  const order = JSON.stringify({ way: way.name, sockets: sockets.slice(0, way.threads) });
  return new Child({
    name: "the proxy",
    command: process.execPath,
    // The collector as in bin/dexter.js, for every way.
    args: ["--single-threaded-gc", "--import", import.meta.resolve("tsx"), program, order],
    dieWithParent: true,
  });
}

async function measure(
  way: Way,
  proxy: Child,
  servers: readonly Server[],
  generator: LoadGenerator,
  { connections, seconds, warmupSeconds }: Options,
): Promise<ForwardingFigures> {
  const [, port] = await proxy.waitForOutput(/^ready (\d+)$/m, START_TIMEOUT_MS);
  const url = `http://127.0.0.1:${port}/`;
  await checkAnswer(url);
  assertNoFailure(await generator.run({ url, connections, seconds: warmupSeconds }), "warm-up");
  const pids = servers.map(({ child }) => child.pid);
  const before = { proxy: cpuMicros([proxy.pid]), servers: cpuMicros(pids) };
  const result = await generator.run({ url, connections, seconds });
  const after = { proxy: cpuMicros([proxy.pid]), servers: cpuMicros(pids) };
  assertAnswered(result);
  const { requests, requestsPerSecond, p50Ms, p99Ms } = result;
  return {
    way: way.name,
    requestsPerSecond,
    p50Ms,
    p99Ms,
    proxyMicros: (after.proxy - before.proxy) / requests,
    serversMicros: (after.servers - before.servers) / requests,
  };
}

/** CPU time that the processes and their children have used so far. */
function cpuMicros(pids: readonly number[]): number {
  const all = pids.flatMap((pid) => processTree(pid));
  return all.length === 0 ? Number.NaN : all.reduce((sum, one) => sum + one.cpuMicros, 0);
}

async function checkAnswer(url: string): Promise<void> {
  const connection = new Connection();
  try {
    const { status, body } = await connection.get(url);
    if (status !== 200 || body !== ANSWER) throw new Error(`answers ${status} ${body.slice(0, 500)}`);
  } finally {
    connection.close();
  }
}
