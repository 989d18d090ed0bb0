/** What a thousand functions cost: memory of all processes at rest, time to start, first requests, spares of hot ones. */

import { readFileSync } from "node:fs";
import { type Dexter, untilQuiet } from "../dexter.ts";
import { textHandler } from "../handlers.ts";
import { Connection } from "../http.ts";
import { processTree } from "../processes.ts";
import { progress } from "../progress.ts";
import { median } from "../statistics.ts";
import { type Session, withDexter } from "./session.ts";

const MANY = 1_000;
const HOT = 20;
/** More than make a function hot, and in so many rounds that time goes by between them. */
const ROUNDS = 6_000;

const name = (index: number) => `f${index}`;

/** Measures, and says the result: `set` as for the other figures. */
export async function showDensity(set: readonly string[]): Promise<void> {
  const one = await withDexter(options(1, set), ({ dexter }) => memoryAtRest(dexter));
  await withDexter(options(MANY, set), async (session) => {
    const startMs = performance.now() - session.spawnedAt;
    const many = await memoryAtRest(session.dexter);
    const times = await firstRequests(session);
    progress(
      [
        `density: ${MANY} functions, start ${startMs.toFixed(0)} ms`,
        `at rest ${many.toFixed(0)} MiB (Pss of all processes), with one function ${one.toFixed(0)} MiB`,
        `first requests p50 ${median(times).toFixed(1)} ms, p99 ${times[Math.ceil(MANY * 0.99) - 1]!.toFixed(1)} ms`,
      ].join("; "),
    );
    progress(`density: idle threads of ${HOT} hot functions, fewest first: ${await sparesOfHot(session)}`);
  });
}

const options = (count: number, set: readonly string[]) => ({
  command: "start" as const,
  functions: Object.fromEntries(
    Array.from({ length: count }, (_, index) => [name(index), textHandler(name(index))]),
  ),
  set,
});

/** Pss of dexter and all that it started, in MiB; NaN where there is no /proc. */
async function memoryAtRest(dexter: Dexter): Promise<number> {
  const { pid } = await untilQuiet(dexter);
  const kib = processTree(pid).map(({ pid: one }) => {
    try {
      return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${one}/smaps_rollup`, "utf8"))?.[1]);
    } catch {
      return 0; // it has just ended
    }
  });
  return kib.length === 0 ? Number.NaN : kib.reduce((sum, one) => sum + one, 0) / 1024;
}

/** Sorted. One after the other, without a pause. */
async function firstRequests(session: Session): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < MANY; index++) times.push(await timed(session, index));
  return times.sort((a, b) => a - b);
}

async function timed(
  { dexter, connection }: Pick<Session, "dexter" | "connection">,
  index: number,
): Promise<number> {
  const askedAt = performance.now();
  const { status } = await connection.get(`${dexter.origin}/${name(index)}`);
  if (status !== 200) throw new Error(`${name(index)}: status ${status}`);
  return performance.now() - askedAt;
}

/** Asks one function again and again, and now and then one that is not hot. */
async function keepAsking({ dexter }: Session, index: number): Promise<void> {
  const connection = new Connection();
  for (let round = 0; round < ROUNDS; round++) {
    await timed({ dexter, connection }, index);
    if (round % 100 === 0) await timed({ dexter, connection }, HOT + ((round + index * 37) % (MANY - HOT)));
  }
  connection.close();
}

/** Makes the first functions hot, asks others in between, and counts idle threads in the whole node. */
async function sparesOfHot(session: Session): Promise<string> {
  await Promise.all(Array.from({ length: HOT }, (_, index) => keepAsking(session, index)));
  const { servers } = await session.dexter.status();
  const idle = (index: number) =>
    servers
      .flatMap((server) => server.threads as readonly { state: string; function?: string }[])
      .filter((thread) => thread.function === name(index) && thread.state === "idle").length;
  return Array.from({ length: HOT }, (_, index) => idle(index))
    .sort((a, b) => a - b)
    .join(" ");
}
