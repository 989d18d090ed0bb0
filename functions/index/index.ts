/**
 * The page about the other examples. `index` answers every path that no other function has, so it is also
 * the one to say that something was not found. Browsers get HTML, other clients text.
 *
 *   curl http://127.0.0.1:8787/
 */
import page from "./page.html";

/** Name, what it shows, and the arguments of a curl call ({origin} is filled in). */
const EXAMPLES = [
  ["hello", "The smallest function there is: a line of text.", "{origin}/hello"],
  [
    "api",
    "A JSON API with Hono: a todo list, validated, kept in one isolate.",
    '{origin}/api/todos --json \'{"title":"Buy tea"}\'',
  ],
  ["echo", "A WebSocket that sends back what it gets, and a page to talk to it.", "{origin}/echo"],
  ["events", "Server-sent events: a tick a second, until you leave.", "-N {origin}/events"],
  ["rewrite", "A page made chunk by chunk and edited on the way with HTMLRewriter.", "-N {origin}/rewrite"],
  ["wasm", "WebAssembly counts primes and draws Ulam’s spiral.", "'{origin}/wasm?limit=1000000'"],
  [
    "render",
    "Hard work for the CPU: the Mandelbrot set as a PNG.",
    "-so /dev/null -D - '{origin}/render?width=1024'",
  ],
  ["node", "Node.js modules: crypto, zlib, Buffer, path.", "'{origin}/node?text=edge'"],
] as const;

export default {
  fetch(request) {
    const url = new URL(request.url);
    // On the host index.localhost every path is this function's: the others are on the host without it.
    const origin = url.origin.replace("://index.", "://");
    const missing = /^\/(index\/?)?$/.test(url.pathname) ? "" : url.pathname;
    const wantsHtml = request.headers.get("accept")?.includes("text/html");
    return new Response(wantsHtml ? html(origin, missing) : text(origin, missing), {
      status: missing ? 404 : 200,
      headers: { "content-type": `text/${wantsHtml ? "html" : "plain"}; charset=utf-8`, vary: "accept" },
    });
  },
} satisfies ExportedHandler;

function text(origin: string, missing: string): string {
  const lines = EXAMPLES.map(([, about, args]) => `${about}\n  ${curl(args, origin)}\n`);
  const head = missing ? `Nothing answers ${missing} here. These do:` : "The example functions of dexter:";
  return `${head}\n\n${lines.join("\n")}\nSee them at work:\n  npx dexter status\n`;
}

function html(origin: string, missing: string): string {
  const rows = EXAMPLES.map(
    ([name, about, args]) => `<li>
      <h2><a href="${escapeHtml(origin)}/${name}">${name}</a></h2>
      <p>${about}</p>
      <pre><code>${escapeHtml(curl(args, origin))}</code></pre>
    </li>`,
  );
  const notice =
    missing && `<p class="notice">Nothing answers <code>${escapeHtml(missing)}</code>. These do:</p>`;
  const values = { origin: escapeHtml(origin), notice, rows: rows.join("\n") };
  return page.replace(/\{(origin|notice|rows)\}/g, (_, key: keyof typeof values) => values[key]);
}

const curl = (args: string, origin: string) => `curl ${args.replace("{origin}", origin)}`;

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
