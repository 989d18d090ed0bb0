/**
 * The load section: peers run once in each round, in an order that rotates, so that a drift of the
 * machine falls on all of them; what is reported is the median over the rounds.
 */

import type { Rates } from "./drives/drive.ts";
import type { Residency } from "./drives/residency.ts";
import type { LoadGenerator } from "./load/generator.ts";
import type { GroupFigures } from "./meter.ts";
import type { Options } from "./options.ts";
import type { Peer } from "./peers/peer.ts";
import { progress } from "./progress.ts";
import { median, rotate } from "./statistics.ts";
import { type Turn, takeTurn } from "./turn.ts";
import type { Workload } from "./workloads.ts";

/** Medians over the rounds. */
export interface PeerFigures {
  readonly peer: string;
  readonly rounds: number;
  readonly rates?: Rates;
  readonly extras: Readonly<Record<string, number>>;
  readonly groups: Readonly<Record<string, GroupFigures>>;
  /** The worst of the rounds, but the time of the warm-up and the share, which are medians. */
  readonly residency?: Residency;
}

export interface LoadFigures {
  readonly workload: string;
  readonly title: string;
  readonly peers: readonly PeerFigures[];
  readonly turns: readonly Turn[];
}

/** Runs one workload on the peers that take part in it. Throws if a peer cannot be started or any request fails. */
export async function runRounds(
  workload: Workload,
  peers: readonly Peer[],
  generator: LoadGenerator,
  options: Options,
): Promise<LoadFigures> {
  const settings = { workload, source: workload.source(), generator, options };
  const judged = peers.filter((peer) => peer.inEveryRound || workload.judged.includes(peer.name));
  const others = workload.others ? peers.filter((peer) => !judged.includes(peer)) : [];
  const rounds = workload.once ? 1 : options.rounds;
  const turns: Turn[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const peer of rotate(round === 0 ? [...judged, ...others] : judged, round)) {
      const turn = await takeTurn(round, peer, settings);
      progress(`${workload.name}, round ${round + 1}/${rounds}, ${peer.name}: ${inShort(turn)}`);
      turns.push(turn);
    }
  }
  const taking = peers.filter((peer) => turns.some((turn) => turn.peer === peer.name));
  return {
    workload: workload.name,
    title:
      workload.connections === undefined
        ? `${workload.title}, ${options.connections} connections`
        : workload.title,
    peers: taking.map((peer) => summarise(peer.name, turns)),
    turns,
  };
}

function inShort({ rates, extras, groups }: Turn): string {
  const parts: string[] = [];
  if (rates) {
    const { requestsPerSecond, p50Ms, p99Ms } = rates;
    parts.push(
      `${Math.round(requestsPerSecond)} req/s, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
    );
  } else {
    const largest = Math.max(...Object.values(groups).map((group) => group.largestProcessMiB));
    parts.push(`largest process ${largest.toFixed(0)} MiB`);
  }
  for (const [name, value] of Object.entries(extras ?? {})) parts.push(`${name} ${Number(value.toFixed(2))}`);
  return parts.join(", ");
}

function summarise(peer: string, all: readonly Turn[]): PeerFigures {
  const turns = all.filter((turn) => turn.peer === peer);
  const middle = (pick: (turn: Turn) => number | undefined) =>
    median(turns.flatMap((turn) => pick(turn) ?? []));
  const groups: Record<string, GroupFigures> = {};
  for (const name of new Set(turns.flatMap((turn) => Object.keys(turn.groups)))) {
    groups[name] = {
      cpuMicrosPerRequest: middle((turn) => turn.groups[name]?.cpuMicrosPerRequest),
      peakPssMiB: middle((turn) => turn.groups[name]?.peakPssMiB),
      largestProcessMiB: middle((turn) => turn.groups[name]?.largestProcessMiB),
      processes: middle((turn) => turn.groups[name]?.processes),
    };
  }
  const extras: Record<string, number> = {};
  for (const name of new Set(turns.flatMap((turn) => Object.keys(turn.extras ?? {}))))
    extras[name] = middle((turn) => turn.extras?.[name]);
  const rates = turns.some((turn) => turn.rates) && {
    requestsPerSecond: middle((turn) => turn.rates?.requestsPerSecond),
    p50Ms: middle((turn) => turn.rates?.p50Ms),
    p99Ms: middle((turn) => turn.rates?.p99Ms),
  };
  return { peer, rounds: turns.length, extras, groups, ...(rates && { rates }), ...residencyOf(turns) };
}

function residencyOf(turns: readonly Turn[]): Pick<PeerFigures, "residency"> {
  const all = turns.flatMap((turn) => turn.residency ?? []);
  if (all.length === 0) return {};
  return {
    residency: {
      servers: all[0]!.servers,
      withResidents: Math.min(...all.map((one) => one.withResidents)),
      warmupSeconds: median(all.map((one) => one.warmupSeconds)),
      share: median(all.map((one) => one.share)),
    },
  };
}
