/** Lets through what a function may log, and tells once a second what it has not let through. */
import { type Excess, LineRate } from "./line-rate.ts";

const TELL_MS = 1_000;

export class RateGate {
  readonly #rate: LineRate;
  readonly #tell: (excess: Excess) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(perSecond: number, tell: (excess: Excess) => void) {
    this.#rate = new LineRate(perSecond);
    this.#tell = tell;
  }

  get perSecond(): number {
    return this.#rate.perSecond;
  }

  set perSecond(perSecond: number) {
    this.#rate.perSecond = perSecond;
  }

  allows(functionName: string): boolean {
    if (this.#rate.take(functionName, performance.now())) return true;
    this.#timer ??= setTimeout(() => this.tellNow(), TELL_MS);
    return false;
  }

  /** Tells what was not told yet. */
  tellNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const excess of this.#rate.takeExcess()) this.#tell(excess);
  }
}
