/**
 * Sends spans to a collector: OTLP over HTTP, in JSON. They wait in a bounded queue and leave in batches, one at a
 * time; what is refused for the moment is tried again, later and later. Tracing never holds up a request: when the
 * queue is full, spans are dropped and counted.
 */
import type { ExportSettings } from "./settings.ts";
import { textAttribute } from "./span.ts";

/** The same bounds as OpenTelemetry's batch processor has. */
const MAX_QUEUE = 2_048;
const MAX_BATCH = 512;
const DELAY_MS = 5_000;
const MAX_ATTEMPTS = 5;
const BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 30_000;

/** For these the specification asks to try again. */
const RETRIED = new Set([429, 502, 503, 504]);

/** Why a batch was not taken. */
class Refused extends Error {
  readonly again: boolean;
  readonly afterMs: number;

  constructor(reason: string, again: boolean, afterMs = 0) {
    super(reason);
    this.again = again;
    this.afterMs = afterMs;
  }
}

export class SpanExporter {
  readonly counts = { exported: 0, dropped: 0 };
  readonly #settings: ExportSettings;
  readonly #warn: (warning: string) => void;
  /** As bytes: as strings, made of many pieces, they would keep the collector busy. */
  #queue: Buffer[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #closing = false;
  /** The time for the last of it is up. */
  #late = false;
  /** Ends the call or the pause that there is now. */
  #giveUp = () => {};
  /** A collector that is away is told of once, until it is back. */
  #warned = false;

  /** @param warn is told when spans are lost */
  constructor(settings: ExportSettings, warn: (warning: string) => void) {
    this.#settings = settings;
    this.#warn = warn;
  }

  /** @param span as `renderSpan` makes it */
  add(span: string): void {
    if (this.#queue.length >= MAX_QUEUE) return this.#drop(1, "the queue is full");
    this.#queue.push(Buffer.from(span));
    if (this.#queue.length >= MAX_BATCH) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), DELAY_MS).unref();
  }

  /** Sends what is left, for `deadlineMs` at most. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing = true;
    const late = setTimeout(() => {
      this.#late = true;
      this.#giveUp();
    }, deadlineMs);
    this.#send();
    await this.#sending;
    clearTimeout(late);
    clearTimeout(this.#timer);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
      if (this.#queue.length > 0 && !this.#closing)
        this.#timer ??= setTimeout(() => this.#send(), DELAY_MS).unref();
    });
  }

  /** Whole batches; what is left over waits for more, except at the end. */
  async #sendAll(): Promise<void> {
    do {
      const batch = this.#queue.splice(0, MAX_BATCH);
      if (batch.length > 0) await this.#deliver(batch);
    } while (this.#queue.length >= (this.#closing ? 1 : MAX_BATCH));
  }

  async #deliver(batch: readonly Buffer[]): Promise<void> {
    const body = this.#render(batch);
    for (let attempt = 1; ; attempt++) {
      if (this.#late) return this.#drop(batch.length, "dexter has stopped");
      try {
        await this.#post(body);
        this.counts.exported += batch.length;
        this.#warned = false;
        return;
      } catch (error) {
        const { again, afterMs, message } = error as Refused;
        if (!again || attempt === MAX_ATTEMPTS) return this.#drop(batch.length, message);
        await this.#pause(Math.max(afterMs, BACKOFF_MS * 2 ** (attempt - 1)));
      }
    }
  }

  /** Throws `Refused`. */
  async #post(body: Buffer): Promise<void> {
    const { url, headers, timeoutMs } = this.#settings;
    const call = new AbortController();
    this.#giveUp = () => call.abort(new Error("dexter has stopped"));
    const timer = setTimeout(() => call.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json" },
      body,
      redirect: "manual",
      signal: call.signal,
    })
      .catch((error: Error) => {
        throw new Refused(reasonOf(error), true);
      })
      .finally(() => clearTimeout(timer));
    // Unread, it would keep its connection.
    void response.arrayBuffer().catch(() => {});
    if (response.ok) return;
    const afterS = Number(response.headers.get("retry-after"));
    const afterMs = afterS > 0 ? Math.min(afterS * 1_000, MAX_BACKOFF_MS) : 0;
    throw new Refused(`it answered ${response.status}`, RETRIED.has(response.status), afterMs);
  }

  /** Up to half as long again, so that many nodes do not come at the same time. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, MAX_BACKOFF_MS) * (1 + Math.random() / 2)).unref();
      this.#giveUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #render(spans: readonly Buffer[]): Buffer {
    const resource = Object.entries(this.#settings.resource).map(([key, value]) =>
      textAttribute(JSON.stringify(key).slice(1, -1), value),
    );
    const before =
      `{"resourceSpans":[{"resource":{"attributes":[${resource}]},` +
      '"scopeSpans":[{"scope":{"name":"dexter"},"spans":[';
    const comma = Buffer.from(",");
    const pieces = spans.flatMap((span, place) => (place === 0 ? span : [comma, span]));
    return Buffer.concat([Buffer.from(before), ...pieces, Buffer.from("]}]}]}")]);
  }

  #drop(count: number, reason: string): void {
    this.counts.dropped += count;
    if (this.#warned) return;
    this.#warned = true;
    this.#warn(`traces are lost: ${this.#settings.url}: ${reason}`);
  }
}

function reasonOf(error: Error): string {
  const { cause } = error;
  return cause instanceof Error
    ? cause.message || String((cause as NodeJS.ErrnoException).code)
    : error.message;
}
