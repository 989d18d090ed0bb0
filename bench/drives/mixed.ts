/** Light and heavy requests at the same time. What counts is how long the light ones take. */

import { type ClassResult, runClasses } from "../load/classes.ts";
import { assertAnswered, type LoadCount } from "../load/generator.ts";
import type { Drive, DriveContext } from "./drive.ts";
import { inProgress } from "./in-progress.ts";
import { residencyAfter, warmUp } from "./residency.ts";

const HEAVY_SHARE = 0.05;

/** Latencies are those of the light requests; the rate is that of all. */
export const mixed: Drive = async (context) => {
  const { peer, options, meter } = context;
  const warmth = await warmUp(peer, options.warmupSeconds, (seconds) => run(context, seconds).then(total));
  const result = await meter.during(() => run(context, options.seconds));
  const { light, heavy, seconds } = result;
  const all = total(result);
  assertAnswered(all);
  const { requests } = all;
  const rates = { requestsPerSecond: requests / seconds, p50Ms: light.p50Ms, p99Ms: light.p99Ms };
  const extras = {
    "heavy p50 ms": heavy.p50Ms,
    "heavy p99 ms": heavy.p99Ms,
    ...(await inProgress(context, (more) => run(context, more).then(total))),
  };
  return { requests, rates, extras, ...(await residencyAfter(peer, warmth)) };
};

function run({ peer, options }: DriveContext, seconds: number): Promise<ClassResult> {
  return runClasses({ url: peer.url, connections: options.connections, seconds, heavyShare: HEAVY_SHARE });
}

function total({ light, heavy, failures, failureText }: ClassResult): LoadCount {
  return { requests: light.requests + heavy.requests, failures, failureText };
}
