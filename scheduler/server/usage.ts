/** What a process uses, as the kernel says in `/proc`. 0 where the system has none, or the process has ended. */
import { readFileSync } from "node:fs";
import type { Clock } from "./health.ts";

/** The unit of CPU times in `/proc`; the same on every Linux (`USER_HZ`). */
const TICKS_PER_S = 100;

export function residentBytes(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(pid, "status"))?.[1] ?? 0) * 1024;
}

/** CPU time of all its threads, in user and kernel mode, since it started. */
export function cpuSeconds(pid: number | undefined): number {
  const stat = read(pid, "stat");
  // The name, in brackets, may hold anything; utime and stime are the 12th and 13th fields after it.
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  return (user + system) / TICKS_PER_S;
}

/** How long the main thread of the process has run, and waited to run; and what it does. */
export function clockOf(pid: number | undefined): Clock {
  const [ranNs = 0, waitedNs = 0] = read(pid, "schedstat").split(" ").map(Number);
  const stat = read(pid, "stat");
  const state = stat.charAt(stat.lastIndexOf(")") + 2);
  return { ranMs: ranNs / 1e6, wantedMs: (ranNs + waitedNs) / 1e6, state };
}

function read(pid: number | undefined, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}
