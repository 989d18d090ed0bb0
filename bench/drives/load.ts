/** As much as a number of connections can ask, for some seconds. */

import { assertAnswered, type LoadResult } from "../load/generator.ts";
import type { Drive, DriveContext } from "./drive.ts";
import { inProgress } from "./in-progress.ts";
import { residencyAfter, warmUp } from "./residency.ts";

export const load: Drive = async (context) => {
  const { workload, peer, options, meter } = context;
  const share = (seconds: number) => (workload.short ? Math.ceil(seconds / 2) : seconds);
  const warmth = await warmUp(peer, share(options.warmupSeconds), (seconds) => run(context, seconds));
  const result = await meter.during(() => run(context, share(options.seconds)));
  assertAnswered(result);
  const extras = await inProgress(context, (seconds) => run(context, seconds));
  const { requests, requestsPerSecond, p50Ms, p99Ms } = result;
  const rates = { requestsPerSecond, p50Ms, p99Ms };
  return { requests, rates, extras, ...(await residencyAfter(peer, warmth)) };
};

function run({ workload, peer, generator, options }: DriveContext, seconds: number): Promise<LoadResult> {
  const connections = workload.connections ?? options.connections;
  return generator.run({ url: peer.url, connections, seconds, uploadBytes: workload.uploadBytes });
}
