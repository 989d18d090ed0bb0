/** Random numbers that are the same on every machine for a seed (the generator is sfc32). */

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param stream numbers of different streams of one seed have nothing to do with each other */
  constructor(seed: number, stream: string) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 2 ** 32) >>> 0;
    this.#c = hash(stream);
    for (let round = 0; round < 16; round++) this.next();
  }

  /** From 0 up to, and without, 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return (sum >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** @param spread the standard deviation of the logarithm */
  logNormal(mean: number, spread: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return mean * Math.exp(spread * normal - (spread * spread) / 2);
  }

  /** Bounded Pareto: heavy-tailed between two bounds, the more so the smaller `shape` is. */
  pareto(shape: number, low: number, high: number): number {
    const cut = 1 - (low / high) ** shape;
    return low / (1 - this.next() * cut) ** (1 / shape);
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const char of text) value = Math.imul(value ^ char.codePointAt(0)!, 0x01000193);
  return value >>> 0;
}

/** Draws from 0 to `count - 1`; number k comes up in proportion to 1 / (k + 1). */
export class Zipf {
  readonly #cumulated: Float64Array;

  constructor(count: number) {
    this.#cumulated = new Float64Array(count);
    let sum = 0;
    for (let k = 0; k < count; k++) this.#cumulated[k] = sum += 1 / (k + 1);
  }

  draw(random: Random): number {
    const wanted = random.next() * this.#cumulated.at(-1)!;
    let low = 0;
    let high = this.#cumulated.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#cumulated[middle]! > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
