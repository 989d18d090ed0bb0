/**
 * A peer: something that can serve a workload. Every turn starts it afresh and stops it again, so that no
 * idle peer takes CPU or shares memory pages with the one being measured.
 */

import type { GroupNames } from "../processes.ts";
import type { Workload } from "../workloads.ts";

export interface RunningPeer {
  /** Where the workload answers. */
  readonly url: string;
  readonly pid: number;
  readonly groups: GroupNames;
  /** Rejects when the peer ends by itself. */
  untilExit(): Promise<never>;
  stop(): Promise<void>;
}

export interface Prepared {
  readonly workload: Workload;
  /** The workload's handler bundled to one ES module, for peers that do not bundle. */
  readonly bundlePath: string;
  /** An empty folder for the peer's own files. */
  readonly folder: string;
  /** Directives for dexter, `name=value`. */
  readonly set: readonly string[];
}

export interface Peer {
  readonly name: string;
  start(prepared: Prepared): Promise<RunningPeer>;
}

/** The same for every peer; before the date from which `nodejs_compat` is the default. */
export const COMPATIBILITY_DATE = "2026-01-01";

export const START_TIMEOUT_MS = 30_000;
