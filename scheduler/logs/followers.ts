/**
 * Those who follow the node live (`dexter tail`). As long as there is nobody, all that this costs is to see that: no
 * event is made.
 */
import { Audience } from "../system/audience.ts";
import { Follower } from "./follower.ts";
import type { TailEvent } from "./tail-event.ts";
import { type TailFilter, wants } from "./tail-filter.ts";

export class Followers {
  readonly #all = new Set<Follower>();
  readonly #audience = new Audience();
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
    this.#audience.join(follower.gone);
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
    for (const follower of all) follower.end();
    await this.#audience.end();
    for (const follower of all) follower.leave();
  }
}
