/** Requests to come: when, for which function, and what they need. The same for every policy. */

export interface Arrivals {
  readonly functions: readonly string[];
  /** Ascending. */
  readonly atMs: Float64Array;
  /** Index into `functions`. */
  readonly fn: Uint32Array;
  /** CPU time, half of it before the wait and half after it. */
  readonly cpuMs: Float64Array;
  /** What the request waits for outside of the server's CPU. */
  readonly ioMs: Float64Array;
}

/** One request, before it is put in order. */
export interface Arrival {
  readonly atMs: number;
  readonly fn: number;
  readonly cpuMs: number;
  readonly ioMs: number;
}

/** Puts requests in order of time; those of the same time stay in the order in which they are given. */
export function inOrder(functions: readonly string[], given: readonly Arrival[]): Arrivals {
  const sorted = [...given].sort((a, b) => a.atMs - b.atMs);
  return {
    functions,
    atMs: Float64Array.from(sorted, ({ atMs }) => atMs),
    fn: Uint32Array.from(sorted, ({ fn }) => fn),
    cpuMs: Float64Array.from(sorted, ({ cpuMs }) => cpuMs),
    ioMs: Float64Array.from(sorted, ({ ioMs }) => ioMs),
  };
}
