// Streamed responses. Where order in time matters a step waits for the client: at a gate of the witness,
// or for the next bytes of the upload.
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const gate = (request, name) => fetch(`${request.headers.get("x-witness")}/gate/${name}`);
const note = (request, name, body) =>
  fetch(`${request.headers.get("x-witness")}/note/${name}`, { method: "POST", body });
const megabyte = new Uint8Array(1 << 20).map((_, index) => (index * 31) & 255);

/** A stream of the given chunks, pulled one at a time. */
const pulled = (chunks, init = {}) => {
  const left = [...chunks];
  return new ReadableStream(
    {
      pull(controller) {
        if (left.length === 0) controller.close();
        else controller.enqueue(left.shift());
      },
      ...init,
    },
    { highWaterMark: 0 },
  );
};
const texts = (...list) => list.map((text) => encoder.encode(text));

const answers = {
  start: () =>
    new Response(
      new ReadableStream({
        start(controller) {
          for (const chunk of texts("one ", "two ", "three")) controller.enqueue(chunk);
          controller.close();
        },
      }),
    ),
  pull: () => new Response(pulled(texts("p1 ", "p2 ", "p3"))),
  "byte-stream": () => new Response(pulled(texts("b1 ", "b2 ", "b3"), { type: "bytes" })),
  from: () =>
    new Response(
      ReadableStream.from(
        (async function* () {
          for (const chunk of texts("f1 ", "f2 ", "f3")) yield chunk;
        })(),
      ),
    ),
  "empty-stream": () => new Response(pulled([])),
  "empty-chunks": () => new Response(pulled([encoder.encode("a"), new Uint8Array(0), encoder.encode("b")])),
  "string-chunk": () => new Response(pulled(["not bytes"])),
  transform: () => {
    const { readable, writable } = new TransformStream({
      transform: (chunk, controller) =>
        controller.enqueue(encoder.encode(decoder.decode(chunk).toUpperCase())),
      flush: (controller) => controller.enqueue(encoder.encode("!")),
    });
    pulled(texts("trans", "formed")).pipeTo(writable);
    return new Response(readable);
  },
  identity: (_request, ctx) => {
    const { readable, writable } = new IdentityTransformStream();
    ctx.waitUntil(
      (async () => {
        const writer = writable.getWriter();
        for (const chunk of texts("i1 ", "i2 ", "i3")) await writer.write(chunk);
        await writer.close();
      })(),
    );
    return new Response(readable);
  },
  "fixed-length": (_request, ctx) => {
    const { readable, writable } = new FixedLengthStream(10);
    ctx.waitUntil(
      (async () => {
        const writer = writable.getWriter();
        await writer.write(encoder.encode("01234"));
        await writer.write(encoder.encode("56789"));
        await writer.close();
      })(),
    );
    return new Response(readable);
  },
  "fixed-length-short": (_request, ctx) => {
    const { readable, writable } = new FixedLengthStream(10);
    ctx.waitUntil(
      (async () => {
        const writer = writable.getWriter();
        await writer.write(encoder.encode("01234"));
        await writer.close();
      })().catch(() => {}),
    );
    return new Response(readable);
  },
  tee: async () => {
    const [left, right] = pulled(texts("t1 ", "t2")).tee();
    return new Response(`${await new Response(left).text()}|${await new Response(right).text()}`);
  },
  "tee-returned": (request, ctx) => {
    const [left, right] = pulled(texts("t1 ", "t2")).tee();
    ctx.waitUntil(new Response(right).text().then((text) => note(request, "teed", text)));
    return new Response(left);
  },
  "pipe-through": () =>
    new Response(
      ReadableStream.from(["caf\u00e9 ", "\u2713"])
        .pipeThrough(new TextEncoderStream())
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new TextEncoderStream()),
    ),
  "text-decoder": async () => {
    const bytes = encoder.encode("split \u{1f600} apart");
    const pieces = [...bytes].map((byte) => new Uint8Array([byte]));
    const text = await new Response(
      pulled(pieces).pipeThrough(new TextDecoderStream()).pipeThrough(new TextEncoderStream()),
    ).text();
    return new Response(text);
  },
  "compress-roundtrip": async () => {
    const sizes = [];
    for (const format of ["gzip", "deflate", "deflate-raw"]) {
      const packed = await new Response(
        new Response("abc".repeat(5000)).body.pipeThrough(new CompressionStream(format)),
      ).arrayBuffer();
      const text = await new Response(
        new Response(packed).body.pipeThrough(new DecompressionStream(format)),
      ).text();
      sizes.push([format, packed.byteLength < 200, text.length]);
    }
    return Response.json(sizes);
  },
  "html-rewriter": () =>
    new HTMLRewriter()
      .on("a[href]", {
        element: (element) => element.setAttribute("href", `/x${element.getAttribute("href")}`),
      })
      .on("p", { text: (text) => (text.lastInTextNode ? text.after("!", { html: false }) : undefined) })
      .onDocument({ end: (end) => end.append("<!--end-->", { html: true }) })
      .transform(
        new Response('<p>one</p><a href="/a">two</a><a>three</a>', {
          headers: { "content-type": "text/html", "x-kept": "yes" },
        }),
      ),

  /** Each chunk only after the test opened the gate before it: buffering would hang here. */
  gated: (request) => {
    const { readable, writable } = new IdentityTransformStream();
    (async () => {
      const writer = writable.getWriter();
      await writer.write(encoder.encode("first;"));
      await gate(request, "second");
      await writer.write(encoder.encode("second;"));
      await gate(request, "third");
      await writer.write(encoder.encode("third;"));
      await writer.close();
    })();
    return new Response(readable);
  },
  /** The head must arrive before there is any body. */
  "head-first": (request) => {
    const { readable, writable } = new IdentityTransformStream();
    (async () => {
      await gate(request, "body");
      const writer = writable.getWriter();
      await writer.write(encoder.encode("the body"));
      await writer.close();
    })();
    return new Response(readable, { status: 202, headers: { "x-early": "head" } });
  },
  sse: (request) => {
    let count = 0;
    const events = new ReadableStream({
      async pull(controller) {
        if (count > 0) await gate(request, `event-${count}`);
        count += 1;
        controller.enqueue(encoder.encode(`id: ${count}\nevent: tick\ndata: {"n":${count}}\n\n`));
        if (count === 3) controller.close();
      },
    });
    return new Response(events, {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
      },
    });
  },
  /** Answers each chunk of the upload as it comes: full duplex. */
  duplex: (request) =>
    new Response(
      request.body.pipeThrough(
        new TransformStream({
          transform: (chunk, controller) => controller.enqueue(encoder.encode(`[${decoder.decode(chunk)}]`)),
        }),
      ),
    ),
  passthrough: (request) => new Response(request.body, { headers: { "content-type": "application/x-same" } }),

  "error-later": () => {
    let count = 0;
    return new Response(
      new ReadableStream({
        pull(controller) {
          count += 1;
          if (count === 3) controller.error(new Error("in the middle"));
          else controller.enqueue(encoder.encode(`part ${count} `));
        },
      }),
    );
  },
  /** The client has the beginning for certain before the stream fails. */
  "error-gated": (request) => {
    let count = 0;
    return new Response(
      new ReadableStream({
        async pull(controller) {
          count += 1;
          if (count === 1) return controller.enqueue(encoder.encode("a beginning;"));
          await gate(request, "fail");
          controller.error(new Error("in the middle"));
        },
      }),
    );
  },
  "abort-gated": (request) => {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    writer
      .write(encoder.encode("a beginning;"))
      .then(() => gate(request, "fail"))
      .then(() => writer.abort(new Error("in the middle")));
    return new Response(readable);
  },
  "short-gated": (request, ctx) => {
    const { readable, writable } = new FixedLengthStream(100);
    ctx.waitUntil(
      (async () => {
        const writer = writable.getWriter();
        await writer.write(encoder.encode("a beginning;"));
        await gate(request, "fail");
        await writer.close();
      })().catch(() => {}),
    );
    return new Response(readable);
  },
  "error-at-once": () =>
    new Response(new ReadableStream({ pull: (controller) => controller.error(new Error("no")) })),
  "error-thrown-in-pull": () =>
    new Response(
      new ReadableStream({
        pull() {
          throw new Error("thrown in pull");
        },
      }),
    ),
  abandoned: () => {
    const { readable, writable } = new IdentityTransformStream();
    writable.abort(new Error("abandoned"));
    return new Response(readable);
  },

  "down-20m": () => new Response(pulled(Array(20).fill(megabyte))),
  "down-20m-fixed": (_request, ctx) => {
    const { readable, writable } = new FixedLengthStream(20 << 20);
    ctx.waitUntil(pulled(Array(20).fill(megabyte)).pipeTo(writable));
    return new Response(readable);
  },
  "many-chunks": () =>
    new Response(pulled(Array.from({ length: 2000 }, (_, index) => encoder.encode(`${index};`)))),
  endless: (request, ctx) => {
    let produced = 0;
    let settle;
    ctx.waitUntil(
      new Promise((resolve) => {
        settle = resolve;
      }),
    );
    return new Response(
      new ReadableStream(
        {
          pull(controller) {
            produced += 65536;
            controller.enqueue(megabyte.subarray(0, 65536));
          },
          cancel() {
            return note(request, "cancelled", String(produced)).then(settle);
          },
        },
        { highWaterMark: 0 },
      ),
    );
  },
};

export default {
  fetch(request, _env, ctx) {
    return answers[new URL(request.url).pathname.slice(1)](request, ctx);
  },
};
