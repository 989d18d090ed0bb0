/** Named kinds of synthetic load. In all of them the popularity of functions is Zipf's. */
import { type Arrivals, arrivalsOf, inOrder, put } from "./arrivals.ts";
import { Random, Zipf } from "./random.ts";

export interface Scenario {
  readonly name: string;
  readonly says: string;
  /** Share of the servers' CPU time that the requests take, without the making of isolates. */
  readonly load: number;
  /** Share of requests that come in bursts of one function. */
  readonly inBursts?: number;
  needs(random: Random, fn: number): { readonly cpuMs: number; readonly ioMs: number };
}

const usual = (random: Random) => ({ cpuMs: random.logNormal(2, 0.5), ioMs: random.logNormal(20, 1) });

export const scenarios: readonly Scenario[] = [
  {
    name: "steady",
    says: "Poisson arrivals; 2 ms of CPU and 20 ms of waiting",
    load: 0.4,
    needs: usual,
  },
  {
    name: "bursts",
    says: "half of the requests in bursts of 10 to 200 of one function within about 0.1 s",
    load: 0.3,
    inBursts: 0.5,
    needs: usual,
  },
  {
    name: "tail",
    says: "heavy tails: CPU of 1 to 500 ms, waiting of 5 ms to 30 s",
    load: 0.4,
    needs: (random) => ({ cpuMs: random.pareto(1.5, 1, 500), ioMs: random.pareto(1.2, 5, 30_000) }),
  },
  {
    name: "mixed",
    says: "of ten functions six are light, three wait for 300 ms, one computes for 40 ms",
    load: 0.5,
    needs: (random, fn) => {
      if (fn % 10 === 9) return { cpuMs: random.logNormal(40, 0.5), ioMs: 0 };
      return { cpuMs: random.logNormal(1, 0.5), ioMs: random.logNormal(fn % 10 < 6 ? 10 : 300, 0.5) };
    },
  },
  {
    name: "sparse",
    says: "hours with a few requests a second; most functions rest for minutes between two",
    load: 0.001,
    needs: usual,
  },
];

const BURST = { shape: 1, least: 10, most: 200, spreadMs: 100 };

/** What a scenario is made for. */
export interface Size {
  readonly servers: number;
  readonly functions: number;
  readonly requests: number;
  readonly seed: number;
  /** Instead of the scenario's own. */
  readonly load?: number | undefined;
}

/** The requests of a scenario, over as much time as makes its load. */
export function synthesize(scenario: Scenario, size: Size): Arrivals {
  const { servers, functions, requests, seed, load = scenario.load } = size;
  const random = new Random(seed, `arrivals ${scenario.name}`);
  const zipf = new Zipf(functions);
  const names = Array.from({ length: functions }, (_, fn) => `f${fn}`);
  const drawn = arrivalsOf(names, requests);
  /** Where the burst begins that a request belongs to; its own place, if it comes alone or first. */
  const burst = new Uint32Array(requests);
  let cpuMs = 0;
  for (let place = 0; place < requests; ) {
    const first = place;
    const fn = zipf.draw(random);
    for (let left = sizeOfNext(scenario, random); left > 0 && place < requests; left--, place++) {
      const needs = scenario.needs(random, fn);
      cpuMs += needs.cpuMs;
      burst[place] = first;
      put(drawn, place, { fn, ...needs, atMs: 0 });
    }
  }
  const lastsMs = cpuMs / (servers * load);
  const { atMs } = drawn;
  for (let place = 0; place < requests; place++)
    atMs[place] =
      burst[place] === place
        ? random.between(0, lastsMs)
        : atMs[burst[place]!]! + random.exponential(BURST.spreadMs);
  return inOrder(drawn);
}

/** How many requests come together: alone, or so many in a burst that bursts make up their share. */
function sizeOfNext({ inBursts = 0 }: Scenario, random: Random): number {
  if (inBursts === 0) return 1;
  const { shape, least, most } = BURST;
  const mean = (least * Math.log(most / least)) / (1 - least / most); // of a bounded Pareto of shape 1
  const bursts = inBursts / mean;
  if (random.next() >= bursts / (bursts + 1 - inBursts)) return 1;
  return Math.round(random.pareto(shape, least, most));
}
