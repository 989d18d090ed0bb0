/** As much as a number of connections can ask, for some seconds. */

import { assertAnswered, type LoadResult } from "../load/generator.ts";
import type { DexterView } from "../peers/peer.ts";
import type { Drive, DriveContext } from "./drive.ts";
import { residencyAfter, warmUp } from "./residency.ts";

/** The heading of the figure. */
export const IN_PROGRESS = "most in progress ÷ allowed";
/** How often the status is looked at. */
const LOOKS = 3;

export const load: Drive = async (context) => {
  const { workload, peer, options, meter } = context;
  const share = (seconds: number) => (workload.short ? Math.ceil(seconds / 2) : seconds);
  const warmth = await warmUp(peer, share(options.warmupSeconds), (seconds) => run(context, seconds));
  const result = await meter.during(() => run(context, share(options.seconds)));
  assertAnswered(result);
  const extras = workload.inProgress && peer.dexter ? await inProgress(context, peer.dexter) : {};
  const { requests, requestsPerSecond, p50Ms, p99Ms } = result;
  const rates = { requestsPerSecond, p50Ms, p99Ms };
  return { requests, rates, extras, ...(await residencyAfter(peer, warmth)) };
};

function run({ workload, peer, generator, options }: DriveContext, seconds: number): Promise<LoadResult> {
  const connections = workload.connections ?? options.connections;
  return generator.run({ url: peer.url, connections, seconds, uploadBytes: workload.uploadBytes });
}

/** Under further load, so that looking at the status takes nothing from what is measured. */
async function inProgress(context: DriveContext, dexter: DexterView): Promise<Record<string, number>> {
  const more = run(context, LOOKS);
  let most = 0;
  for (let look = 0; look < LOOKS; look++) most = Math.max(most, (await dexter.status()).totals.busy);
  assertAnswered(await more);
  return { [IN_PROGRESS]: most / dexter.law };
}
