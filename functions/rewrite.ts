/**
 * A streaming transform: a page is made in small chunks, slowly, and HTMLRewriter edits it on the way
 * through, also where a chunk ends in the middle of a tag. Nothing is held back: curl -N shows the lines
 * come one by one. `?raw` shows the page before the edit.
 *
 *   curl -N http://127.0.0.1:8787/rewrite
 *   curl -N 'http://127.0.0.1:8787/rewrite?raw'
 */
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Draft</title>
<h1>Draft</h1>
<h2>Mercury</h2>
<p>A year of <span data-days="88"></span>. <a href="http://example.com/mercury">More</a></p>
<p class="internal">Editor: check the figure.</p>
<h2>Venus</h2>
<p>A year of <span data-days="225"></span>. <a href="http://example.com/venus">More</a></p>
<h2>Mars</h2>
<p>A year of <span data-days="687"></span>. <a href="http://example.com/mars">More</a></p>
<p class="internal">Editor: do we want Phobos?</p>
</html>
`;

const STYLE = `<style>
  :root { color-scheme: light dark; --accent: light-dark(#0b6e4f, #5fd6a6) }
  body { max-width: 40rem; margin: 12vh auto; padding: 0 1.25rem; font: 1.0625rem/1.6 system-ui, sans-serif }
  h2 { margin: 2rem 0 0; font-size: 1.25rem } p { margin: .25rem 0 } a { color: var(--accent) }
  h2 a { text-decoration: none; margin-right: .5rem }
  footer { margin-top: 3rem; font-size: .875rem; opacity: .7 }
</style>`;

export default {
  fetch(request) {
    const draft = new Response(inChunks(PAGE, 24, 20), {
      headers: { "content-type": "text/html; charset=utf-8" },
    });
    return new URL(request.url).searchParams.has("raw") ? draft : edit(draft);
  },
} satisfies ExportedHandler;

/** The edits; each handler sees one element at a time, so memory does not grow with the page. */
function edit(page: Response): Response {
  let chapters = 0;
  let removed = 0;
  return new HTMLRewriter()
    .on("title, h1", { element: (title) => void title.setInnerContent("Three planets") })
    .on("title", { element: (title) => void title.after(STYLE, { html: true }) })
    .on("h2", {
      element(heading) {
        const id = `chapter-${++chapters}`;
        heading.setAttribute("id", id);
        heading.prepend(`<a href="#${id}">${chapters}</a>`, { html: true });
      },
    })
    .on("[data-days]", {
      element(span) {
        const days = Number(span.getAttribute("data-days"));
        span.setInnerContent(`${days} days (${(days / 365.25).toFixed(2)} of ours)`);
      },
    })
    .on('a[href^="http:"]', {
      element(link) {
        link.setAttribute("href", (link.getAttribute("href") ?? "").replace("http:", "https:"));
        link.setAttribute("rel", "noopener");
      },
    })
    .on(".internal", {
      element(note) {
        note.remove();
        removed++;
      },
    })
    .onDocument({
      end(end) {
        end.append(`<footer>${chapters} chapters numbered, ${removed} notes removed.</footer>\n`, {
          html: true,
        });
      },
    })
    .transform(page);
}

/** A stream of `text` in chunks of `size` characters, `pauseMs` between them, made as they are read. */
function inChunks(text: string, size: number, pauseMs: number): ReadableStream {
  const encoder = new TextEncoder();
  let sent = 0;
  return new ReadableStream({
    async pull(controller) {
      if (sent > 0) await scheduler.wait(pauseMs);
      controller.enqueue(encoder.encode(text.slice(sent, sent + size)));
      sent += size;
      if (sent >= text.length) controller.close();
    },
  });
}
