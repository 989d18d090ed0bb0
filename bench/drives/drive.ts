/** A drive: how a workload is put to a peer that runs, and what comes out. */

import type { LoadGenerator } from "../load/generator.ts";
import type { Meter } from "../meter.ts";
import type { Options } from "../options.ts";
import type { RunningPeer } from "../peers/peer.ts";
import type { Workload } from "../workloads.ts";
import type { Residency } from "./residency.ts";

export interface DriveContext {
  readonly workload: Workload;
  readonly peer: RunningPeer;
  readonly generator: LoadGenerator;
  readonly options: Options;
  readonly meter: Meter;
}

export interface Rates {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Measured {
  /** Requests while the meter ran. */
  readonly requests: number;
  readonly rates?: Rates;
  /** What else was measured, by the heading of its column. */
  readonly extras?: Readonly<Record<string, number>>;
  /** Of the peer with resident threads: how far it had them. */
  readonly residency?: Residency;
}

/** Throws if any request fails. */
export type Drive = (context: DriveContext) => Promise<Measured>;
