/**
 * File descriptors: how many this process may have, and how many connections of clients that leaves. Servers, threads,
 * files and the operator need theirs, whatever clients do.
 */
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";

/** Files, listeners, the admin API, a build, and some in reserve. */
const OWN = 64;
/** Pipes and control connections of a server, and of the one that takes its place. */
const FOR_SERVER = 8;
/** With fewer connections a node is of no use. */
const FEWEST_CONNECTIONS = 32;
/** What a server has open beside two sockets for each of its threads. */
const OF_SERVER = 32;

/** Who needs descriptors. */
export interface DescriptorUsers {
  readonly numServers: number;
  readonly maxThreadsPerChild: number;
}

/** The most that this process may have; Node.js raises the limit as far as it may. Infinity where that is not known. */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files +(\w+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    const limit = Number(soft);
    return Number.isSafeInteger(limit) ? limit : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** How many this process has open; 0 where that is not known. Infinity when there is none left to find out with. */
export async function usedDescriptors(): Promise<number> {
  try {
    return (await readdir("/proc/self/fd")).length;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EMFILE" || code === "ENFILE" ? Number.POSITIVE_INFINITY : 0;
  }
}

/** The least limit with which such a node can serve. Servers have the same limit as the scheduler. */
export function neededDescriptors({ numServers, maxThreadsPerChild }: DescriptorUsers): number {
  const ofScheduler = OWN + FOR_SERVER * numServers + 2 * FEWEST_CONNECTIONS;
  return Math.max(ofScheduler, OF_SERVER + 2 * maxThreadsPerChild);
}

/**
 * How many connections clients may have. A request in progress takes a connection to its thread as well.
 * @param concurrency requests that a thread serves at once, at most
 */
export function connectionsWithin(limit: number, users: DescriptorUsers, concurrency: number): number {
  const rest = limit - OWN - FOR_SERVER * users.numServers;
  const toThreads = users.numServers * users.maxThreadsPerChild * concurrency;
  return Math.max(1, Math.floor(rest - Math.min(toThreads, rest / 2)));
}
