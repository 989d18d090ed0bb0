/**
 * Who gets a thread: of those that are idle the one used last; else, as far as requests may be sent ahead, the one
 * with the fewest; else the request waits, first in, first out. The same for all ways.
 */

export class Places<Task> {
  readonly #depth: number;
  readonly #start: (task: Task, thread: number, ahead: boolean) => void;
  readonly #idle: number[];
  readonly #carried: number[];
  readonly #waiting: Task[] = [];

  /**
   * @param depth requests that may be at a thread at once
   * @param start sends a request; `ahead`: behind another
   */
  constructor(threads: number, depth: number, start: (task: Task, thread: number, ahead: boolean) => void) {
    this.#depth = depth;
    this.#start = start;
    this.#idle = Array.from({ length: threads }, (_, thread) => thread);
    this.#carried = this.#idle.map(() => 0);
  }

  place(task: Task): void {
    const thread = this.#idle.pop() ?? this.#roomiest();
    if (thread === undefined) this.#waiting.push(task);
    else this.#begin(task, thread);
  }

  /** A request of the thread is over. */
  release(thread: number): void {
    this.#carried[thread]!--;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#begin(next, thread);
    else if (this.#carried[thread] === 0) this.#idle.push(thread);
  }

  #roomiest(): number | undefined {
    if (this.#depth === 1) return undefined;
    let found: number | undefined;
    let fewest = this.#depth;
    for (let thread = 0; thread < this.#carried.length; thread++) {
      const carried = this.#carried[thread]!;
      if (carried >= fewest) continue;
      fewest = carried;
      found = thread;
    }
    return found;
  }

  #begin(task: Task, thread: number): void {
    this.#carried[thread]!++;
    this.#start(task, thread, this.#carried[thread]! > 1);
  }
}
