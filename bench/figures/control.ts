/**
 * The control section: what it changes that a saturated server is given few quick requests at once. The same dexter
 * with it and without, in one run, on functions that compute, on one that waits, and on both mixed.
 */

import { fileURLToPath } from "node:url";
import type { LoadGenerator } from "../load/generator.ts";
import type { Options } from "../options.ts";
import { dexterPeer } from "../peers/dexter.ts";
import { type LoadFigures, runRounds } from "../rounds.ts";
import { workloads } from "../workloads.ts";

const KINDS = ["hello", "wait", "mixed"];
const unmeasured = fileURLToPath(new URL("../control/unmeasured.js", import.meta.url));

const peers = [
  dexterPeer("with", "on"),
  dexterPeer("without", "on", { env: { NODE_OPTIONS: `--import=${unmeasured}` } }),
];

/** Throws if a request fails. */
export async function measureControl(generator: LoadGenerator, options: Options): Promise<LoadFigures[]> {
  const control: LoadFigures[] = [];
  for (const workload of workloads.filter(({ name }) => KINDS.includes(name))) {
    const compared = { ...workload, inProgress: true, judged: peers.map(({ name }) => name), others: false };
    control.push(await runRounds(compared, peers, generator, options));
  }
  return control;
}
