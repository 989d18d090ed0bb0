/**
 * Which function makes servers die. A server that dies has requests of several functions in it, and most of them are
 * merely there. So each death is evidence against all that may have caused it, until they have shown that they did not:
 * a request that ran again by itself, and ended well, speaks for its function. A function is quarantined when three
 * deaths within ten minutes have nothing in common but it. Pure: time comes in.
 */

const WINDOW_MS = 600_000;
/** Deaths until a function is quarantined. */
const MOST = 3;
/** For so long without a death a function stays in quarantine. */
const RELEASED_AFTER_MS = 3_600_000;
/** In quarantine each further death costs a pause, which doubles. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** The death of a server. */
export interface Death {
  readonly atMs: number;
  /** Functions that may have caused it, and how many of their requests have not shown otherwise. */
  readonly suspects: Map<string, number>;
}

export interface Quarantine {
  readonly sinceMs: number;
  /** Deaths that brought it there, and since then. */
  deaths: number;
  lastDeathMs: number;
  /** It gets no requests before. */
  pausedUntilMs: number;
}

export class Blame {
  #deaths: Death[] = [];
  readonly #quarantined = new Map<string, Quarantine>();

  get quarantined(): ReadonlyMap<string, Quarantine> {
    return this.#quarantined;
  }

  /** @param suspects the function of each request that may have caused it */
  died(suspects: readonly string[], nowMs: number): Death {
    const counts = new Map<string, number>();
    for (const name of suspects) counts.set(name, (counts.get(name) ?? 0) + 1);
    const death = { atMs: nowMs, suspects: counts };
    this.#deaths = [...this.#deaths.filter(({ atMs }) => nowMs - atMs < WINDOW_MS), death];
    const [only, ...others] = counts.keys();
    const known = only === undefined || others.length > 0 ? undefined : this.#quarantined.get(only);
    if (known) prolong(known, nowMs);
    return death;
  }

  /** A request that may have caused the death has ended well, by itself. */
  cleared(death: Death, functionName: string): void {
    const left = (death.suspects.get(functionName) ?? 0) - 1;
    if (left > 0) death.suspects.set(functionName, left);
    else death.suspects.delete(functionName);
  }

  /** Functions that are to be quarantined from now on. */
  convict(nowMs: number): string[] {
    const names = new Set(this.#deaths.flatMap(({ suspects }) => [...suspects.keys()]));
    const found = [...names].filter((name) => !this.#quarantined.has(name) && this.#isCause(name));
    for (const name of found)
      this.#quarantined.set(name, { sinceMs: nowMs, deaths: MOST, lastDeathMs: nowMs, pausedUntilMs: nowMs });
    return found;
  }

  /** Whether its latest deaths have nothing in common but it. */
  #isCause(name: string): boolean {
    const own = this.#deaths.filter(({ suspects }) => suspects.has(name)).slice(-MOST);
    if (own.length < MOST) return false;
    const [first, ...rest] = own;
    return [...first!.suspects.keys()].every(
      (other) => other === name || rest.some(({ suspects }) => !suspects.has(other)),
    );
  }

  /** Functions that have been without a death for long enough. */
  due(nowMs: number): string[] {
    return [...this.#quarantined]
      .filter(([, { lastDeathMs }]) => nowMs - lastDeathMs >= RELEASED_AFTER_MS)
      .map(([name]) => name);
  }

  /** Ends the quarantine, and forgets what spoke against the function. @returns whether it was there */
  release(name: string): boolean {
    for (const { suspects } of this.#deaths) suspects.delete(name);
    return this.#quarantined.delete(name);
  }
}

function prolong(quarantine: Quarantine, nowMs: number): void {
  const pauses = quarantine.deaths - MOST;
  quarantine.deaths++;
  quarantine.lastDeathMs = nowMs;
  quarantine.pausedUntilMs = nowMs + Math.min(FIRST_PAUSE_MS * 2 ** pauses, LONGEST_PAUSE_MS);
}
