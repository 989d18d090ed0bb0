/**
 * After rest, many requests at once, each of which keeps its isolate for a while: as many as are ready take one at
 * once, the others wait until theirs is created. The functions answer when they began, by the clock that the
 * benchmark also reads; so a wait is from sending to beginning, whatever the answer's way back takes.
 */

import { setTimeout as pause } from "node:timers/promises";
import { type Functions, untilQuiet } from "../dexter.ts";
import { holdHandler } from "../handlers.ts";
import { Connection, until } from "../http.ts";
import type { DexterView, RunningPeer } from "../peers/peer.ts";
import { median } from "../statistics.ts";
import type { Status } from "../status.ts";
import { BURST } from "../workloads.ts";
import type { Drive, DriveContext } from "./drive.ts";
import { residencyAfter, warmUp } from "./residency.ts";

const BURSTS = 2;
/** Longer than it takes to create an isolate for each request of the burst. */
const HOLD_MS = 600;
const REST_MS = 1_000;
const COLD = 5;
const COLD_DEADLINE_MS = 10_000;

const coldNames = Array.from({ length: COLD }, (_, index) => `cold${index}`);

/** dexter's functions without a thread at rest: what one creation takes is measured with them. */
export const COLD_FUNCTIONS: Functions = Object.fromEntries(
  coldNames.map((name) => [
    name,
    { source: holdHandler, own: 'idle_timeout = "1s"\nstart_threads = 1\nmin_spare_threads = 1\n' },
  ]),
);

/** The headings of figures that are looked up elsewhere. */
export const LONGEST = "longest wait ms";
export const NEEDLESS = "waited though spares were idle";
export const CREATIONS = "longest wait in creations ÷ own turn";

export const burst: Drive = async (context) => {
  const { peer, meter } = context;
  const warmth = peer.dexter?.resident ? await heat(context) : undefined;
  const connections = Array.from({ length: BURST }, () => new Connection());
  try {
    const warm: number[] = [];
    for (const connection of connections) warm.push(await waitOf(connection, peer.url));
    const warmMs = median(warm);
    const creationMs = peer.dexter ? (await measureCreation(peer, peer.dexter)) - warmMs : Number.NaN;
    const all: Readonly<Record<string, number>>[] = [];
    for (let index = 0; index < BURSTS; index++) {
      all.push(await meter.during(() => oneBurst(peer, connections, warmMs, creationMs)));
    }
    const extras = { "warm ms": warmMs, ...medians(all) };
    return { requests: BURSTS * BURST, extras, ...(await residencyAfter(peer, warmth)) };
  } finally {
    for (const connection of connections) connection.close();
  }
};

function heat({ peer, generator, options }: DriveContext) {
  const { connections, warmupSeconds } = options;
  return warmUp(peer, warmupSeconds, (seconds) => generator.run({ url: peer.url, connections, seconds }));
}

/** Milliseconds from sending to the beginning of the handler. */
async function waitOf(connection: Connection, url: string): Promise<number> {
  const sentAt = Date.now();
  const { status, body } = await connection.get(url);
  if (status !== 200) throw new Error(`status ${status}: ${body.slice(0, 500)}`);
  return Number(body) - sentAt;
}

/** The wait of a function's first request, when nothing else goes on. */
async function measureCreation({ origin }: RunningPeer, dexter: DexterView): Promise<number> {
  const waits: number[] = [];
  await until("functions without threads (idle_timeout)", COLD_DEADLINE_MS, 250, async () => {
    const { servers } = await dexter.status();
    const cold = servers.flatMap(({ threads }) => threads.filter((one) => coldNames.includes(one.function)));
    return cold.length === 0 || undefined;
  });
  const connection = new Connection();
  try {
    for (const name of coldNames) {
      waits.push(await waitOf(connection, `${origin}/${name}`));
      await untilQuiet(dexter);
    }
    return median(waits);
  } finally {
    connection.close();
  }
}

async function oneBurst(
  peer: RunningPeer,
  connections: readonly Connection[],
  warmMs: number,
  creationMs: number,
): Promise<Record<string, number>> {
  await pause(REST_MS);
  const before = peer.dexter && (await untilQuiet(peer.dexter));
  const waits = await Promise.all(connections.map((one) => waitOf(one, `${peer.url}?hold=${HOLD_MS}`)));
  const longest = Math.max(...waits);
  const outside = { "median wait ms": median(waits), [LONGEST]: longest };
  if (!before || !peer.dexter) return outside;
  const ready = idleOf(before);
  const waited = BURST - servedBy(ready, await peer.dexter.status());
  const turn = Math.ceil(waited / peer.dexter.servers);
  return {
    ...outside,
    spares: ready.size,
    waited,
    [NEEDLESS]: Math.max(0, waited - Math.max(0, BURST - ready.size)),
    "creation ms": creationMs,
    [CREATIONS]: waited === 0 ? 0 : (longest - warmMs) / (turn * creationMs),
  };
}

/** Idle threads by server and slot, with the requests that they have served. */
function idleOf({ servers }: Status): Map<string, number> {
  return new Map(
    servers.flatMap(({ pid, threads }) =>
      threads
        .filter((thread) => thread.state === "idle" && thread.function === "burst")
        .map((thread) => [`${pid}/${thread.slot}`, thread.requests] as const),
    ),
  );
}

/** How many requests were served by the threads that had been idle. */
function servedBy(ready: ReadonlyMap<string, number>, { servers }: Status): number {
  let served = 0;
  for (const { pid, threads } of servers)
    for (const { slot, requests } of threads) {
      const before = ready.get(`${pid}/${slot}`);
      if (before !== undefined && requests > before) served++;
    }
  return served;
}

function medians(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = Object.keys(all[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(all.map((one) => one[name] ?? Number.NaN))]));
}
