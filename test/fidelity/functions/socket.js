// WebSockets: echo, closing from either side, refusals, and an origin's socket passed on.
const note = (request, name, body) =>
  fetch(`${request.headers.get("x-witness")}/note/${name}`, { method: "POST", body });
const upgraded = (client, headers = {}) => new Response(null, { status: 101, webSocket: client, headers });

const answers = {
  echo: () => {
    const [client, server] = Object.values(new WebSocketPair());
    server.binaryType = "arraybuffer";
    server.accept();
    server.addEventListener("message", ({ data }) => server.send(data));
    return upgraded(client);
  },
  kinds: () => {
    const [client, server] = Object.values(new WebSocketPair());
    server.binaryType = "arraybuffer";
    server.accept();
    server.addEventListener("message", ({ data }) => {
      server.send(typeof data === "string" ? `string of ${data.length}` : `buffer of ${data.byteLength}`);
    });
    return upgraded(client);
  },
  "speaks-first": () => {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.send("hello from the server");
    server.send(new Uint8Array([1, 2, 3]));
    return upgraded(client, { "x-from-handler": "yes", "set-cookie": "ws=1" });
  },
  "closes-at-once": () => {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.close(4001, "not today");
    return upgraded(client);
  },
  "closes-plainly": () => {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener("message", () => server.close());
    return upgraded(client);
  },
  "closes-with": () => {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener("message", ({ data }) => {
      server.send("last words");
      server.close(Number(data), `because ${data}`);
    });
    return upgraded(client);
  },
  "notes-close": (request, ctx) => {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    ctx.waitUntil(
      new Promise((resolve) => {
        server.addEventListener("close", ({ code, reason, wasClean }) => {
          resolve(note(request, "close", JSON.stringify([code, reason, wasClean])));
        });
      }),
    );
    server.addEventListener("message", ({ data }) => server.send(`heard ${data}`));
    return upgraded(client);
  },
  "bad-close": () => {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener("message", ({ data }) => {
      try {
        server.close(...JSON.parse(data));
      } catch (error) {
        server.send(`${error.name}: ${error.message}`);
      }
    });
    return upgraded(client);
  },
  throws: () => {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener("message", () => {
      throw new Error("in a listener");
    });
    return upgraded(client);
  },
  protocol: (request) => {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.send(request.headers.get("sec-websocket-protocol"));
    return upgraded(client, { "sec-websocket-protocol": "second" });
  },
  counts: () => {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    for (let index = 0; index < 200; index += 1) server.send(`message ${index}`);
    server.close(1000, "counted");
    return upgraded(client);
  },
  refused: () => new Response("no socket here", { status: 403, statusText: "No Sockets" }),
  fails: () => {
    throw new Error("before the upgrade");
  },
  headers: (request) => {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    const seen = ["upgrade", "sec-websocket-version", "host"].map((name) => [
      name,
      request.headers.get(name),
    ]);
    server.send(JSON.stringify([request.method, request.url, seen]));
    return upgraded(client);
  },
  proxied: (request) =>
    fetch(`${request.headers.get("x-witness")}/ws`, { headers: { upgrade: "websocket" } }),
  "client-side": async (request) => {
    const response = await fetch(`${request.headers.get("x-witness")}/ws`, {
      headers: { upgrade: "websocket" },
    });
    const socket = response.webSocket;
    socket.accept();
    const answer = new Promise((resolve) => socket.addEventListener("message", ({ data }) => resolve(data)));
    socket.send("from the handler");
    const text = await answer;
    socket.close(1000, "done");
    return new Response(`${response.status} ${text}`);
  },
};

export default {
  fetch(request, _env, ctx) {
    return answers[new URL(request.url).pathname.slice(1)](request, ctx);
  },
};
