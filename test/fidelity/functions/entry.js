// A WorkerEntrypoint class as the default export, with named entrypoints beside it.
import {
  env as importedEnv,
  exports as importedExports,
  RpcTarget,
  WorkerEntrypoint,
  waitUntil,
} from "cloudflare:workers";

const note = (request, name, body) =>
  fetch(`${request.headers.get("x-witness")}/note/${name}`, { method: "POST", body });

class Counter extends RpcTarget {
  #value = 0;
  increment(by = 1) {
    this.#value += by;
    return this.#value;
  }
  get value() {
    return this.#value;
  }
}

/** Reached through ctx.exports: fetch, RPC methods, a property, an RpcTarget. */
export class Named extends WorkerEntrypoint {
  fetch(request) {
    return new Response(`named saw ${request.method} ${request.url}`, {
      status: 207,
      headers: { "x-named": "1" },
    });
  }
  add(a, b) {
    return a + b;
  }
  props() {
    return this.ctx.props;
  }
  counter() {
    return new Counter();
  }
  apply(callback) {
    return callback(20);
  }
  fails() {
    throw new RangeError("over RPC");
  }
  stream() {
    return new Response("streamed over RPC").body;
  }
}

export const objectEntrypoint = {
  fetch() {
    return new Response("an object as named entrypoint");
  },
};

export default class Main extends WorkerEntrypoint {
  constructor(ctx, env) {
    super(ctx, env);
    this.constructed = `${typeof ctx.waitUntil} ${typeof env}`;
  }

  #own(text) {
    return `own ${text}`;
  }

  async fetch(...args) {
    const [request] = args;
    const { exports } = this.ctx;
    switch (new URL(request.url).pathname.slice(1)) {
      case "constructed":
        return Response.json([
          this.constructed,
          this.#own("method"),
          this.constructor.name,
          this instanceof WorkerEntrypoint,
        ]);
      case "env":
        return Response.json([Object.keys(this.env), Object.keys(importedEnv)]);
      case "arguments":
        return new Response(String(args.length));
      case "wait-until":
        this.ctx.waitUntil(note(request, "class", "from this.ctx"));
        return new Response("class");
      case "imported-wait-until":
        waitUntil(note(request, "imported", "from the import"));
        return new Response("imported");
      case "exports":
        return Response.json([Object.keys(exports).sort(), Object.keys(importedExports).sort()]);
      case "named-fetch":
        return exports.Named.fetch(new Request("http://inside/x?y", { method: "PUT", body: "z" }));
      case "named-object":
        return exports.objectEntrypoint.fetch("http://inside/");
      case "self":
        return exports.default.fetch("http://inside/arguments");
      case "rpc":
        return Response.json([await exports.Named.add(2, 3), await exports.Named.apply((n) => n * 2 + 2)]);
      case "rpc-props":
        return Response.json([
          await exports.Named.props(),
          await exports.Named({ props: { tenant: "t1" } }).props(),
        ]);
      case "rpc-target": {
        using counter = await exports.Named.counter();
        return Response.json([await counter.increment(), await counter.increment(5), await counter.value]);
      }
      case "rpc-error":
        return exports.Named.fails().catch((error) => new Response(`${error.name}: ${error.message}`));
      case "rpc-missing":
        return exports.Named.missing().catch((error) => new Response(`${error.name}: ${error.message}`));
      case "rpc-stream":
        return new Response(await exports.Named.stream());
      case "props":
        return Response.json(this.ctx.props ?? "none");
      default:
        throw new Error("unknown");
    }
  }
}
