/** Those who look at the node live, or follow it. They are told its end before their connections are ended. */
import { setTimeout as sleep } from "node:timers/promises";

/** How long the node's end waits for those who take their time to read it. */
const END_MS = 500;

export class Audience {
  readonly #ending = new AbortController();
  readonly #present = new Set<Promise<unknown>>();

  /** Aborted when the node ends. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Somebody looks until this resolves. */
  join(gone: Promise<unknown>): void {
    this.#present.add(gone);
    void gone.then(() => this.#present.delete(gone));
  }

  /** Resolves when all have gone, or had the time to. */
  async end(): Promise<void> {
    this.#ending.abort();
    if (this.#present.size === 0) return;
    const enough = new AbortController();
    const gone = Promise.all(this.#present).then(() => enough.abort());
    await Promise.race([gone, sleep(END_MS, undefined, { signal: enough.signal }).catch(() => {})]);
  }
}
