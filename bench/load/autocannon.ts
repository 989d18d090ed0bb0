/** autocannon, for machines without wrk. A Node.js program: it takes more of the CPU than wrk does. */

import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { run } from "../child.ts";
import { temporaryFolder } from "../cleanup.ts";
import {
  describeFailures,
  GRACE_MS,
  type LoadGenerator,
  type LoadResult,
  REQUEST_TIMEOUT_S,
} from "./generator.ts";

const program = createRequire(import.meta.url).resolve("autocannon");

interface AutocannonResult {
  readonly duration: number;
  readonly latency: { readonly p50: number; readonly p99: number };
  readonly requests: { readonly total: number };
  readonly errors: number;
  readonly timeouts: number;
  readonly mismatches: number;
  readonly non2xx: number;
}

/** Reads what `autocannon --json` prints. */
export function parseAutocannon(stdout: string): LoadResult {
  const raw = JSON.parse(stdout) as AutocannonResult;
  return {
    requests: raw.requests.total,
    seconds: raw.duration,
    requestsPerSecond: raw.requests.total / raw.duration,
    p50Ms: raw.latency.p50,
    p99Ms: raw.latency.p99,
    // Timeouts are among `errors`.
    ...describeFailures({
      "failed connection": raw.errors - raw.timeouts,
      timeout: raw.timeouts,
      "status not 2xx": raw.non2xx,
    }),
  };
}

export const autocannon: LoadGenerator = {
  name: "autocannon",
  async run({ url, connections, seconds, uploadBytes }) {
    const scratch = temporaryFolder();
    try {
      const body = join(scratch.path, "body");
      writeFileSync(body, "x".repeat(uploadBytes ?? 0));
      const upload = uploadBytes === undefined ? [] : ["-m", "POST", "-i", body];
      const timing = ["-d", `${seconds}`, "-t", `${REQUEST_TIMEOUT_S}`];
      const args = [program, "--json", "-c", `${connections}`, ...timing, ...upload, url];
      const timeoutMs = seconds * 1000 + GRACE_MS;
      return parseAutocannon(await run({ name: "autocannon", command: process.execPath, args, timeoutMs }));
    } finally {
      scratch.remove();
    }
  },
};
