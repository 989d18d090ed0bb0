/**
 * What a function is told of the trace that its request belongs to, and, where spans are exported, the span of each
 * request.
 */
import { newSpanId, newTraceId, renderTraceparent, traceParts } from "../http/trace-context.ts";
import type { SpanExporter } from "./exporter.ts";
import type { Sampler } from "./sampler.ts";
import { renderSpan, type TracedRequest } from "./span.ts";

/** What a stop waits at most for the last spans: a graceful one, and one that is to be at once. */
const FLUSH_MS = 2_000;
const FLUSH_NOW_MS = 300;

export class Tracer {
  readonly #sampler: Sampler;
  readonly #exporter: SpanExporter | undefined;

  constructor(sampler: Sampler, exporter?: SpanExporter) {
    this.#sampler = sampler;
    this.#exporter = exporter;
  }

  /**
   * The `traceparent` for the function: the client's as it is, when dexter has no span that could stand between the
   * two; else one with a span of dexter's, in the client's trace or a new one.
   * @param given the client's, if it is valid
   */
  traceparent(given: string | undefined): string {
    if (given && !this.#exporter) return given;
    const parent = given ? traceParts(given) : undefined;
    const traceId = parent?.traceId ?? newTraceId();
    const sampled = this.#sampler(traceId, parent?.sampled);
    return renderTraceparent({ traceId, spanId: newSpanId(), sampled });
  }

  /** A request is over. @param slotOf the slot of the server with a key */
  finished(
    request: TracedRequest & { readonly traceparent: string },
    slotOf: (serverKey: number) => number | undefined,
  ): void {
    if (!this.#exporter) return;
    // One that never came to a thread has none yet.
    const own = request.traceparent || this.traceparent(request.request.head.facts.traceparent);
    const context = traceParts(own);
    if (!context.sampled) return;
    const slot = request.servedBy && slotOf(request.servedBy.server);
    this.#exporter.add(renderSpan(request, context, slot));
  }

  /** Absent when spans are not exported. */
  get counts(): { readonly exported: number; readonly dropped: number } | undefined {
    return this.#exporter?.counts;
  }

  async close(graceful: boolean): Promise<void> {
    await this.#exporter?.close(graceful ? FLUSH_MS : FLUSH_NOW_MS);
  }
}
