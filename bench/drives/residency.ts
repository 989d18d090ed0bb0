/**
 * The warm-up. Resident threads come in the background: a function must be hot, and servers are replaced one
 * after the other. So for the peer that is to have them it goes on until every server has some, or for 30 s.
 */

import { assertNoFailure, type LoadCount } from "../load/generator.ts";
import type { RunningPeer } from "../peers/peer.ts";
import type { Status } from "../status.ts";

const DEADLINE_MS = 30_000;
/** Between two looks at the status. */
const STEP_S = 1;

export interface Residency {
  readonly servers: number;
  /** Servers that had resident threads when the warm-up ended. */
  readonly withResidents: number;
  /** How long the warm-up took. */
  readonly warmupSeconds: number;
  /** Of the requests of the servers that were alive at the end of the turn, what resident threads served, 0 to 1. */
  readonly share: number;
}

type Warmth = Omit<Residency, "share">;

/** Runs `load` for so many seconds, and longer if resident threads are wanted. Throws if a request fails. */
export async function warmUp(
  peer: RunningPeer,
  seconds: number,
  load: (seconds: number) => Promise<LoadCount>,
): Promise<Warmth | undefined> {
  const startedAt = performance.now();
  const once = async (of: number) => assertNoFailure(await load(of), "warm-up");
  await once(seconds);
  const { dexter } = peer;
  if (!dexter?.resident) return undefined;
  for (;;) {
    const withResidents = serversWithResidents(await dexter.status());
    const tookMs = performance.now() - startedAt;
    if (withResidents >= dexter.servers || tookMs > DEADLINE_MS)
      return { servers: dexter.servers, withResidents, warmupSeconds: tookMs / 1000 };
    await once(STEP_S);
  }
}

function serversWithResidents({ servers }: Status): number {
  return servers.filter(
    ({ state, threads }) => state === "running" && threads.some(({ kind }) => kind === "resident"),
  ).length;
}

/** Completes what the warm-up found; to be called when all is measured. */
export async function residencyAfter(
  peer: RunningPeer,
  warmth: Warmth | undefined,
): Promise<{ readonly residency?: Residency }> {
  if (warmth === undefined || peer.dexter === undefined) return {};
  const { servers } = await peer.dexter.status();
  const threads = servers.flatMap((server) => server.threads);
  const requestsOf = (list: typeof threads) => list.reduce((sum, { requests }) => sum + requests, 0);
  const share = requestsOf(threads.filter(({ kind }) => kind === "resident")) / requestsOf(threads);
  return { residency: { ...warmth, share } };
}
