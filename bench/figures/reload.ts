/** Save to served: from writing a function's file to the first response of the new version. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { textHandler } from "../handlers.ts";
import { until } from "../http.ts";
import { type Spread, spread } from "../statistics.ts";
import { type Session, withDexter } from "./session.ts";

const SAVES = 20;
const DEADLINE_MS = 10_000;
/** Between two saves, as an author would: the previous version's threads may finish being replaced. */
const BETWEEN_SAVES_MS = 300;

/** Milliseconds over 20 saves in `dexter dev`. */
export async function measureReload(set: readonly string[]): Promise<Spread> {
  const functions = { hello: textHandler("version 0") };
  return withDexter({ command: "dev", functions, set }, async (session) => {
    await served(session, "version 0");
    const times: number[] = [];
    for (let save = 1; save <= SAVES; save++) {
      await pause(BETWEEN_SAVES_MS);
      const text = `version ${save}`;
      const savedAt = performance.now();
      writeFileSync(join(session.folder, "functions", "hello.ts"), textHandler(text));
      await served(session, text);
      times.push(performance.now() - savedAt);
    }
    return spread(times);
  });
}

/** Asks without a pause until the body is `text`. Any response that is not 200 is a failure. */
function served({ dexter, connection }: Session, text: string): Promise<true> {
  return until(`"${text}" served`, DEADLINE_MS, 0, async () => {
    const reply = await connection.get(`${dexter.origin}/hello`);
    if (reply.status !== 200) throw new Error(`status ${reply.status} while reloading: ${reply.body}`);
    return reply.body === text || undefined;
  });
}
