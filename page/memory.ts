/** What the node has told so far, put together. */
import type { Deploy, Failure, LiveState, Sample } from "./wire.ts";

const SPAN_MS = 15 * 60_000;
const MOST_FAILURES = 50;

export interface Shown {
  readonly now: LiveState;
  readonly samples: readonly Sample[];
  /** The latest first. */
  readonly failures: readonly Failure[];
  readonly deploys: readonly Deploy[];
}

export class Memory {
  #samples: readonly Sample[] = [];
  #failures: readonly Failure[] = [];
  #deploys: readonly Deploy[] = [];

  take(state: LiveState): Shown {
    const { whole, samples, failures, deploys } = state;
    const from = Date.parse(state.time) - SPAN_MS;
    const before = whole ? [] : this.#samples.filter(({ at }) => Date.parse(at) > from);
    this.#samples = [...before, ...samples];
    const told = new Set(failures.map(({ key }) => key));
    const older = whole ? [] : this.#failures.filter(({ key }) => !told.has(key));
    this.#failures = [...failures, ...older].slice(0, MOST_FAILURES);
    if (deploys) this.#deploys = deploys;
    return { now: state, samples: this.#samples, failures: this.#failures, deploys: this.#deploys };
  }
}
