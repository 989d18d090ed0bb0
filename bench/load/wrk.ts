/** wrk (https://github.com/wg/wrk): one thread of C, so most of the machine is left to what is measured. */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { run } from "../child.ts";
import {
  describeFailures,
  GRACE_MS,
  type LoadGenerator,
  type LoadResult,
  REQUEST_TIMEOUT_S,
} from "./generator.ts";

const script = fileURLToPath(new URL("wrk.lua", import.meta.url));

/** Whether `wrk` can be run here. */
export function wrkInstalled(): boolean {
  return spawnSync("wrk", ["--version"]).error === undefined;
}

/** Reads the line that wrk.lua prints. Exported for what may want to check it. */
export function parseWrk(stdout: string): LoadResult {
  const line = /^result (\{.*\})$/m.exec(stdout)?.[1];
  if (line === undefined) throw new Error(`wrk: no result in its output\n${stdout}`);
  const raw = JSON.parse(line) as Record<string, number>;
  const seconds = raw.microseconds! / 1e6;
  return {
    requests: raw.requests!,
    seconds,
    requestsPerSecond: raw.requests! / seconds,
    p50Ms: raw.p50! / 1000,
    p99Ms: raw.p99! / 1000,
    ...describeFailures({
      "failed connect": raw.connect!,
      "failed read": raw.read!,
      "failed write": raw.write!,
      timeout: raw.timeout!,
      "status over 399": raw.status!,
    }),
  };
}

export const wrk: LoadGenerator = {
  name: "wrk",
  async run({ url, connections, seconds, uploadBytes }) {
    const timing = ["-d", `${seconds}s`, "--timeout", `${REQUEST_TIMEOUT_S}s`];
    const args = ["-t", "1", "-c", `${connections}`, ...timing, "-s", script, url];
    const timeoutMs = seconds * 1000 + GRACE_MS;
    const env = { BENCH_UPLOAD_BYTES: `${uploadBytes ?? ""}` };
    return parseWrk(await run({ name: "wrk", command: "wrk", args, env, timeoutMs }));
  },
};
