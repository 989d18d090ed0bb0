/** The process of `bench/load/classes.ts`. Its argument is the request as JSON; it prints the result as JSON. */

import { Connection } from "../http.ts";
import { percentile } from "../statistics.ts";
import type { ClassFigures, ClassRequest, ClassResult } from "./classes.ts";

const { url, connections, seconds, heavyShare } = JSON.parse(process.argv[2]!) as ClassRequest;
const times = { light: [] as number[], heavy: [] as number[] };
const failures: string[] = [];

let state = 1;
/** From 0 to 1; always the same sequence (Numerical Recipes' linear congruential generator). */
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

async function client(untilMs: number): Promise<void> {
  const connection = new Connection();
  while (performance.now() < untilMs) {
    const kind = random() < heavyShare ? "heavy" : "light";
    const askedAt = performance.now();
    try {
      const { status, body } = await connection.get(`${url}/${kind}`);
      if (status !== 200 || body !== kind) throw new Error(`status ${status}`);
      times[kind].push(performance.now() - askedAt);
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  connection.close();
}

function figures(of: readonly number[]): ClassFigures {
  return { requests: of.length, p50Ms: percentile(of, 0.5), p99Ms: percentile(of, 0.99) };
}

const startedAt = performance.now();
await Promise.all(Array.from({ length: connections }, () => client(startedAt + seconds * 1000)));
const result: ClassResult = {
  seconds: (performance.now() - startedAt) / 1000,
  light: figures(times.light),
  heavy: figures(times.heavy),
  failures: failures.length,
  failureText: [...new Set(failures)].slice(0, 3).join(", "),
};
process.stdout.write(JSON.stringify(result));
