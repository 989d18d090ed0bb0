// Handlers that fail, in every way that a handler can.
const answers = {
  throw: () => {
    throw new Error("thrown");
  },
  "throw-async": async () => {
    await scheduler.wait(0);
    throw new TypeError("thrown later");
  },
  "throw-string": () => {
    throw "a string";
  },
  "throw-undefined": () => {
    throw undefined;
  },
  "throw-object": () => {
    throw { code: 7 };
  },
  "throw-frozen": () => {
    throw Object.freeze(new RangeError("frozen"));
  },
  "throw-hostile": () => {
    throw new Proxy(
      {},
      {
        get() {
          throw new Error("from the trap");
        },
      },
    );
  },
  reject: () => Promise.reject(new Error("rejected")),
  "reject-null": () => Promise.reject(null),
  "stack-overflow": () => {
    const deeper = () => deeper() + 1;
    return deeper();
  },
  "return-undefined": () => undefined,
  "return-null": () => null,
  "return-string": () => "a string is no Response",
  "return-object": () => ({ status: 200 }),
  "return-promise-of-number": async () => 42,
  "return-used": async () => {
    const response = new Response("used up");
    await response.text();
    return response;
  },
  "return-same-twice": () => {
    globalThis.kept ??= new Response("kept");
    return globalThis.kept;
  },
  hang: () => new Promise(() => {}),
  "pass-through": (ctx) => {
    ctx.passThroughOnException();
    throw new Error("passed through");
  },
  "wait-until-rejects": (ctx) => {
    ctx.waitUntil(Promise.reject(new Error("in waitUntil")));
    return new Response("fine all the same");
  },
  "unhandled-rejection": () => {
    Promise.reject(new Error("unhandled"));
    return new Response("fine all the same");
  },
  "timer-throws": async () => {
    setTimeout(() => {
      throw new Error("in a timer");
    }, 0);
    await scheduler.wait(1);
    return new Response("fine all the same");
  },
  "unhandled-event": async () => {
    const seen = new Promise((resolve) => {
      addEventListener("unhandledrejection", (event) => resolve(event.reason.message), { once: true });
    });
    Promise.reject(new Error("listened for"));
    return new Response(await seen);
  },
  eval: () => {
    // biome-ignore lint/security/noGlobalEval: that it is refused is the point
    const results = [() => eval("1+1"), () => new Function("return 2")()].map((attempt) => {
      try {
        return attempt();
      } catch (error) {
        return `${error.name}: ${error.message}`;
      }
    });
    return Response.json(results);
  },
  fine: () => new Response("still here"),
};

export default {
  fetch(request, _env, ctx) {
    return answers[new URL(request.url).pathname.slice(1)](ctx);
  },
};
