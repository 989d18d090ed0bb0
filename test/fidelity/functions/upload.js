// Request bodies: every way to read one, and every way to leave it unread.
const note = (request, name, body) =>
  fetch(`${request.headers.get("x-witness")}/note/${name}`, { method: "POST", body });
const gate = (request, name) => fetch(`${request.headers.get("x-witness")}/gate/${name}`);
const failure = async (promise) => {
  try {
    return await promise;
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};
const hex = (buffer) =>
  [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const answers = {
  text: async (request) => new Response(await request.text()),
  json: async (request) => Response.json({ got: await request.json() }),
  "json-bad": async (request) => new Response((await failure(request.json())).split(":")[0]),
  "array-buffer": async (request) => new Response(await request.arrayBuffer()),
  bytes: async (request) => new Response(await request.bytes()),
  blob: async (request) => {
    const blob = await request.blob();
    return Response.json([blob.size, blob.type, await blob.text()]);
  },
  form: async (request) => {
    const fields = [];
    for (const [name, value] of await request.formData()) {
      fields.push(
        value instanceof File
          ? [
              name,
              { file: value.name, type: value.type, size: value.size, hex: hex(await value.arrayBuffer()) },
            ]
          : [name, value],
      );
    }
    return Response.json(fields);
  },
  "form-bad": async (request) => new Response(await failure(request.formData())),
  "body-null": (request) => Response.json({ body: request.body === null, used: request.bodyUsed }),
  "body-length": async (request) =>
    Response.json({ null: request.body === null, length: (await request.arrayBuffer()).byteLength }),
  twice: async (request) => {
    const first = await request.text();
    return Response.json([first, request.bodyUsed, await failure(request.text())]);
  },
  clone: async (request) => {
    const copy = request.clone();
    return Response.json([await request.text(), await copy.text(), copy.url === request.url]);
  },
  "clone-used": async (request) => {
    await request.text();
    try {
      request.clone();
      return new Response("cloned");
    } catch (error) {
      return new Response(`${error.name}: ${error.message}`);
    }
  },
  locked: async (request) => {
    request.body.getReader();
    return new Response(await failure(request.text()));
  },
  reader: async (request) => {
    const reader = request.body.getReader();
    let total = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return new Response(`${total} bytes`);
      total += value.byteLength;
    }
  },
  byob: async (request) => {
    const reader = request.body.getReader({ mode: "byob" });
    const { value } = await reader.readAtLeast(5, new Uint8Array(5));
    await reader.cancel();
    return new Response(value);
  },
  digest: async (request) => {
    const digest = new crypto.DigestStream("SHA-256");
    let total = 0;
    await request.body
      .pipeThrough(
        new TransformStream({
          transform(chunk, controller) {
            total += chunk.byteLength;
            controller.enqueue(chunk);
          },
        }),
      )
      .pipeTo(digest);
    return Response.json({ total, sha256: hex(await digest.digest) });
  },
  ignored: () => new Response("did not look", { status: 413 }),
  "cancelled-body": async (request) => {
    await request.body.cancel("enough");
    return new Response("cancelled");
  },
  "early-ignored": async (request) => {
    await gate(request, "answer");
    return new Response("did not look", { status: 413 });
  },
  "early-first-bytes": async (request) => {
    const reader = request.body.getReader();
    const { value } = await reader.read();
    reader.releaseLock();
    await gate(request, "answer");
    return new Response(`read ${value.byteLength > 0} and answered`);
  },
  "early-cancelled": async (request) => {
    await request.body.cancel("enough");
    await gate(request, "answer");
    return new Response("cancelled");
  },
  "note-cut": async (request, ctx) => {
    const reader = request.body.getReader();
    const outcome = (async () => {
      await reader.read();
      await gate(request, "reading");
      try {
        for (;;) if ((await reader.read()).done) return "complete";
      } catch (error) {
        return `failed with an ${error instanceof Error ? "Error" : typeof error}`;
      }
    })();
    // At once: only a request that has such work outlives its client.
    ctx.waitUntil(outcome.then((text) => note(request, "upload", text)));
    await outcome;
    return new Response("never read");
  },
};

export default {
  fetch(request, _env, ctx) {
    return answers[new URL(request.url).pathname.slice(1)](request, ctx);
  },
};
