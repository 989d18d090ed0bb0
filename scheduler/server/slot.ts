/** A server slot: the generation that serves in it, the one that is to take over, and when another may start. */
import type { Member } from "./member.ts";

/** A server that lived this long did not fail to start. */
const STABLE_AFTER_MS = 10_000;
const MAX_BACKOFF_MS = 10_000;

export class Slot {
  readonly index: number;
  current?: Member;
  next?: Member;
  /** Of the latest process that was started here. */
  generation = 0;
  /** Deaths in a row, each soon after its start. */
  #failures = 0;
  #startAfterMs = 0;

  constructor(index: number) {
    this.index = index;
  }

  get members(): Member[] {
    return [this.current, this.next].filter((member) => member !== undefined);
  }

  mayStart(nowMs: number): boolean {
    return nowMs >= this.#startAfterMs;
  }

  /** The generation that was to take over serves from now on. */
  switch(): void {
    this.current = this.next!;
    delete this.next;
  }

  /** The process is gone. */
  remove(member: Member): void {
    if (this.next === member) delete this.next;
    if (this.current === member) delete this.current;
  }

  /** A server that was not to end has died. Returns for how many ms no other is started; the first comes at once. */
  died(livedMs: number, nowMs: number): number {
    this.#failures = livedMs >= STABLE_AFTER_MS ? 0 : this.#failures + 1;
    const backoffMs = this.#failures <= 1 ? 0 : Math.min(MAX_BACKOFF_MS, 100 * 2 ** (this.#failures - 2));
    this.#startAfterMs = nowMs + backoffMs;
    return backoffMs;
  }
}
