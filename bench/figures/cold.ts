/** The first request to a function that has no thread. */

import { untilQuiet } from "../dexter.ts";
import { textHandler } from "../handlers.ts";
import { until } from "../http.ts";
import { type Spread, spread } from "../statistics.ts";
import { type Session, withDexter } from "./session.ts";

const FUNCTIONS = 25;
const DEADLINE_MS = 30_000;

/** Milliseconds over 25 functions, each asked once, on one kept connection. */
export async function measureCold(set: readonly string[]): Promise<Spread> {
  const names = Array.from({ length: FUNCTIONS }, (_, index) => `cold${index}`);
  const functions = {
    warm: textHandler("warm"),
    ...Object.fromEntries(names.map((name) => [name, textHandler(name)])),
  };
  // A short idle_timeout: whatever has threads after the start has lost them when measuring begins.
  const settings = ["idle_timeout=1s", ...set];
  return withDexter({ command: "start", functions, set: settings }, async (session) => {
    await timed(session, "warm"); // opens the connection and warms the request path
    await withoutThreads(session);
    const times: number[] = [];
    for (const name of names) {
      times.push(await timed(session, name));
      // The spare threads that the request caused are not this function's wait, nor the next one's.
      await untilQuiet(session.dexter);
    }
    return spread(times);
  });
}

function withoutThreads({ dexter }: Session): Promise<true> {
  return until("functions without threads (idle_timeout)", DEADLINE_MS, 250, async () => {
    const { idle, busy, starting } = (await dexter.status()).totals;
    return idle + busy + starting === 0 || undefined;
  });
}

async function timed({ dexter, connection }: Session, name: string): Promise<number> {
  const askedAt = performance.now();
  const reply = await connection.get(`${dexter.origin}/${name}`);
  const took = performance.now() - askedAt;
  if (reply.status !== 200 || reply.body !== name) {
    throw new Error(`${name}: status ${reply.status}: ${reply.body}`);
  }
  return took;
}
