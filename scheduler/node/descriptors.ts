/** A node and its file descriptors: whether there are enough for it, and a word when they run out all the same. */
import { DexterError } from "../errors.ts";
import type { Incidents } from "../limits/incidents.ts";
import {
  type DescriptorUsers,
  descriptorLimit,
  neededDescriptors,
  usedDescriptors,
} from "../system/descriptors.ts";

/** With so few left, connections are about to be closed by the system, which tells nobody. */
const FEW = 8;
const LOOK_MS = 5_000;

/** Throws TOO_FEW_DESCRIPTORS. */
export function checkDescriptors(node: DescriptorUsers): void {
  const limit = descriptorLimit();
  const needed = neededDescriptors(node);
  if (limit < needed) throw new DexterError("TOO_FEW_DESCRIPTORS", { limit, needed });
}

/** @returns how to end it */
export function watchDescriptors(incidents: Incidents): () => void {
  const limit = descriptorLimit();
  const look = async () => {
    const left = limit - (await usedDescriptors());
    if (left > FEW) return;
    incidents.note(
      "max_connections",
      {},
      `${left} of ${limit} file descriptors are left: lower max_connections`,
    );
  };
  const timer = setInterval(() => void look(), LOOK_MS).unref();
  return () => clearInterval(timer);
}
