// Responses: status, headers, and every kind of body. The first path segment chooses one.
const status = (code, init = {}) => new Response(`status ${code}`, { status: code, ...init });
const bodyless = (code, headers = {}) => new Response(null, { status: code, headers });
const headers = (init, body = "headers") => new Response(body, { headers: init });
const encoder = new TextEncoder();

const gzip = (text) => new Response(text).body.pipeThrough(new CompressionStream("gzip"));

const answers = {
  "status-201": () => status(201),
  "status-202": () => status(202),
  "status-206": () => status(206, { headers: { "content-range": "bytes 0-9/100" } }),
  "status-299": () => status(299),
  "status-400": () => status(400),
  "status-404": () => status(404),
  "status-405": () => status(405, { headers: { allow: "GET, HEAD" } }),
  "status-418": () => status(418),
  "status-429": () => status(429, { headers: { "retry-after": "7" } }),
  "status-451": () => status(451),
  "status-500": () => status(500),
  "status-502": () => status(502),
  "status-503": () => status(503, { headers: { "retry-after": "3" } }),
  "status-599": () => status(599),
  "status-text": () => status(200, { statusText: "Quite Fine, Thank You" }),
  "status-text-latin": () => status(200, { statusText: "caf\u00e9" }),
  "status-bad": () => {
    const results = [100, 101, 199, 600, 99].map((code) => {
      try {
        return new Response(null, { status: code }).status;
      } catch (error) {
        return `${error.name}: ${error.message}`;
      }
    });
    return Response.json(results);
  },
  204: () => bodyless(204, { "x-kept": "yes" }),
  205: () => bodyless(205),
  304: () => bodyless(304, { etag: '"abc"', "cache-control": "max-age=60" }),
  "null-200": () => bodyless(200),
  "null-404": () => bodyless(404),

  "redirect-301": () => Response.redirect("http://example.com/moved", 301),
  "redirect-302": () => Response.redirect("http://example.com/a?b=c#d", 302),
  "redirect-303": () => Response.redirect("http://example.com/see", 303),
  "redirect-307": () => Response.redirect("http://example.com/temporary", 307),
  "redirect-308": () => Response.redirect("http://example.com/permanent", 308),
  "redirect-relative": () => new Response("over there", { status: 302, headers: { location: "../x?y#z" } }),

  cookies: () => {
    const response = new Response("cookies");
    response.headers.append("set-cookie", "a=1; Path=/; HttpOnly");
    response.headers.append("set-cookie", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT");
    response.headers.append("set-cookie", "c=; Max-Age=0");
    return response;
  },
  "get-set-cookie": () => {
    const list = new Headers([
      ["set-cookie", "a=1"],
      ["x", "1"],
      ["set-cookie", "b=2, c"],
    ]);
    return Response.json([list.getSetCookie(), [...list], list.get("set-cookie")]);
  },
  "header-empty": () => headers({ "x-empty": "", "x-after": "1" }),
  "header-latin": () => headers({ "x-latin": "na\u00efve \u00a3" }),
  "header-utf8": () => headers({ "x-utf8": "\u2713 \u{1f600}" }),
  "header-spaces": () => headers({ "x-spaces": "  a  b\t c  " }),
  "header-long": () => headers({ "x-long": "v".repeat(8000) }),
  "headers-many": () => headers(Array.from({ length: 150 }, (_, index) => [`x-h${index}`, `value ${index}`])),
  "headers-appended": () => {
    const response = new Response("appended");
    for (const value of ["a", "b", "c, d"]) response.headers.append("x-list", value);
    response.headers.append("vary", "accept");
    response.headers.append("vary", "accept-encoding");
    response.headers.append("www-authenticate", 'Basic realm="a"');
    response.headers.append("www-authenticate", "Bearer");
    response.headers.append("link", "</a>; rel=preload");
    return response;
  },
  "headers-order": () =>
    headers([
      ["X-Zebra", "1"],
      ["Content-Type", "text/css"],
      ["X-Apple", "2"],
      ["ETag", '"e"'],
      ["Cache-Control", "no-store"],
    ]),
  "headers-odd-names": () =>
    headers([
      ["x.y!#$%&'*+-^_`|~", "odd"],
      ["X-MiXeD-CaSe", "kept"],
      ["1", "one"],
    ]),
  "header-date": () => headers({ date: "Tue, 15 Nov 1994 08:12:31 GMT" }),
  "header-server": () => headers({ server: "mine/1.0", "x-powered-by": "me", via: "1.1 me" }),
  "header-request-id": () => headers({ "x-request-id": "the-handlers-own" }),
  "header-connection-close": () => headers({ connection: "close" }),
  "header-hop": () => headers({ "keep-alive": "timeout=99", "proxy-authenticate": "Basic", upgrade: "foo" }),
  "header-content-length": () => headers({ "content-length": "7" }, "seven b"),
  "header-length-stream": () =>
    headers({ "content-length": "5" }, new Response("12345").body.pipeThrough(new TransformStream())),
  "header-transfer-encoding": () => headers({ "transfer-encoding": "chunked" }),
  "header-content-type-odd": () => headers({ "content-type": 'TEXT/Plain; Charset="UTF-8"; q=1' }),
  "header-cors": () =>
    headers({
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "a, b",
      "timing-allow-origin": "*",
    }),
  "early-hints-link": () => headers({ link: "</style.css>; rel=preload; as=style, </x.js>; rel=preload" }),

  string: () => new Response("just a string"),
  unicode: () => new Response("\u00e9\u2713\u{1f600}"),
  empty: () => new Response(""),
  "no-argument": () => new Response(),
  bytes: () => new Response(new Uint8Array([0, 1, 2, 253, 254, 255, 13, 10, 13, 10])),
  view: () => new Response(new Uint8Array([9, 8, 7, 6, 5]).subarray(1, 4)),
  buffer: () => new Response(encoder.encode("array buffer").buffer),
  dataview: () => new Response(new DataView(encoder.encode("0123456789").buffer, 2, 4)),
  blob: () => new Response(new Blob(["a ", "blob"], { type: "text/x-blob" })),
  params: () =>
    new Response(
      new URLSearchParams([
        ["a b", "c&d"],
        ["e", "\u00e9"],
      ]),
    ),
  number: () => new Response(42),
  object: () => new Response({}),
  json: () => Response.json({ a: [1, null, "\u00e9"], b: { c: true } }),
  "json-init": () =>
    Response.json([1], {
      status: 201,
      statusText: "Made",
      headers: { "content-type": "application/x-json" },
    }),
  html: () =>
    new Response("<!doctype html><p>hi", { headers: { "content-type": "text/html; charset=utf-8" } }),
  "form-data": async () => {
    const form = new FormData();
    form.append("text", "a value");
    form.append("file", new File(["content"], "name.txt", { type: "text/plain" }));
    return new Response(form);
  },
  megabyte: () => new Response("0123456789abcdef".repeat(65536)),

  gzip: () =>
    new Response(gzip("zipped by the handler"), {
      headers: { "content-encoding": "gzip" },
      encodeBody: "manual",
    }),
  "gzip-automatic": () => new Response("zipped by the runtime", { headers: { "content-encoding": "gzip" } }),
  "gzip-large-manual": () =>
    new Response(gzip("repeat ".repeat(100_000)), {
      headers: { "content-encoding": "gzip" },
      encodeBody: "manual",
    }),
  "encoding-br-manual": () =>
    new Response(new Uint8Array([0x0b, 0x02, 0x80, 0x68, 0x69, 0x03]), {
      headers: { "content-encoding": "br" },
      encodeBody: "manual",
    }),
  "encoding-unknown": () => new Response("as it is", { headers: { "content-encoding": "x-unknown" } }),
  "encoding-identity": () => new Response("as it is", { headers: { "content-encoding": "identity" } }),
  deflate: () =>
    new Response(new Response("deflated").body.pipeThrough(new CompressionStream("deflate")), {
      headers: { "content-encoding": "deflate" },
      encodeBody: "manual",
    }),

  clone: async () => {
    const original = new Response("cloned", { status: 203, headers: { "x-a": "1" } });
    const copy = original.clone();
    return new Response(`${await original.text()}+${copy.status}`, copy);
  },
  "clone-returned": () => {
    const original = new Response("both read");
    const copy = original.clone();
    original.text();
    return copy;
  },
  reused: async () => {
    const first = Response.json({ one: 1 }, { status: 202 });
    return new Response(first.body, first);
  },
  mutated: () => {
    const response = Response.redirect("http://example.com/", 302);
    try {
      response.headers.set("x", "y");
      return new Response("mutable");
    } catch (error) {
      return new Response(`${error.name}: ${error.message}`);
    }
  },
  cached: () => headers({ "cache-control": "public, max-age=31536000, immutable", etag: 'W/"1"', age: "5" }),
  // biome-ignore lint/suspicious/noThenProperty: handlers may return any thenable
  thenable: () => ({ then: (settle) => settle(new Response("from a thenable")) }),
  subclass: () => new (class Mine extends Response {})("of a subclass", { headers: { "x-sub": "1" } }),
  "response-error": () => Response.error(),
};

export default {
  fetch(request) {
    return answers[new URL(request.url).pathname.split("/")[1]](request);
  },
};
