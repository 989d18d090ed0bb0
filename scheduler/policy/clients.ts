/** How many threads each client has requests in. Only clients that have some are remembered. */

interface Holder {
  held: number;
}

export class Clients {
  readonly #holders = new Map<string, Holder>();

  held(client: string): number {
    return this.#holders.get(client)?.held ?? 0;
  }

  /** How many clients are remembered. */
  get size(): number {
    return this.#holders.size;
  }

  took(client: string): void {
    const holder = this.#holders.get(client);
    if (holder) holder.held++;
    else this.#holders.set(client, { held: 1 });
  }

  gave(client: string): void {
    const holder = this.#holders.get(client);
    if (holder && --holder.held === 0) this.#holders.delete(client);
  }
}
