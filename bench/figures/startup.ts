/** From spawning `dexter start` with ten functions to the first 200. */

import { textHandler } from "../handlers.ts";
import { until } from "../http.ts";
import { type Spread, spread } from "../statistics.ts";
import { withDexter } from "./session.ts";

const STARTS = 5;
const FUNCTIONS = 10;
const DEADLINE_MS = 30_000;
/** Between two attempts to connect; the figure is too high by half of it on average. */
const RETRY_MS = 2;

/** Milliseconds over five starts, each in a new project folder, so nothing is built or cached. */
export async function measureStartup(set: readonly string[]): Promise<Spread> {
  const names = Array.from({ length: FUNCTIONS }, (_, index) => `function${index}`);
  const functions = Object.fromEntries(names.map((name) => [name, textHandler(name)]));
  const times: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    const options = { command: "start", functions, set, early: true } as const;
    times.push(
      await withDexter(options, async ({ dexter, connection, spawnedAt }) => {
        await until("the first 200", DEADLINE_MS, RETRY_MS, async () => {
          // Refused connections and early 503s are what waiting looks like from outside.
          const reply = await connection.get(`${dexter.origin}/function0`).catch(() => undefined);
          return reply?.status === 200 || undefined;
        });
        return performance.now() - spawnedAt;
      }),
    );
  }
  return spread(times);
}
