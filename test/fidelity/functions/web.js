// Web platform interfaces: small programs whose answers must not depend on who runs them.
const failure = (attempt) => {
  try {
    return attempt();
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};
const failureOf = (promise) => promise.catch((error) => `${error.name}: ${error.message}`);

const answers = {
  "url-pattern": () => {
    const pattern = new URLPattern({ pathname: "/books/:id(\\d+)/*" });
    const match = pattern.exec("http://x/books/12/pages/3");
    return [match.pathname.groups, pattern.test("http://x/books/ab/"), pattern.pathname];
  },
  "html-rewriter": async () => {
    const seen = [];
    const text = await new HTMLRewriter()
      .on("title", { text: ({ text }) => seen.push(text) })
      .on("img", { element: (element) => element.remove() })
      .on("div.a > span", { element: (element) => element.setInnerContent("<b>", { html: false }) })
      .transform(new Response("<title>T</title><img src=x><div class=a><span>old</span></div>"))
      .text();
    return [text, seen.join("")];
  },
  "structured-clone": () => {
    const source = {
      date: new Date(0),
      map: new Map([[1, { a: 2 }]]),
      set: new Set([1]),
      big: 10n ** 20n,
      re: /x/gi,
    };
    source.self = source;
    const copy = structuredClone(source);
    return [
      copy.self === copy,
      copy.date.toISOString(),
      copy.map.get(1),
      copy.set.has(1),
      String(copy.big),
      String(copy.re),
      failure(() => structuredClone(Symbol("no"))),
    ];
  },
  caches: async () => [
    typeof caches,
    typeof failure(() => caches.default),
    await failureOf(
      (async () => {
        const found = await caches.default.match("http://example.com/");
        return found === undefined ? "nothing cached" : "something cached";
      })(),
    ).then((text) => text.split(":")[0]),
  ],
  timers: async () => {
    const order = [];
    await new Promise((resolve) => {
      setTimeout((text) => order.push(text), 0, "first");
      setTimeout(() => order.push("second"), 5);
      setTimeout(resolve, 10);
      clearTimeout(setTimeout(() => order.push("never"), 1));
    });
    let ticks = 0;
    await new Promise((resolve) => {
      const interval = setInterval(() => {
        ticks += 1;
        if (ticks === 3) {
          clearInterval(interval);
          resolve();
        }
      }, 1);
    });
    return [order, ticks];
  },
  "scheduler-wait": async () => {
    const before = Date.now();
    await scheduler.wait(15);
    const aborted = await failureOf(scheduler.wait(1000, { signal: AbortSignal.timeout(1) }));
    return [Date.now() - before >= 14, String(aborted).split(":")[0]];
  },
  date: async () => {
    const first = Date.now();
    for (let index = 0; index < 1e6; index += 1);
    return [
      Date.now() >= first,
      new Date(0).toISOString(),
      new Date(2026, 0, 1).getTimezoneOffset(),
      typeof performance.now(),
      performance.timeOrigin,
    ];
  },
  navigator: () => [
    navigator.userAgent,
    typeof navigator.sendBeacon,
    navigator.language ?? null,
    navigator.hardwareConcurrency ?? null,
  ],
  globals: () => {
    const names =
      "self caches crypto navigator scheduler performance WebSocketPair HTMLRewriter Cloudflare process Buffer global window document require module __dirname alert XMLHttpRequest importScripts EventSource MessageChannel WebSocket Worker";
    return names.split(" ").map((name) => [name, typeof globalThis[name]]);
  },
  "global-names": () => Object.getOwnPropertyNames(globalThis).sort(),
  compatibility: () =>
    Object.entries(globalThis.Cloudflare.compatibilityFlags)
      .filter(([name, enabled]) => enabled && /nodejs|signal/.test(name))
      .sort(),
  "abort-controller": async () => {
    const controller = new AbortController();
    const pending = failureOf(scheduler.wait(10000, { signal: controller.signal }));
    controller.abort(new Error("mine"));
    const any = AbortSignal.any([AbortSignal.abort("x"), new AbortController().signal]);
    return [await pending, any.aborted, any.reason, failure(() => any.throwIfAborted?.())];
  },
  events: () => {
    const target = new EventTarget();
    const seen = [];
    target.addEventListener("x", (event) => seen.push(event.type), { once: true });
    target.addEventListener("x", { handleEvent: (event) => seen.push(event.detail) });
    target.dispatchEvent(new CustomEvent("x", { detail: 1 }));
    target.dispatchEvent(new CustomEvent("x", { detail: 2 }));
    return seen;
  },
  encoding: () => [
    btoa("\u00ff\u0000a"),
    atob("aGk="),
    failure(() => btoa("\u2713")),
    new TextDecoder("utf-16le").decode(new Uint8Array([0x13, 0x27])),
    new TextDecoder("windows-1252").decode(new Uint8Array([0x80])),
    failure(() => new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xff]))),
    new TextEncoder().encodeInto("\u2713x", new Uint8Array(3)),
  ],
  url: () => {
    const url = new URL("../b?x=1&x=2#f", "http://user:pw@h\u00e9.example:8080/a/c/");
    url.searchParams.append("y", "a b");
    return [url.href, url.origin, URL.canParse("nope"), [...url.searchParams], failure(() => new URL("::"))];
  },
  headers: () => {
    const headers = new Headers({ B: "2", a: "1" });
    headers.append("a", "3");
    return [
      [...headers],
      headers.has("A"),
      headers.get("missing"),
      failure(() => headers.set("bad name", "x")),
      failure(() => headers.set("x", "a\nb")),
    ];
  },
  request: async () => {
    const request = new Request("http://x/y", {
      method: "post",
      body: "b",
      headers: { a: "1" },
      redirect: "manual",
    });
    const copy = new Request(request, { method: "PUT" });
    return [
      request.method,
      copy.method,
      await copy.text(),
      copy.redirect,
      failure(() => new Request("http://x", { method: "GET", body: "no" })),
      failure(() => new Request("/relative")),
    ];
  },
  "response-statics": async () => [
    Response.json({ a: 1 }).headers.get("content-type"),
    await Response.json({ a: 1 }).text(),
    failure(() => Response.redirect("http://x/", 200)),
    failure(() => Response.redirect("relative")),
    Response.error().status,
    failure(() => Response.json(undefined)),
    failure(() => new Response("x", { status: 204 })),
  ],
  "form-data": async () => {
    const form = new FormData();
    form.append("a", "1");
    form.append("a", new Blob(["x"], { type: "text/css" }), "b.css");
    form.set("c", "d");
    const parsed = await new Response(form).formData();
    return [[...parsed.keys()], parsed.getAll("a").map((value) => value.name ?? value), parsed.get("c")];
  },
  blob: async () => {
    const blob = new Blob(["hello ", new Uint8Array([119, 111]), new Blob(["rld"])], { type: "text/plain" });
    return [
      blob.size,
      await blob.slice(6, 11).text(),
      new File(["x"], "n", { lastModified: 5 }).lastModified,
    ];
  },
  intl: () => [
    new Intl.NumberFormat("de-DE", { style: "currency", currency: "EUR" }).format(1234.5),
    new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Tokyo", dateStyle: "full", timeStyle: "long" }).format(
      0,
    ),
    "\u00e4".localeCompare("z", "sv"),
    [...new Intl.Segmenter("en", { granularity: "word" }).segment("a b")].length,
    Intl.DateTimeFormat().resolvedOptions().timeZone,
    Intl.DateTimeFormat().resolvedOptions().locale,
  ],
  language: async () => [
    Object.groupBy([1, 2, 3], (n) => (n % 2 ? "odd" : "even")),
    [3, 1, 2].toSorted(),
    new Set([1, 2]).union(new Set([3])).size,
    Promise.withResolvers !== undefined,
    await Array.fromAsync([Promise.resolve(1)]),
    Iterator.from([1, 2, 3]).drop(1).toArray(),
  ],
  "message-channel": async () => {
    const { port1, port2 } = new MessageChannel();
    const received = new Promise((resolve) => {
      port2.onmessage = ({ data }) => resolve(data);
    });
    port1.postMessage({ a: [1] });
    return received;
  },
  "weak-ref": () => [typeof WeakRef, typeof FinalizationRegistry, typeof SharedArrayBuffer, typeof Atomics],
  "error-stack": () => {
    const error = new Error("outer", { cause: new TypeError("inner") });
    return [
      error.cause.name,
      typeof error.stack,
      new AggregateError([error], "many").errors.length,
      new DOMException("m", "DataError").code,
    ];
  },
  "prototype-pollution": () => {
    Object.prototype.polluted = "yes";
    const seen = {}.polluted;
    delete Object.prototype.polluted;
    return [seen, {}.polluted ?? null];
  },
};

export default {
  async fetch(request) {
    return Response.json(await answers[new URL(request.url).pathname.slice(1)]());
  },
};
