/**
 * Memory at rest, as resident set (VmRSS). What a thread costs is the slope between a server with few
 * threads and one with many; what a server costs without its threads is the rest.
 */

import { untilQuiet } from "../dexter.ts";
import { textHandler } from "../handlers.ts";
import { proportionalMiB, residentMiB } from "../memory.ts";
import type { Status } from "../status.ts";
import { withDexter } from "./session.ts";

const MANY_THREADS = 45;

interface Rest {
  readonly schedulerMiB: number;
  readonly serverMiB: number;
  readonly serverPssMiB: number;
  readonly threadsPerServer: number;
}

export interface IdleFigures {
  readonly schedulerMiB: number;
  readonly serverBaseMiB: number;
  readonly perThreadMiB: number;
  /** As measured: with the default number of threads, and with many. */
  readonly few: Rest;
  readonly many: Rest;
}

/** Undefined where memory cannot be read. */
export async function measureIdle(set: readonly string[]): Promise<IdleFigures | undefined> {
  if (residentMiB(process.pid) === undefined) return undefined;
  const few = await atRest(set);
  const threads = [`start_threads=${MANY_THREADS}`, `min_spare_threads=${MANY_THREADS}`];
  const many = await atRest([...set, ...threads, `max_spare_threads=${MANY_THREADS + 5}`]);
  const perThreadMiB = (many.serverMiB - few.serverMiB) / (many.threadsPerServer - few.threadsPerServer);
  return {
    schedulerMiB: few.schedulerMiB,
    serverBaseMiB: few.serverMiB - perThreadMiB * few.threadsPerServer,
    perThreadMiB,
    few,
    many,
  };
}

function atRest(set: readonly string[]): Promise<Rest> {
  const functions = { hello: textHandler("hello") };
  return withDexter({ command: "start", functions, set }, async ({ dexter, connection }) => {
    const reply = await connection.get(`${dexter.origin}/hello`); // makes the function an active one
    if (reply.status !== 200) throw new Error(`status ${reply.status}: ${reply.body}`);
    return readMemory(await untilQuiet(dexter));
  });
}

function readMemory({ pid, servers }: Status): Rest {
  const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
  return {
    schedulerMiB: residentMiB(pid) ?? Number.NaN,
    serverMiB: mean(servers.map((server) => residentMiB(server.pid) ?? Number.NaN)),
    serverPssMiB: mean(servers.map((server) => proportionalMiB(server.pid) ?? Number.NaN)),
    threadsPerServer: mean(
      servers.map((server) => server.threads.filter((one) => one.state === "idle").length),
    ),
  };
}
