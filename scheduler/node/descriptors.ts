/** A node and its file descriptors: whether there are enough for it, and a word when they run out all the same. */
import { DexterError } from "../errors.ts";
import type { Incidents } from "../limits/incidents.ts";
import {
  connectionsWithin,
  type DescriptorUsers,
  descriptorLimit,
  neededDescriptors,
  usedDescriptors,
} from "../system/descriptors.ts";
import type { FunctionSettings, NodeConfig, NodeLimits } from "../types.ts";

/** With so few left, connections are about to be closed by the system, which tells nobody. */
const FEW = 8;
const LOOK_MS = 5_000;

/** Throws TOO_FEW_DESCRIPTORS. */
export function checkDescriptors(node: DescriptorUsers): void {
  const limit = descriptorLimit();
  const needed = neededDescriptors(node);
  if (limit < needed) throw new DexterError("TOO_FEW_DESCRIPTORS", { limit, needed });
}

/** The connections that are asked for, as far as there are file descriptors for them. */
export function clientLimits(
  node: NodeConfig,
  functions: readonly FunctionSettings[],
  descriptors: number,
): NodeLimits {
  const { limits } = node;
  const concurrency = Math.max(node.concurrency, ...functions.map(({ threads }) => threads.concurrency));
  const most = connectionsWithin(descriptors, node, concurrency);
  const maxConnections = Math.min(limits.maxConnections || most, most);
  return { ...limits, maxConnections: Number.isFinite(maxConnections) ? maxConnections : 0 };
}

/** @returns how to end it */
export function watchDescriptors(incidents: Incidents, everyMs = LOOK_MS): () => void {
  let limit = descriptorLimit();
  const look = async () => {
    const used = await usedDescriptors();
    // The limit of a running process can be changed; with none left it cannot be read.
    if (Number.isFinite(used)) limit = descriptorLimit();
    const left = Math.max(0, limit - used);
    if (left > FEW) return;
    incidents.note(
      "max_connections",
      {},
      `${left} of ${limit} file descriptors are left: lower max_connections`,
    );
  };
  const timer = setInterval(() => void look(), everyMs).unref();
  return () => clearInterval(timer);
}
