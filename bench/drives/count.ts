/** A number of requests instead of a time: what a server's memory grows to. */

import { assertAnswered } from "../load/generator.ts";
import type { Drive } from "./drive.ts";
import { residencyAfter, warmUp } from "./residency.ts";

const MAX_STEP_S = 10;

/** `--memory-requests` for each server of dexter, and as many for a peer that is one process. */
export const count: Drive = async ({ peer, generator, options, meter }) => {
  const { connections, warmupSeconds, memoryRequests } = options;
  const step = (seconds: number) => generator.run({ url: peer.url, connections, seconds });
  const wanted = memoryRequests * (peer.dexter?.servers ?? 1);
  let requests = 0;
  let rate = 0;
  const counted = async (seconds: number) => {
    const result = await step(seconds);
    requests += result.requests;
    rate = result.requestsPerSecond;
    return result;
  };
  return meter.during(async () => {
    const warmth = await warmUp(peer, warmupSeconds, counted);
    while (requests < wanted) {
      const seconds = Math.min(MAX_STEP_S, Math.max(1, Math.ceil((wanted - requests) / rate)));
      assertAnswered(await counted(seconds));
    }
    return { requests, extras: { requests }, ...(await residencyAfter(peer, warmth)) };
  });
};
