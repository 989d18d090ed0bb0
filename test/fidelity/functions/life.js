// What outlives a response, and what ends before one: waitUntil, aborts, state between requests.
const isolate = { id: undefined, count: 0 };
const note = (request, name, body) =>
  fetch(`${request.headers.get("x-witness")}/note/${name}`, { method: "POST", body });
const gate = (request, name) => fetch(`${request.headers.get("x-witness")}/gate/${name}`);
const encoder = new TextEncoder();

const answers = {
  "wait-until": (request, ctx) => {
    ctx.waitUntil(gate(request, "after").then(() => note(request, "done", "after the response")));
    return new Response("before");
  },
  "wait-until-many": (request, ctx) => {
    for (const name of ["a", "b", "c"]) ctx.waitUntil(note(request, name, `work ${name}`));
    return new Response("three");
  },
  "wait-until-nested": (request, ctx) => {
    ctx.waitUntil(
      gate(request, "outer").then(() => {
        ctx.waitUntil(gate(request, "inner").then(() => note(request, "nested", "inner work")));
      }),
    );
    return new Response("nested");
  },
  "wait-until-stream": (request, ctx) => {
    const { readable, writable } = new IdentityTransformStream();
    ctx.waitUntil(
      (async () => {
        const writer = writable.getWriter();
        await writer.write(encoder.encode("body "));
        await gate(request, "end");
        await writer.write(encoder.encode("end"));
        await writer.close();
        await note(request, "written", "all of it");
      })(),
    );
    return new Response(readable);
  },
  "wait-until-after-abort": async (request, ctx) => {
    ctx.waitUntil(gate(request, "background").then(() => note(request, "survived", "work went on")));
    await gate(request, "never");
    return new Response("nobody reads this");
  },
  "abort-signal": async (request, ctx) => {
    const aborted = new Promise((resolve) => {
      request.signal.addEventListener("abort", () => resolve(`${request.signal.reason?.name}`));
    });
    ctx.waitUntil(aborted.then((reason) => note(request, "aborted", reason)));
    await gate(request, "waiting");
    return new Response("nobody reads this");
  },
  "abort-while-streaming": (request, ctx) => {
    const aborted = new Promise((resolve) => {
      request.signal.addEventListener("abort", () => resolve(`aborted ${request.signal.aborted}`));
    });
    ctx.waitUntil(aborted.then((text) => note(request, "aborted", text)));
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    // workerd learns from a failing write that nobody reads any more.
    const write = (bytes) => writer.write(bytes).then(() => write(new Uint8Array(65536)));
    write(encoder.encode("begun;")).catch(() => {});
    return new Response(readable);
  },
  "abort-writer": (request, ctx) => {
    const { readable, writable } = new IdentityTransformStream();
    ctx.waitUntil(
      (async () => {
        const writer = writable.getWriter();
        try {
          for (;;) await writer.write(new Uint8Array(65536));
        } catch {
          await note(request, "write-failed", "the writer was told");
        }
      })(),
    );
    return new Response(readable);
  },
  "no-abort": async (request, ctx) => {
    const state = { aborted: false };
    request.signal.addEventListener("abort", () => {
      state.aborted = true;
    });
    ctx.waitUntil(gate(request, "later").then(() => note(request, "signal", String(state.aborted))));
    return new Response("complete");
  },
  state: () => {
    isolate.id ??= crypto.randomUUID();
    isolate.count += 1;
    return Response.json(isolate);
  },
  gated: async (request) => {
    await gate(request, "held");
    return new Response("held until opened");
  },
  quick: (request) => new Response(`quick ${new URL(request.url).search}`),
  log: () => {
    console.log("to the log", { a: 1 }, [2]);
    console.error("an error line\nof two lines");
    console.warn("%s and %d", "format", 4);
    console.debug("x".repeat(20000));
    console.table?.([{ a: 1 }]);
    console.log("HTTP/1.1 200 OK\r\n\r\n");
    return new Response("logged");
  },
};

export default {
  fetch(request, _env, ctx) {
    return answers[new URL(request.url).pathname.slice(1)](request, ctx);
  },
};
