/** dexter's own policy: the code of scheduler/policy, set up as a starting node does it. */
import { fitsAllAtOnce } from "../../scheduler/config/threads.ts";
import { Fleet } from "../../scheduler/policy/fleet.ts";
import { type MakePolicy, type Request, specOf } from "./policy.ts";

/** Servers are not recycled: that costs the same under every policy. */
const MAX_REQUESTS = 0;

export const dexter: MakePolicy = (effects, node, functions) => {
  const fleet = new Fleet<Request>(effects, { queue: node.queue, queueTimeoutMs: () => node.queueTimeoutMs });
  const specs = functions.map((name) => specOf(name, node));
  for (const spec of specs) {
    fleet.promote(spec, 0);
    fleet.activate(spec.pool, 0);
  }
  if (!fitsAllAtOnce(specs, { maxThreadsPerChild: node.maxThreads })) fleet.deactivateAll();
  const keys = Array.from({ length: node.servers }, (_, key) => key);
  const limits = { maxThreads: node.maxThreads, maxRequests: MAX_REQUESTS };
  for (const key of keys) fleet.addServer(key, limits, key);
  for (const key of keys) fleet.open(key, 0);
  return fleet;
};
