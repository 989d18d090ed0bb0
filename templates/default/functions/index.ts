/**
 * The front page. `index` answers every path that no other function has.
 *
 *   http://127.0.0.1:8787/
 */
const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{name}}</title>
<link rel="icon" href="data:,">
<style>
  body { max-width: 36rem; margin: 14vh auto; padding: 0 1.25rem; font: 1.0625rem/1.6 system-ui, sans-serif }
  h1 { margin: 0; font-size: 2rem; line-height: 1.2 }
  input { font: inherit; padding: .375rem .625rem }
  output { display: block; margin-top: 1rem; font-family: ui-monospace, monospace; overflow-wrap: anywhere }
</style>
<h1>It runs.</h1>
<p>This page is <code>functions/index.ts</code>. The line below comes from <code>functions/hello.ts</code>:
  edit either, save, and look again.</p>
<label>Your name <input value="world"></label>
<output></output>
<script type="module">
  const [input, output] = ["input", "output"].map((selector) => document.querySelector(selector));
  const ask = async () => {
    const response = await fetch("/hello?name=" + encodeURIComponent(input.value));
    output.textContent = await response.text();
  };
  input.oninput = ask;
  ask();
</script>
</html>
`;

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname !== "/" && pathname !== "/index") return new Response("Not found\n", { status: 404 });
    return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
  },
} satisfies ExportedHandler;
