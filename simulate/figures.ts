/** What a simulation measures. */

/** A process takes 55 MB when idle, of which 46 are shared with the others; an idle isolate 2.1 MB. */
const SHARED_MB = 46;
const PROCESS_MB = 9;
const ISOLATE_MB = 2.1;

export interface Spread {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface Figures {
  readonly requests: number;
  readonly served: number;
  readonly refused: { readonly full: number; readonly timeout: number };
  /** Requests that got a thread which was made while they waited. */
  readonly coldStarts: number;
  readonly coldShare: number;
  /** From arrival to thread, and from arrival to the end, of the requests that were served. */
  readonly waitMs: Spread;
  readonly responseMs: Spread;
  readonly mostInProgress: number;
  /** Isolates that exist. */
  readonly threads: { readonly mean: number; readonly peak: number };
  readonly memoryMb: { readonly mean: number; readonly peak: number };
  /** Isolates made after the start, and the share of all CPU time that making and ending them took. */
  readonly loads: number;
  readonly isolatesCpuShare: number;
  readonly lastedMs: number;
}

/** Sorts `values`, and picks the nearest ranks; 0 of nothing. */
export function spread(values: Float64Array): Spread {
  values.sort();
  const rank = (share: number) => values[Math.max(0, Math.ceil(values.length * share) - 1)] ?? 0;
  return { p50: rank(0.5), p90: rank(0.9), p99: rank(0.99), max: rank(1) };
}

/** A number that changes with time; its mean is weighted by how long it lasted. */
export class Level {
  now = 0;
  peak = 0;
  #area = 0;
  #sinceMs = 0;

  add(change: number, nowMs: number): void {
    this.#area += this.now * (nowMs - this.#sinceMs);
    this.#sinceMs = nowMs;
    this.now += change;
    if (this.now > this.peak) this.peak = this.now;
  }

  mean(nowMs: number): number {
    this.add(0, nowMs);
    return nowMs > 0 ? this.#area / nowMs : this.now;
  }
}

export function memoryMb(servers: number, threads: number): number {
  return SHARED_MB + PROCESS_MB * servers + ISOLATE_MB * threads;
}
