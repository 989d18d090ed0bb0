/**
 * Who waits although a thread is free, because others may need it: a function that holds most of them, and a client that
 * holds more than its share. The arithmetic is in shares.ts.
 */
import { Clients } from "./clients.ts";
import type { FunctionState, Functions } from "./functions.ts";
import type { Members } from "./members.ts";
import type { FairQueue, Ticket } from "./queue.ts";
import { clientShare, kept, mayTake } from "./shares.ts";

/** What an operator may set. */
export interface FleetLimits {
  readonly queue: number;
  queueTimeoutMs(): number;
  /** Of all threads, how many one client may hold while others wait: from 0 to 1. */
  clientShare?(): number;
}

interface Books<T> {
  readonly functions: Functions;
  readonly members: Members;
  readonly queue: FairQueue<T>;
}

export class FairShares<T> {
  readonly #books: Books<T>;
  readonly #limits: FleetLimits;
  readonly #clients = new Clients();
  /** Pools whose requests wait for this reason, or did until lately. */
  readonly capped = new Set<string>();

  constructor(books: Books<T>, limits: FleetLimits) {
    this.#books = books;
    this.#limits = limits;
  }

  /** How many clients have requests in threads. */
  get clients(): number {
    return this.#clients.size;
  }

  /** A request of the client has a thread. */
  took(client: string | undefined): void {
    if (client !== undefined) this.#clients.took(client);
  }

  gave(client: string | undefined): void {
    if (client !== undefined) this.#clients.gave(client);
  }

  /** What there is to share, for a request of the function. */
  threadsFor(pool: string): { slots: number; isAlone: boolean; concurrency: number } {
    const { functions, members } = this.#books;
    const concurrency = functions.get(pool)?.spec.threads.concurrency ?? 1;
    return { slots: members.threads, isAlone: functions.size === 1, concurrency };
  }

  /** Whether no more threads are free than are kept. */
  get #isScarce(): boolean {
    const { members } = this.#books;
    const left = kept(members.threads);
    return left > 0 && members.free <= left;
  }

  /** Whether the function may have one more busy thread, if one is there. */
  mayGrow(fn: FunctionState): boolean {
    const { functions, members } = this.#books;
    if (!this.#isScarce || functions.size === 1) return true;
    return mayTake(members.heldBy(fn), members.free, members.threads);
  }

  /** How many of so many threads the function may get now. */
  allowance(fn: FunctionState, wanted: number): number {
    const { functions, members } = this.#books;
    const left = kept(members.threads);
    const beyond = members.free - left;
    if (wanted === 0 || left === 0 || beyond >= wanted || functions.size === 1) return wanted;
    return Math.max(beyond, this.mayGrow(fn) ? 1 : 0);
  }

  /** Whether the client's requests are to wait as long as so few threads are free. */
  holdsBack(client: string | undefined): boolean {
    return this.#isScarce && this.#isOver(client);
  }

  /** Which of the function's waiting requests is next: those of clients that have their share come after others'. */
  next(pool: string): Ticket<T> | undefined {
    const { queue } = this.#books;
    const oldest = queue.oldest(pool);
    if (oldest === undefined || !this.#isOver(oldest.client)) return oldest;
    const other = queue.find(pool, ({ client }) => client !== oldest.client && !this.#isOver(client));
    if (other !== undefined || !this.#isScarce) return other ?? oldest;
    return undefined;
  }

  #isOver(client: string | undefined): boolean {
    if (client === undefined) return false;
    const share = this.#limits.clientShare?.() ?? 1;
    return this.#clients.held(client) >= clientShare(this.#books.members.threads, share);
  }
}
