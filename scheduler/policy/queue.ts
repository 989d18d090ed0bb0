/**
 * The queue of requests that wait for a thread: first in, first out within a function, and bounded
 * over all of them. When it is full, the function with the longest line gives up its newest request to
 * one with a shorter line, so that no function can shut the others out. Within the line of a function, the client
 * with the most requests does so for one with fewer.
 */

/** A waiting request. `grant`, `refuse` or `cancel` ends the wait; the first of them wins. */
export interface Ticket<T> {
  /** Whose threads may serve it: see `Identity`. */
  readonly pool: string;
  readonly sinceMs: number;
  /** It may be sent to a thread ahead of its turn. */
  readonly repeatable?: boolean;
  /** Whose request it is, as far as shares go. */
  readonly client?: string;
  readonly request: T;
}

export class FairQueue<T> {
  /** By pool. */
  readonly #lines = new Map<string, Ticket<T>[]>();
  #limit: number;
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  set limit(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** Names of functions with a waiting request, the one that has waited longest for its turn first. */
  waitingFunctions(): Iterable<string> {
    return this.#lines.keys();
  }

  /** How many functions have a waiting request. */
  get lines(): number {
    return this.#lines.size;
  }

  waiting(pool: string): number {
    return this.#lines.get(pool)?.length ?? 0;
  }

  oldest(pool: string): Ticket<T> | undefined {
    return this.#lines.get(pool)?.[0];
  }

  /**
   * Adds a ticket. Returns the ticket that is refused for it: none while there is room, the newest one of another
   * function, or of another client, or the ticket itself.
   */
  add(ticket: Ticket<T>): Ticket<T> | undefined {
    let refused: Ticket<T> | undefined;
    if (this.#size >= this.#limit) {
      const longest = this.#longest();
      const mine = this.waiting(ticket.pool);
      const isOthers = longest !== undefined && longest.length > mine + 1;
      refused = isOthers ? longest.at(-1)! : this.#greedier(ticket);
      if (refused === ticket) return ticket;
      this.remove(refused);
    }
    const line = this.#lines.get(ticket.pool);
    if (line) line.push(ticket);
    else this.#lines.set(ticket.pool, [ticket]);
    this.#size++;
    return refused;
  }

  /** The function's oldest ticket of which this holds. */
  find(pool: string, isWanted: (ticket: Ticket<T>) => boolean): Ticket<T> | undefined {
    return this.#lines.get(pool)?.find(isWanted);
  }

  /** Takes the function's oldest ticket, or that one of its tickets, and moves the function behind the others. */
  take(pool: string, chosen = this.oldest(pool)): Ticket<T> | undefined {
    const line = this.#lines.get(pool);
    const place = chosen === undefined ? -1 : (line?.indexOf(chosen) ?? -1);
    if (place < 0) return undefined;
    const [ticket] = line!.splice(place, 1);
    this.#size--;
    this.#lines.delete(pool);
    if (line!.length > 0) this.#lines.set(pool, line!);
    return ticket;
  }

  /** Takes all that wait for the function. */
  takeAll(pool: string): Ticket<T>[] {
    const line = this.#lines.get(pool) ?? [];
    this.#size -= line.length;
    this.#lines.delete(pool);
    return line;
  }

  /** Removes a ticket that no longer waits. Returns whether it was there. */
  remove(ticket: Ticket<T>): boolean {
    const line = this.#lines.get(ticket.pool);
    const place = line?.indexOf(ticket) ?? -1;
    if (place < 0) return false;
    line!.splice(place, 1);
    if (line!.length === 0) this.#lines.delete(ticket.pool);
    this.#size--;
    return true;
  }

  /** Removes and returns every ticket older than `timeoutMs`. */
  expire(nowMs: number, timeoutMs: number): Ticket<T>[] {
    const expired: Ticket<T>[] = [];
    for (const line of [...this.#lines.values()]) {
      for (const ticket of [...line]) {
        if (nowMs - ticket.sinceMs < timeoutMs) break;
        this.remove(ticket);
        expired.push(ticket);
      }
    }
    return expired;
  }

  /** In the ticket's line, the newest of the client that has the most there, if it has more than the ticket's own. */
  #greedier(ticket: Ticket<T>): Ticket<T> {
    const line = this.#lines.get(ticket.pool) ?? [];
    const counts = new Map<string | undefined, number>();
    for (const { client } of line) counts.set(client, (counts.get(client) ?? 0) + 1);
    let greedy = ticket.client;
    let most = (counts.get(greedy) ?? 0) + 1;
    for (const [client, count] of counts) if (count > most) [greedy, most] = [client, count];
    return greedy === ticket.client ? ticket : line.findLast(({ client }) => client === greedy)!;
  }

  #longest(): Ticket<T>[] | undefined {
    let longest: Ticket<T>[] | undefined;
    for (const line of this.#lines.values()) if (!longest || line.length > longest.length) longest = line;
    return longest;
  }
}
