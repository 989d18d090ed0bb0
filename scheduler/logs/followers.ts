/**
 * Those who follow the node live (`dexter tail`). As long as there is nobody, all that this costs is to see that: no
 * event is made.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Follower } from "./follower.ts";
import type { TailEvent } from "./tail-event.ts";
import { type TailFilter, wants } from "./tail-filter.ts";

/** How long the node's end waits for those who take their time to read it. */
const END_MS = 500;

export class Followers {
  readonly #all = new Set<Follower>();
  #made = 0;

  /** Whether events are wanted at all; `tell` is not to be called otherwise. */
  get any(): boolean {
    return this.#all.size > 0;
  }

  /** Events that were made. */
  get made(): number {
    return this.#made;
  }

  /** Follows until it leaves. */
  follow(filter: TailFilter): Follower {
    const follower = new Follower(filter);
    this.#all.add(follower);
    follower.gone.then(() => this.#all.delete(follower));
    return follower;
  }

  tell(event: TailEvent): void {
    this.#made++;
    let line: string | undefined;
    for (const follower of this.#all) {
      if (!wants(follower.filter, event)) continue;
      line ??= `${JSON.stringify(event)}\n`;
      follower.offer(line);
    }
  }

  /** Tells all that this is the end; resolves when they have read it, or had the time to. */
  async end(): Promise<void> {
    const all = [...this.#all];
    if (all.length === 0) return;
    for (const follower of all) follower.end();
    const enough = new AbortController();
    const gone = Promise.all(all.map((follower) => follower.gone)).then(() => enough.abort());
    await Promise.race([gone, sleep(END_MS, undefined, { signal: enough.signal }).catch(() => {})]);
    for (const follower of all) follower.leave();
  }
}
