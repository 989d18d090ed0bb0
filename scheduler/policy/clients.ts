/** How many threads each client has requests in. Only clients that have some are remembered. */

export class Clients {
  readonly #held = new Map<string, number>();

  held(client: string | undefined): number {
    return client === undefined ? 0 : (this.#held.get(client) ?? 0);
  }

  /** How many clients are remembered. */
  get size(): number {
    return this.#held.size;
  }

  took(client: string | undefined): void {
    if (client !== undefined) this.#held.set(client, (this.#held.get(client) ?? 0) + 1);
  }

  gave(client: string | undefined): void {
    if (client === undefined) return;
    const left = (this.#held.get(client) ?? 0) - 1;
    if (left > 0) this.#held.set(client, left);
    else this.#held.delete(client);
  }
}
