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

/** Arrays for so many requests: objects for each of a million would take longer than their simulation. */
export function arrivalsOf(functions: readonly string[], count: number): Arrivals {
  return {
    functions,
    atMs: new Float64Array(count),
    fn: new Uint32Array(count),
    cpuMs: new Float64Array(count),
    ioMs: new Float64Array(count),
  };
}

export function put(into: Arrivals, place: number, { atMs, fn, cpuMs, ioMs }: Arrival): void {
  into.atMs[place] = atMs;
  into.fn[place] = fn;
  into.cpuMs[place] = cpuMs;
  into.ioMs[place] = ioMs;
}

/** Puts requests in order of time; those of the same time stay in the order in which they are given. */
export function inOrder({ functions, atMs, fn, cpuMs, ioMs }: Arrivals): Arrivals {
  const order = Uint32Array.from(atMs.keys()).sort((a, b) => atMs[a]! - atMs[b]! || a - b);
  const sorted = arrivalsOf(functions, order.length);
  for (let place = 0; place < order.length; place++) {
    const from = order[place]!;
    put(sorted, place, { atMs: atMs[from]!, fn: fn[from]!, cpuMs: cpuMs[from]!, ioMs: ioMs[from]! });
  }
  return sorted;
}

/** The same from a list. */
export function listed(functions: readonly string[], given: readonly Arrival[]): Arrivals {
  const arrivals = arrivalsOf(functions, given.length);
  for (const [place, one] of given.entries()) put(arrivals, place, one);
  return inOrder(arrivals);
}
