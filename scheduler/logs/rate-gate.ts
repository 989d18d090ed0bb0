/** Lets through what a function may log, and tells once a second what it has not let through. */
import { type Excess, LineRate } from "./line-rate.ts";

const TELL_MS = 1_000;
const CHARS_OF_A_LINE = 1_024;

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

  /** @param text the line: one of many characters counts as several */
  allows(functionName: string, text = ""): boolean {
    const weight = Math.max(1, Math.ceil(text.length / CHARS_OF_A_LINE));
    if (this.#rate.take(functionName, performance.now(), weight)) return true;
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
