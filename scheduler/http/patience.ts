/**
 * Answers that a client has not taken at once wait for it a moment, as long as a quick client takes: to read on into
 * memory costs more. Then they are read on. One timer serves all of them, and only while there are any.
 */

/** A quick client takes a piece within this time, also one of many on a busy machine. */
const MOMENT_MS = 20;

interface Waiting {
  /** A moment, or two, have passed. */
  readOn(): void;
}

export class Patience {
  #new = new Set<Waiting>();
  #older = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;

  wait(one: Waiting): void {
    this.#new.add(one);
    this.#timer ??= setTimeout(this.#pass, MOMENT_MS);
  }

  forget(one: Waiting): void {
    if (!this.#new.delete(one)) this.#older.delete(one);
  }

  readonly #pass = (): void => {
    const over = this.#older;
    this.#older = this.#new;
    this.#new = new Set();
    this.#timer = this.#older.size > 0 ? setTimeout(this.#pass, MOMENT_MS) : undefined;
    for (const one of over) one.readOn();
  };
}
