/**
 * A JSON handler to start from. Change the answer and save: `dexter dev` serves the new version at once.
 *
 *   curl 'http://127.0.0.1:8787/hello?name=Ada'
 */
interface Env {
  /** From [vars] in wrangler.toml; a file .dev.vars overrides it in `dexter dev`. */
  readonly GREETING: string;
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const name = url.searchParams.get("name") ?? "world";
    return Response.json({
      message: `${env.GREETING}, ${name}!`,
      method: request.method,
      path: url.pathname,
    });
  },
} satisfies ExportedHandler<Env>;
