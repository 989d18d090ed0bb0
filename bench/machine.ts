/** What the figures were taken on; without it they cannot be compared. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg, release } from "node:os";

export interface Machine {
  readonly cpus: number;
  readonly model: string;
  readonly kernel: string;
  readonly node: string;
  readonly workerd: string;
  /** Absent where wrangler was not found. */
  readonly wrangler?: string;
  /** Over the minute before the start: how busy others kept the machine. */
  readonly loadAverage: number;
}

/** `wrangler`: its version, if it takes part. */
export function describeMachine(wrangler: string | undefined): Machine {
  const manifest = createRequire(import.meta.url).resolve("workerd/package.json");
  return {
    cpus: cpus().length,
    model: cpus()[0]?.model.trim() ?? "unknown CPU",
    kernel: release(),
    node: process.versions.node,
    workerd: (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version,
    ...(wrangler !== undefined && { wrangler }),
    loadAverage: loadavg()[0] ?? 0,
  };
}
