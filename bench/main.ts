/**
 * `npm run bench`: dexter beside plain workerd, miniflare and wrangler dev. The composition root: alone reads
 * argv, handles signals, prints the result and ends the process.
 */

import { writeFileSync } from "node:fs";
import { constants } from "node:os";
import { isAbsolute } from "node:path";
import { CommanderError } from "commander";
import { undoAll } from "./cleanup.ts";
import { measureControl } from "./figures/control.ts";
import { measureForwarding } from "./figures/forwarding.ts";
import { measureLatency } from "./figures/index.ts";
import { autocannon } from "./load/autocannon.ts";
import type { LoadGenerator } from "./load/generator.ts";
import { wrk, wrkInstalled } from "./load/wrk.ts";
import { describeMachine } from "./machine.ts";
import { type Options, parseOptions, type Section } from "./options.ts";
import { earlierDexter } from "./peers/dexter.ts";
import { peerNames, peersWith } from "./peers/index.ts";
import type { Peer } from "./peers/peer.ts";
import { findWrangler } from "./peers/wrangler.ts";
import { progress } from "./progress.ts";
import { type Result, renderMarkdown, renderText } from "./report.ts";
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

async function runLoad(options: Options, peers: readonly Peer[], generator: LoadGenerator) {
  const load: LoadFigures[] = [];
  for (const workload of select(workloads, options.workloads)) {
    load.push(await runRounds(workload, peers, generator, options));
  }
  return load;
}

/** What was typed; a path of this machine would mean nothing elsewhere. */
function typed(argv: readonly string[]): string {
  const words = argv.map((word) => (isAbsolute(word) ? "<path>" : word));
  return ["npm run bench", ...(words.length > 0 ? ["--"] : []), ...words].join(" ");
}

async function bench(options: Options): Promise<Result> {
  const date = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const wantsWrangler = options.figures.includes("load") && options.only.includes("wrangler");
  const wrangler = wantsWrangler ? findWrangler(options.wrangler) : undefined;
  const notes: string[] = [];
  if (wantsWrangler && wrangler === undefined) {
    if (options.wrangler !== undefined) throw new Error(`there is no wrangler in ${options.wrangler}`);
    notes.push("wrangler dev was left out: it is not installed here (see `--wrangler` in CONTRIBUTING.md).");
  }
  const machine = describeMachine(wrangler?.version);
  const peers = select(peersWith(wrangler), options.only);
  if (options.before !== undefined) peers.push(earlierDexter(options.before));
  const wants = (section: Section) => options.figures.includes(section);
  const needsGenerator = wants("load") || wants("forwarding") || wants("control");
  const generator = needsGenerator ? chooseGenerator(options.generator) : undefined;
  const load = generator && wants("load") ? await runLoad(options, peers, generator) : undefined;
  const wantsDexter = peers.some((peer) => peer.name === "dexter");
  const latency = wants("latency") && wantsDexter ? await measureLatency(options.set) : undefined;
  const forwarding =
    generator && wants("forwarding") ? await measureForwarding(generator, options) : undefined;
  const control = generator && wants("control") ? await measureControl(generator, options) : undefined;
  return {
    machine,
    date,
    command: typed(process.argv.slice(2)),
    options: { ...options },
    ...(generator && { generator: generator.name }),
    ...(load && { load }),
    ...(latency && { latency }),
    ...(forwarding && { forwarding }),
    ...(control && { control }),
    targets: [...(load ?? []).flatMap(judgeLoad), ...(latency ? judgeLatency(latency) : [])],
    notes,
  };
}

process.on("exit", undoAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

try {
  const names = { peers: peerNames, workloads: workloads.map((one) => one.name) };
  const options = parseOptions(process.argv, names);
  const result = await bench(options);
  if (options.markdown !== undefined) writeFileSync(options.markdown, renderMarkdown(result));
  const text = options.json ? JSON.stringify(result) : renderText(result);
  process.stdout.write(`${text}\n`, () => process.exit(0));
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : USAGE_STATUS);
  progress(`\nBENCHMARK FAILED\n${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
