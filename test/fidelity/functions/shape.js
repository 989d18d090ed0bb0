// What a handler object is called with, and what the module's top level may do.
import { env as importedEnv } from "cloudflare:workers";

const attempts = {};
for (const [name, attempt] of Object.entries({
  randomUUID: () => crypto.randomUUID(),
  getRandomValues: () => crypto.getRandomValues(new Uint8Array(1)),
  fetch: () => fetch("http://127.0.0.1/"),
  setTimeout: () => setTimeout(() => {}, 1),
  date: () => Date.now(),
  mathRandom: () => typeof Math.random(),
  response: () => new Response("at the top").status,
})) {
  try {
    const result = attempt();
    if (result instanceof Promise) result.catch(() => {});
    attempts[name] =
      result instanceof Promise ? "a promise" : typeof result === "object" ? "an object" : result;
  } catch (error) {
    attempts[name] = `${error.name}: ${error.message}`;
  }
}

const awaited = await Promise.resolve("a top-level await");

const handler = {
  secret: "on the object",
  fetch(...args) {
    const [request, env, ctx] = args;
    switch (new URL(request.url).pathname.slice(1)) {
      case "this":
        return Response.json([this === handler, this?.secret]);
      case "arguments":
        return Response.json([args.length, request instanceof Request, typeof env, typeof ctx.waitUntil]);
      case "context":
        return Response.json({
          props: ctx.props ?? "none",
          exports: Object.keys(ctx.exports ?? {}).sort(),
          methods: ["waitUntil", "passThroughOnException", "abort"].map((name) => typeof ctx[name]),
          constructor: ctx.constructor.name,
        });
      case "env":
        return Response.json([Object.keys(env), Object.keys(importedEnv), Object.isFrozen(env)]);
      case "top-level":
        return Response.json({ ...attempts, awaited });
      case "lazy-thenable": {
        let begun = 0;
        const lazy = {
          // biome-ignore lint/suspicious/noThenProperty: query builders are such thenables
          then(resolve) {
            begun++;
            resolve();
          },
        };
        ctx.waitUntil(lazy);
        return scheduler.wait(1).then(() => new Response(`begun ${begun} time(s)`));
      }
      case "detached-wait-until":
        try {
          const { waitUntil } = ctx;
          waitUntil(Promise.resolve());
          return new Response("worked");
        } catch (error) {
          return new Response(`${error.name}: ${error.message}`);
        }
      case "request":
        return Response.json({
          keys: [
            "body",
            "bodyUsed",
            "cache",
            "credentials",
            "fetcher",
            "integrity",
            "keepalive",
            "mode",
            "redirect",
          ].map((name) => [name, request[name] ?? null]),
          signal: request.signal instanceof AbortSignal,
          constructor: request.constructor.name,
        });
      case "request-immutable":
        try {
          request.headers.set("x", "y");
          return new Response("mutable");
        } catch (error) {
          return new Response(`${error.name}: ${error.message}`);
        }
      case "cf":
        return new Response(typeof request.cf);
      default:
        throw new Error("unknown");
    }
  },
};

export { handler as default };
