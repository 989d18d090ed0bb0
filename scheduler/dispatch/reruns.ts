/**
 * Requests whose connection to a thread was lost, and that may run again: as soon as their server is known to be dead.
 * Before, their handler may still be running.
 */
import { DexterError } from "../errors.ts";
import { RetryBudget } from "../limits/retry-budget.ts";
import type { FunctionLimits } from "../types.ts";
import type { Exchange } from "./exchange.ts";
import type { RequestObserver } from "./exchange-ports.ts";

type Retry = FunctionLimits["retry"];

/** Methods of which a second run does no harm (RFC 9110 §9.2), by what `retry` says. */
const REPEATED: Readonly<Record<Retry, ReadonlySet<string>>> = {
  off: new Set(),
  safe: new Set(["GET", "HEAD", "OPTIONS"]),
  idempotent: new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]),
};

export class Reruns {
  readonly budget: RetryBudget;
  readonly #told: Pick<RequestObserver<Exchange>, "limited" | "suspected">;
  readonly #retryOf: (functionName: string) => Retry;
  /** By server. */
  readonly #lost = new Map<number, Set<Exchange>>();

  constructor(
    told: Pick<RequestObserver<Exchange>, "limited" | "suspected">,
    share: number,
    retryOf: (functionName: string) => Retry,
  ) {
    this.#told = told;
    this.budget = new RetryBudget(share);
    this.#retryOf = retryOf;
  }

  /** @param isDead the server is known to be so. @returns whether the request may run again */
  add(exchange: Exchange, server: number, isDead: boolean): boolean {
    if (!REPEATED[this.#retryOf(exchange.functionName)].has(exchange.request.method)) return false;
    if (!this.budget.take(performance.now())) {
      this.#told.limited(exchange, "retry_budget", "a request was not run again: retry_budget is used up");
      return false;
    }
    const lost = this.#lost.get(server) ?? new Set();
    this.#lost.set(server, lost.add(exchange));
    if (isDead) this.dead(server);
    return true;
  }

  /** The server is dead. Not at once: whoever says so may not have told all parts yet. */
  dead(server: number): void {
    process.nextTick(() => {
      for (const exchange of this.#take(server)) {
        this.#told.limited(exchange, "retry", "a request runs again, because its server has died");
        if (!exchange.isSuspect) exchange.runAgain();
        else if (exchange.open) this.#told.suspected(exchange);
      }
    });
  }

  /** The server lives: nobody knows what has been done of the requests. */
  alive(server: number): void {
    for (const exchange of this.#take(server)) exchange.fail(new DexterError("SERVER_LOST"));
  }

  #take(server: number): Iterable<Exchange> {
    const lost = this.#lost.get(server) ?? [];
    this.#lost.delete(server);
    return lost;
  }
}
