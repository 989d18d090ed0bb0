/**
 * How late the scheduler's event loop comes to what is due: ten times a second a timer says by how much it is late. As
 * a histogram it can be added up over any time and asked for by several, which the running quantiles of
 * `perf_hooks.monitorEventLoopDelay` cannot.
 */
import { Histogram } from "./histogram.ts";

const PERIOD_MS = 100;

export class EventLoopDelay {
  readonly histogram = new Histogram();
  readonly #timer: NodeJS.Timeout;
  #dueMs = performance.now() + PERIOD_MS;

  constructor() {
    this.#timer = setInterval(() => this.#measure(), PERIOD_MS).unref();
  }

  #measure(): void {
    const nowMs = performance.now();
    this.histogram.observe(Math.max(0, nowMs - this.#dueMs) / 1_000);
    this.#dueMs = nowMs + PERIOD_MS;
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
