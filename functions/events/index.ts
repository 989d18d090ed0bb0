/**
 * Server-sent events: a tick a second until the client leaves, which `request.signal` tells. A client that
 * reconnects says what it saw last, so the count goes on from there. A browser that opens the URL gets a
 * page that listens.
 *
 *   curl -N http://127.0.0.1:8787/events
 *   curl -N 'http://127.0.0.1:8787/events?count=3&ms=100'
 */
import page from "./page.html";

export default {
  fetch(request) {
    if (request.headers.get("accept")?.includes("text/html")) {
      return new Response(page, { headers: { "content-type": "text/html; charset=utf-8", vary: "accept" } });
    }
    const query = new URL(request.url).searchParams;
    const first = toNumber(request.headers.get("last-event-id"), 0) + 1;
    const last = toNumber(query.get("count"), Number.POSITIVE_INFINITY);
    const intervalMs = Math.min(Math.max(toNumber(query.get("ms"), 1000), 10), 60_000);

    const stream = tickStream(first, last, intervalMs, request.signal);
    return new Response(stream, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store", vary: "accept" },
    });
  },
} satisfies ExportedHandler;

/** Events number `first` to `last`, `intervalMs` apart; the stream ends early when `signal` aborts. */
function tickStream(first: number, last: number, intervalMs: number, signal: AbortSignal): ReadableStream {
  const encoder = new TextEncoder();
  let id = first;
  signal.addEventListener("abort", () => console.log(`a client left after tick ${id - 1}`));
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(`retry: ${intervalMs}\n\n`));
    },
    async pull(controller) {
      if (id > first) await scheduler.wait(intervalMs, { signal }).catch(() => {});
      if (signal.aborted) return;
      if (id > last) return controller.close();
      const data = JSON.stringify({ tick: id, time: new Date().toISOString() });
      controller.enqueue(encoder.encode(`id: ${id++}\nevent: tick\ndata: ${data}\n\n`));
    },
  });
}

function toNumber(text: string | null, fallback: number): number {
  const value = Number(text ?? Number.NaN);
  return Number.isInteger(value) && value >= 0 ? value : fallback;
}
