/**
 * `npm run bench`: dexter beside plain workerd and miniflare. The composition root: alone reads argv,
 * handles signals, prints the result and ends the process.
 */

import { constants } from "node:os";
import { CommanderError } from "commander";
import { undoAll } from "./cleanup.ts";
import { measureLatency } from "./figures/index.ts";
import { autocannon } from "./load/autocannon.ts";
import type { LoadGenerator } from "./load/generator.ts";
import { wrk, wrkInstalled } from "./load/wrk.ts";
import { describeMachine } from "./machine.ts";
import { type Options, parseOptions } from "./options.ts";
import { peers } from "./peers/index.ts";
import { progress } from "./progress.ts";
import { type Result, render } from "./report.ts";
import { type LoadFigures, runRounds } from "./rounds.ts";
import { judgeLatency, judgeLoad } from "./targets.ts";
import { workloads } from "./workloads.ts";

const USAGE_STATUS = 2;

/** The named ones of `all`, in the order of `all`. */
function select<T extends { readonly name: string }>(all: readonly T[], names: readonly string[]): T[] {
  return all.filter((one) => names.includes(one.name));
}

function chooseGenerator(wanted: Options["generator"]): LoadGenerator {
  const available = wrkInstalled();
  if (wanted === "wrk" && !available) throw new Error("wrk is not installed; leave --generator out");
  return wanted === "autocannon" || !available ? autocannon : wrk;
}

async function runLoad(options: Options, generator: LoadGenerator): Promise<LoadFigures[]> {
  const load: LoadFigures[] = [];
  for (const workload of select(workloads, options.workloads)) {
    load.push(await runRounds(workload, select(peers, options.only), generator, options));
  }
  return load;
}

async function bench(options: Options): Promise<Result> {
  const machine = describeMachine();
  const generator = options.figures.includes("load") ? chooseGenerator(options.generator) : undefined;
  const load = generator && (await runLoad(options, generator));
  const wantsDexter = select(peers, options.only).some((peer) => peer.name === "dexter");
  const latency =
    options.figures.includes("latency") && wantsDexter ? await measureLatency(options.set) : undefined;
  return {
    machine,
    options: { ...options },
    ...(generator && { generator: generator.name }),
    ...(load && { load }),
    ...(latency && { latency }),
    targets: [...(load ?? []).flatMap(judgeLoad), ...(latency ? judgeLatency(latency) : [])],
  };
}

process.on("exit", undoAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

try {
  const names = { peers: peers.map((one) => one.name), workloads: workloads.map((one) => one.name) };
  const options = parseOptions(process.argv, names);
  const result = await bench(options);
  process.stdout.write(`${options.json ? JSON.stringify(result) : render(result)}\n`, () => process.exit(0));
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : USAGE_STATUS);
  progress(`\nBENCHMARK FAILED\n${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
