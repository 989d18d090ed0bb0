/**
 * Runs requests again that may have made their server die, each by itself, in a server that serves nothing else. So the
 * one that does it again is known, and the others end well.
 */
import type { Exchange } from "../dispatch/exchange.ts";
import { DexterError } from "../errors.ts";
import type { Ward } from "./ward.ts";

/** A request that has been in for so long, while its server answers, waits for something: the next one may begin. */
const NEXT_AFTER_MS = 500;
/** While one server does not answer, the next requests run in another; so many servers at most. */
const MOST_PLACES = 3;
/** The servers are ended when they were not needed for so long. */
const KEPT_MS = 30_000;

interface Place {
  readonly ward: Ward;
  readonly running: Set<Exchange>;
}

export class Trial {
  readonly #open: () => Ward;
  readonly #waiting: Exchange[] = [];
  #places: Place[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param open starts a server that is kept apart */
  constructor(open: () => Ward) {
    this.#open = open;
  }

  /** Adds a request that is to run again. Of those that wait, the one that was sent last to its server comes first. */
  add(exchange: Exchange): void {
    const place = this.#waiting.findIndex(({ sentMs }) => sentMs < exchange.sentMs);
    this.#waiting.splice(place < 0 ? this.#waiting.length : place, 0, exchange);
    if (this.#running === 0) this.#wake(0);
  }

  /** A request is over. @returns whether it was one that ran by itself */
  finished(exchange: Exchange): boolean {
    const ran = this.#places.some(({ running }) => running.delete(exchange));
    if (ran) this.#wake(0);
    return ran;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all(this.#places.splice(0).map(({ ward }) => ward.close()));
  }

  get #running(): number {
    return this.#places.reduce((sum, { running }) => sum + running.size, 0);
  }

  #wake(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#next(), ms);
  }

  async #next(): Promise<void> {
    let exchange = this.#waiting.shift();
    while (exchange && !exchange.open) exchange = this.#waiting.shift();
    if (exchange === undefined) {
      if (this.#running === 0) this.#timer = setTimeout(() => void this.close(), KEPT_MS).unref();
      return;
    }
    const place = this.#place();
    if (place === undefined) {
      this.#waiting.unshift(exchange);
      return this.#wake(NEXT_AFTER_MS);
    }
    place.running.add(exchange);
    const { ward } = place;
    const isReady = await ward.serve(exchange.pool);
    if (!exchange.open) place.running.delete(exchange);
    else if (isReady) {
      exchange.apart = ward.fleet;
      exchange.runAgain();
    } else exchange.fail(new DexterError("SERVER_LOST"));
    this.#wake(this.#running > 0 ? NEXT_AFTER_MS : 0);
  }

  /** Where the next request may run: alone, or beside one that waits for something. */
  #place(): Place | undefined {
    const able = ({ ward, running }: Place) => running.size === 0 || !ward.isSilent;
    const found = this.#places.find(able);
    if (found || this.#places.length >= MOST_PLACES) return found;
    const place = { ward: this.#open(), running: new Set<Exchange>() };
    this.#places.push(place);
    return place;
  }
}
