/**
 * The load section: every peer runs once in each round, in an order that rotates, so that a drift of the
 * machine falls on all of them; what is reported is the median over the rounds.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { temporaryFolder } from "./cleanup.ts";
import { Connection } from "./http.ts";
import type { LoadGenerator, LoadResult } from "./load/generator.ts";
import type { Options } from "./options.ts";
import type { Peer, RunningPeer } from "./peers/peer.ts";
import { cpuByGroup, type MemoryPeak, MemorySampler } from "./processes.ts";
import { progress } from "./progress.ts";
import { median, rotate } from "./statistics.ts";
import type { Workload } from "./workloads.ts";

export interface GroupFigures extends MemoryPeak {
  readonly cpuMicrosPerRequest: number;
}

/** One peer in one round. */
export interface Turn {
  readonly round: number;
  readonly peer: string;
  readonly load: LoadResult;
  readonly groups: Readonly<Record<string, GroupFigures>>;
}

/** Medians over the rounds. */
export interface PeerFigures {
  readonly peer: string;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly groups: Readonly<Record<string, GroupFigures>>;
}

export interface LoadFigures {
  readonly workload: string;
  readonly peers: readonly PeerFigures[];
  readonly turns: readonly Turn[];
}

/** Runs one workload on all peers. Throws if a peer cannot be started or any request fails. */
export async function runRounds(
  workload: Workload,
  peers: readonly Peer[],
  generator: LoadGenerator,
  options: Options,
): Promise<LoadFigures> {
  const turns: Turn[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const peer of rotate(peers, round)) {
      const turn = await takeTurn(round, workload, peer, generator, options);
      const { requestsPerSecond, p50Ms, p99Ms } = turn.load;
      const rate = `${Math.round(requestsPerSecond)} req/s`;
      progress(
        `${workload.name}, round ${round + 1}/${options.rounds}, ${peer.name}: ${rate}, ` +
          `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
      );
      turns.push(turn);
    }
  }
  return { workload: workload.name, peers: peers.map((peer) => summarise(peer.name, turns)), turns };
}

async function takeTurn(
  round: number,
  workload: Workload,
  peer: Peer,
  generator: LoadGenerator,
  options: Options,
): Promise<Turn> {
  const scratch = temporaryFolder();
  let running: RunningPeer | undefined;
  try {
    const bundlePath = await bundle(workload, join(scratch.path, "bundle"));
    const folder = join(scratch.path, "peer");
    mkdirSync(folder);
    running = await peer.start({ workload, bundlePath, folder, set: options.set });
    const measured = await Promise.race([
      measure(workload, running, generator, options),
      running.untilExit(),
    ]);
    return { round, peer: peer.name, ...measured };
  } catch (error) {
    throw new Error(`${peer.name}, ${workload.name}: ${(error as Error).message}`, { cause: error });
  } finally {
    await running?.stop();
    scratch.remove();
  }
}

async function bundle(workload: Workload, folder: string): Promise<string> {
  mkdirSync(folder);
  const entry = join(folder, "main.ts");
  const outfile = join(folder, "main.js");
  writeFileSync(entry, workload.source);
  await build({ entryPoints: [entry], outfile, bundle: true, format: "esm", target: "es2024" });
  return outfile;
}

async function measure(
  workload: Workload,
  peer: RunningPeer,
  generator: LoadGenerator,
  { connections, seconds, warmupSeconds }: Options,
): Promise<Pick<Turn, "load" | "groups">> {
  await checkHandler(workload, peer.url);
  const sampler = new MemorySampler(peer.pid, peer.groups);
  try {
    assertNoFailure(await generator.run({ url: peer.url, connections, seconds: warmupSeconds }), "warm-up");
    const before = cpuByGroup(peer.pid, peer.groups);
    const load = await generator.run({ url: peer.url, connections, seconds });
    const after = cpuByGroup(peer.pid, peer.groups);
    assertNoFailure(load, "load");
    const groups: Record<string, GroupFigures> = {};
    for (const [name, memory] of sampler.stop()) {
      const cpu = (after.get(name) ?? 0) - (before.get(name) ?? 0);
      groups[name] = { cpuMicrosPerRequest: cpu / load.requests, ...memory };
    }
    return { load, groups };
  } finally {
    sampler.stop();
  }
}

async function checkHandler(workload: Workload, url: string): Promise<void> {
  const connection = new Connection();
  try {
    const { status, body } = await connection.get(url);
    if (status !== 200 || body !== workload.expect) {
      throw new Error(`the handler does not answer as it should: ${status} ${body.slice(0, 500)}`);
    }
  } finally {
    connection.close();
  }
}

function assertNoFailure(load: LoadResult, phase: string): void {
  if (load.requests === 0) throw new Error(`${phase}: no request was answered`);
  if (load.failures === 0) return;
  throw new Error(
    `${phase}: ${load.failures} of ${load.requests + load.failures} requests FAILED (${load.failureText})`,
  );
}

function summarise(peer: string, all: readonly Turn[]): PeerFigures {
  const turns = all.filter((turn) => turn.peer === peer);
  const middle = (pick: (turn: Turn) => number | undefined) =>
    median(turns.flatMap((turn) => pick(turn) ?? []));
  const names = new Set(turns.flatMap((turn) => Object.keys(turn.groups)));
  const groups: Record<string, GroupFigures> = {};
  for (const name of names) {
    groups[name] = {
      cpuMicrosPerRequest: middle((turn) => turn.groups[name]?.cpuMicrosPerRequest),
      peakPssMiB: middle((turn) => turn.groups[name]?.peakPssMiB),
      largestProcessMiB: middle((turn) => turn.groups[name]?.largestProcessMiB),
      processes: middle((turn) => turn.groups[name]?.processes),
    };
  }
  return {
    peer,
    requestsPerSecond: middle((turn) => turn.load.requestsPerSecond),
    p50Ms: middle((turn) => turn.load.p50Ms),
    p99Ms: middle((turn) => turn.load.p99Ms),
    groups,
  };
}
