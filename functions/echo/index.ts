/**
 * A WebSocket that sends every message back, and a page to try it from when a browser opens the URL.
 * Beside it, wrangler.toml lets many sockets share one isolate.
 *
 *   npx wscat -c ws://127.0.0.1:8787/echo
 *   curl http://127.0.0.1:8787/echo
 */
import page from "./page.html";

export default {
  fetch(request) {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    server.binaryType = "arraybuffer";
    server.addEventListener("message", (event) => server.send(event.data));
    server.accept();
    return new Response(null, { status: 101, webSocket: client });
  },
} satisfies ExportedHandler;
