/**
 * The last 15 minutes of a node, for the status page. Every 5 seconds what has been counted since is noted, by
 * function, and what the node looks like. That is all that this costs while nobody looks.
 */
import type { Figures, Sample } from "../../page/wire.ts";
import type { Counts } from "../metrics/function-counts.ts";
import type { NodeStatus } from "../status/status.ts";
import { add, figuresOf, noTally, since, type Tally, tallyOf } from "./tally.ts";

export const EVERY_MS = 5_000;
const KEPT = 180;
/** The intervals that figures of "the last minute" are of. */
const MINUTE = 12;
/** A rate is to follow quickly. */
const RATE = 2;
/** After the minute, only the functions with the most requests in an interval are remembered. */
const MOST_FUNCTIONS = 50;

interface Levels {
  readonly queued: number;
  readonly busy: number;
  readonly idle: number;
}

interface Noted extends Levels {
  readonly tally: Tally;
}

interface Interval {
  readonly seq: number;
  readonly endedAt: number;
  readonly ms: number;
  readonly node: Noted;
  functions: ReadonlyMap<string, Noted>;
}

interface HistorySources {
  /** Everything counted so far. */
  counts(): Iterable<readonly [functionName: string, counts: Pick<Counts, "statuses" | "duration">]>;
  status(): Pick<NodeStatus, "totals" | "functions">;
  /** In ms since 1970. */
  readonly clock?: () => number;
}

/** Whose requests are meant: of the functions for which it holds; undefined for all, and those of no function. */
export type Sees = ((functionName: string) => boolean) | undefined;

export class History {
  readonly #sources: HistorySources;
  readonly #clock: () => number;
  readonly #intervals: Interval[] = [];
  /** As they were when the interval that is going on began. */
  #before = new Map<string, Tally>();
  #beganAt: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(sources: HistorySources) {
    this.#sources = sources;
    this.#clock = sources.clock ?? Date.now;
    this.#beganAt = this.#clock();
  }

  start(): void {
    this.#timer = setInterval(() => this.note(), EVERY_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Ends the interval that is going on. */
  note(): void {
    const now = this.#readCounts();
    const { totals, functions } = this.#sources.status();
    const levels = new Map<string, Levels>(functions.map((each) => [each.name, each]));
    const node = { tally: noTally(), ...levelsOf(totals) };
    const noted = new Map<string, Noted>();
    for (const name of new Set([...now.keys(), ...levels.keys()])) {
      const tally = since(now.get(name) ?? noTally(), this.#before.get(name));
      const own = levels.get(name) ?? NO_LEVELS;
      add(node.tally, tally);
      if (tally.requests + own.queued + own.busy + own.idle > 0) noted.set(name, { tally, ...levelsOf(own) });
    }
    const endedAt = this.#clock();
    const seq = (this.#intervals.at(-1)?.seq ?? 0) + 1;
    this.#intervals.push({ seq, endedAt, ms: endedAt - this.#beganAt, node, functions: noted });
    if (this.#intervals.length > KEPT) this.#intervals.shift();
    const old = this.#intervals.at(-MINUTE - 1);
    if (old) old.functions = busiest(old.functions);
    this.#before = now;
    this.#beganAt = endedAt;
  }

  /** The number of the last interval. */
  get seq(): number {
    return this.#intervals.at(-1)?.seq ?? 0;
  }

  /** The intervals after this one. */
  samples(after = 0, sees?: Sees): Sample[] {
    return this.#intervals.filter(({ seq }) => seq > after).map((interval) => sampleOf(interval, sees));
  }

  /** What requests are like now: all together, and each function that had any. */
  figures(sees?: Sees): { node: Figures; functions: Record<string, Figures> } {
    const running = this.#runningInterval();
    const minute = [...this.#intervals.slice(-MINUTE), running];
    const recent = minute.slice(-RATE - 1);
    const seconds = recent.reduce((sum, { ms }) => sum + ms, 0) / 1_000;
    const figures = (of: (interval: Interval) => Tally | undefined) => {
      const requests = total(recent, of).requests;
      return figuresOf(total(minute, of), seconds > 0 ? requests / seconds : 0);
    };
    const names = new Set(minute.flatMap(({ functions }) => [...functions.keys()]));
    const seen = [...names].filter((name) => sees === undefined || sees(name));
    const functions = seen.map((name) => [name, figures((one) => one.functions.get(name)?.tally)] as const);
    return { node: figures((one) => seenIn(one, sees).tally), functions: Object.fromEntries(functions) };
  }

  #runningInterval(): Interval {
    const node = { tally: noTally(), ...NO_LEVELS };
    const functions = new Map<string, Noted>();
    for (const [name, now] of this.#readCounts()) {
      const tally = since(now, this.#before.get(name));
      add(node.tally, tally);
      if (tally.requests > 0) functions.set(name, { tally, ...NO_LEVELS });
    }
    const endedAt = this.#clock();
    return { seq: this.seq + 1, endedAt, ms: endedAt - this.#beganAt, node, functions };
  }

  #readCounts(): Map<string, Tally> {
    return new Map([...this.#sources.counts()].map(([name, counts]) => [name, tallyOf(counts)]));
  }
}

const NO_LEVELS: Levels = { queued: 0, busy: 0, idle: 0 };

function levelsOf({ queued, busy, idle }: Levels): Levels {
  return { queued, busy, idle };
}

function busiest(functions: ReadonlyMap<string, Noted>): ReadonlyMap<string, Noted> {
  if (functions.size <= MOST_FUNCTIONS) return functions;
  const sorted = [...functions].sort(([, a], [, b]) => b.tally.requests - a.tally.requests);
  return new Map(sorted.slice(0, MOST_FUNCTIONS));
}

function total(intervals: readonly Interval[], of: (interval: Interval) => Tally | undefined): Tally {
  const sum = noTally();
  for (const interval of intervals) {
    const tally = of(interval);
    if (tally) add(sum, tally);
  }
  return sum;
}

function seenIn({ node, functions }: Interval, sees: Sees): Noted {
  if (sees === undefined) return node;
  const sum = { tally: noTally(), queued: 0, busy: 0, idle: 0 };
  for (const [name, { tally, queued, busy, idle }] of functions) {
    if (!sees(name)) continue;
    add(sum.tally, tally);
    sum.queued += queued;
    sum.busy += busy;
    sum.idle += idle;
  }
  return sum;
}

function sampleOf(interval: Interval, sees: Sees): Sample {
  const { tally, queued, busy, idle } = seenIn(interval, sees);
  const at = new Date(interval.endedAt).toISOString();
  const perSecond = interval.ms > 0 ? (tally.requests * 1_000) / interval.ms : 0;
  return { at, requests: tally.requests, ...figuresOf(tally, perSecond), queued, busy, idle };
}
