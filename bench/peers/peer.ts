/**
 * A peer: something that can serve a workload. Every turn starts it afresh and stops it again, so that no
 * idle peer takes CPU or shares memory pages with the one being measured.
 */

import type { Child } from "../child.ts";
import type { GroupNames } from "../processes.ts";
import type { Status } from "../status.ts";
import type { Workload } from "../workloads.ts";

/** What only dexter can be asked. */
export interface DexterView {
  status(): Promise<Status>;
  /** Whether it is to have resident threads before it is measured. */
  readonly resident: boolean;
  readonly servers: number;
  /** The most requests in progress at once: servers × threads of each. */
  readonly law: number;
}

export interface RunningPeer {
  readonly origin: string;
  /** Where the workload answers. */
  readonly url: string;
  readonly pid: number;
  readonly groups: GroupNames;
  readonly dexter?: DexterView;
  /** The end of what the peer has written. */
  output(): string;
  /** Rejects when the peer ends by itself. */
  untilExit(): Promise<never>;
  stop(): Promise<void>;
}

export interface Prepared {
  readonly workload: Workload;
  readonly source: string;
  /** The workload's handler bundled to one ES module, for peers that do not bundle. */
  readonly bundlePath: string;
  /** An empty folder for the peer's own files. */
  readonly folder: string;
  /** Directives for dexter, `name=value`. */
  readonly set: readonly string[];
}

export interface Peer {
  readonly name: string;
  /** Whether a target needs it or not. */
  readonly inEveryRound?: boolean;
  start(prepared: Prepared): Promise<RunningPeer>;
}

/** The same for every peer; before the date from which `nodejs_compat` is the default. */
export const COMPATIBILITY_DATE = "2026-01-01";

export const START_TIMEOUT_MS = 30_000;

/** A peer that is one child with what it starts. `origin`: scheme, host and port. */
export function runningPeer(
  child: Child,
  origin: string,
  { path }: Workload,
  groups: GroupNames,
  dexter?: DexterView,
): RunningPeer {
  return {
    origin,
    url: `${origin}${path}`,
    pid: child.pid,
    groups,
    ...(dexter && { dexter }),
    output: () => child.output,
    untilExit: () => child.untilExit(),
    stop: () => child.stop(),
  };
}
