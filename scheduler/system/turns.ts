/** Changes that must not overlap: each begins when the one before it is over, whatever came of that. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs the change in its turn. @returns what the change does, or its failure, which ends nobody else's turn */
  run<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => {});
    return done;
  }
}
