// fetch() and sockets to an origin that the configuration allows, and to one that it does not.
import { connect } from "cloudflare:sockets";

const failureOf = async (promise) => {
  try {
    const response = await promise;
    return [response.status, await response.text()];
  } catch (error) {
    return [error.name, error instanceof Error];
  }
};

const answers = {
  get: (origin) => fetch(`${origin}/echo`),
  post: (origin) =>
    fetch(`${origin}/echo`, {
      method: "POST",
      body: "sent on",
      headers: { "x-mine": "1", "user-agent": "me" },
    }),
  forwarded: (origin, request) =>
    fetch(new Request(`${origin}/echo`, request), { headers: { "x-only": "this" } }),
  proxied: (origin) => fetch(`${origin}/cookies`),
  copied: async (origin) => {
    const response = await fetch(`${origin}/cookies`);
    const copy = new Response(response.body, response);
    copy.headers.set("x-added", "yes");
    return copy;
  },
  gzip: async (origin) => {
    const response = await fetch(`${origin}/gzip`);
    return Response.json([await response.text(), response.headers.get("content-encoding")]);
  },
  "gzip-returned": (origin) => fetch(`${origin}/gzip`, { headers: { "accept-encoding": "gzip" } }),
  redirect: async (origin) => {
    const response = await fetch(`${origin}/redirect`);
    return Response.json([
      response.status,
      response.redirected,
      new URL(response.url).pathname.split("/").pop(),
    ]);
  },
  "redirect-manual": (origin) => fetch(`${origin}/redirect`, { redirect: "manual" }),
  large: (origin) => fetch(`${origin}/large`),
  upload: (origin, request) => fetch(`${origin}/digest`, { method: "POST", body: request.body }),
  cut: (origin) => fetch(`${origin}/cut`),
  missing: (origin) => fetch(`${origin}/nothing`),
  parallel: async (origin) => {
    const responses = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        fetch(`${origin}/echo`, { method: "POST", body: String(index) }),
      ),
    );
    const bodies = await Promise.all(responses.map((response) => response.json()));
    return Response.json(bodies.map(({ body }) => body));
  },
  aborted: async (origin) => {
    const signal = AbortSignal.timeout(5);
    const result = await fetch(`${origin.replace("/origin", "/gate")}/shut`, { signal }).catch(
      (error) => error.name,
    );
    return Response.json(result);
  },
  refused: async (_origin, request) =>
    Response.json(await failureOf(fetch(request.headers.get("x-elsewhere")))),
  "passed-on": async (origin, request) => {
    const { method, headers, body } = await (await fetch(`${origin}/echo`, request)).json();
    const framing = [headers["content-length"], headers["transfer-encoding"]];
    return Response.json({ method, mine: headers["x-client"], framing, body, used: request.bodyUsed });
  },
  shape: async (origin) => {
    const used = new Request(`${origin}/echo`, { method: "POST", body: "a" });
    await used.text();
    const wrong = [
      [],
      ["not a url"],
      [origin, { method: "A B" }],
      [origin, { headers: { "a b": "" } }],
      [origin, { body: "a" }],
      [used],
    ];
    const failures = [];
    for (const args of wrong) {
      const promise = fetch(...args);
      failures.push(promise instanceof Promise, await promise.catch(String));
    }
    let thrown;
    try {
      await { fetch }.fetch(`${origin}/echo`);
    } catch (error) {
      thrown = String(error);
    }
    let enumerated = 0;
    for (const name in globalThis) if (name === "fetch") enumerated++;
    return Response.json({
      failures,
      thrown,
      enumerated,
      name: fetch.name,
      length: fetch.length,
      prototype: "prototype" in fetch,
      same: fetch === globalThis.fetch && fetch === self.fetch,
      native: /native code/.test(String(fetch)),
    });
  },
  kept: async (origin) => {
    const request = new Request(`${origin}/echo`, { headers: { "x-mine": "1" } });
    const answer = await (await fetch(request)).json();
    return Response.json([answer.headers["x-mine"], [...request.headers], request.bodyUsed]);
  },
  "redirect-post": async (origin) => {
    const response = await fetch(`${origin}/redirect-kept`, { method: "POST", body: "again" });
    return Response.json(await response.json());
  },
  "bad-scheme": async () => Response.json(await failureOf(fetch("ftp://127.0.0.1/"))),
  socket: async (origin) => {
    const { hostname, port, pathname } = new URL(`${origin}/echo`);
    const socket = connect({ hostname, port: Number(port) });
    const writer = socket.writable.getWriter();
    await writer.write(
      new TextEncoder().encode(`GET ${pathname} HTTP/1.1\r\nHost: raw\r\nConnection: close\r\n\r\n`),
    );
    const text = await new Response(socket.readable).text();
    return new Response(text.split("\r\n")[0]);
  },
};

export default {
  fetch(request) {
    const origin = `${request.headers.get("x-witness")}/origin`;
    return answers[new URL(request.url).pathname.slice(1)](origin, request);
  },
};
