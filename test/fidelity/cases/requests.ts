/** What the function sees of a request: method, URL, headers, body. */
import assert from "node:assert/strict";
import {
  becomes,
  type Case,
  differing,
  type Expected,
  type Observation,
  one,
  overHttp1,
  saying,
  scenario,
} from "../case.ts";
import { CASE_DIFFERENCES } from "../differences.ts";
import { bodyText, observed } from "../driver.ts";

/** Of the odd characters below, those that plain workerd answers with 400 when they are in a path. */
const refusedInPaths = "<>` ";

const echo: Expected = { view: "echo" };
const seen = (title: string, path: string, url: string | RegExp): Case =>
  one("echo", title, { path }, { ...echo, body: url });

const refused = (of: Case): Case =>
  differing<Observation>(CASE_DIFFERENCES.refusedTarget, of, ({ status }) => assert.equal(status, 400));

const plainMethods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const webdavMethods = [
  "PROPFIND",
  "PROPPATCH",
  "MKCOL",
  "COPY",
  "MOVE",
  "LOCK",
  "UNLOCK",
  "REPORT",
  "SEARCH",
];
const otherMethods = ["PURGE", "MERGE", "NOTIFY", "SUBSCRIBE", "ACL", "QUERY"];

const methods: Case[] = [
  ...[...plainMethods, ...webdavMethods, ...otherMethods].map((method) =>
    one(
      "echo",
      `takes the method ${method}`,
      { method, path: "/m" },
      { ...echo, body: `"method":"${method}"` },
    ),
  ),
  ...["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "GET"].map((method) =>
    one(
      "echo",
      `takes a body with ${method}`,
      { method, body: "the body" },
      { ...echo, body: '"body":"the body"' },
    ),
  ),
  one("echo", "answers HEAD without a body", { method: "HEAD" }, { ...echo, header: /application\/json/ }),
  one("echo", "takes DELETE without a body", { method: "DELETE" }, { ...echo, body: '"bodyLength":0' }),
  one("echo", "takes a POST of length 0", { method: "POST", body: "" }, { ...echo, body: '"bodyLength":0' }),
];

const urls: Case[] = [
  seen("keeps a plain path and query", "/a/b?c=d&e", "http://echo.localhost/a/b?c=d&e"),
  seen("keeps percent-encodings as they are", "/%7Euser/%2F%2e%2E/%E2%9C%93?q=%20+%26", /%2F/),
  differing(
    CASE_DIFFERENCES.normalisedUrl,
    seen("takes dot segments", "/a/b/../c/./d", "localhost/a/b/../c/./d"),
    becomes(saying("/a/b/../c/./d", "/a/c/d")),
  ),
  seen("keeps double slashes", "//a//b//", "http://echo.localhost//a//b//"),
  seen("does not take a path for a host", "//evil.example/x", "echo.localhost//evil.example/x"),
  seen("keeps an empty query", "/a?", /localhost\/a/),
  seen("keeps an empty query of several marks", "/a???b=?", /localhost\/a/),
  seen("keeps odd query strings", "/?&&=&a&a=&=b&a[]=1&b[c]=2;d=3", /a\[\]=1/),
  seen("keeps a long URL", `/${"long/".repeat(1400)}?${"q=1&".repeat(100)}`, /long\/long/),
  seen("keeps invalid percent-encodings", "/%zz/%/100%?%%", /%zz/),
  seen("keeps characters that need no encoding", "/a:b@c!$&'()*+,;=-._~", /a:b@c/),
  seen("takes backslashes alike", "/a\\b\\..\\c", /\/a/),
  refused(seen("takes a fragment", "/a#fragment?x", "http://echo.localhost/a")),
  refused(seen("takes bytes beyond ASCII", "/caf\u00c3\u00a9?\u00c3\u00a9", /caf/)),
  seen("keeps a path that looks like a URL", "/http://x.example/y", /http:\/\/x\.example/),
  seen("takes only a query", "/?only", "http://echo.localhost/?only"),
];

/** Characters that a URL may not hold as they are; some are taken, some are refused. */
const oddCharacter = (character: string, name = character): Case =>
  one(
    "echo",
    `treats ${name} in a path alike`,
    { path: `/a${character}b` },
    { view: "failure", status: refusedInPaths.includes(character) ? 400 : 200 },
  );

const oddCharacters: Case[] = [
  ...[...'"<>`{}|^'].map((character) => oddCharacter(character)),
  overHttp1("such a stream is reset", oddCharacter(" ", "a space")),
];

const hosts: Case[] = [
  one(
    "echo",
    "takes the port of Host into the URL",
    { host: "echo.localhost:4321" },
    { ...echo, body: "localhost:4321/" },
  ),
  differing(
    CASE_DIFFERENCES.normalisedUrl,
    one(
      "echo",
      "takes an upper-case Host",
      { host: "ECHO.LOCALHOST" },
      { ...echo, body: "//ECHO.LOCALHOST/" },
    ),
    becomes(saying("//ECHO.LOCALHOST/", "//echo.localhost/")),
  ),
];

type HeaderList = readonly (readonly [name: string, value: string])[];

const sees = (title: string, headers: HeaderList, body: string | RegExp): Case =>
  one("echo", `sees ${title}`, { path: "/h", headers }, { ...echo, body });

const headerLists: readonly (readonly [title: string, headers: HeaderList, body: string | RegExp])[] = [
  ["an empty header", [["X-Empty", ""]], '["x-empty",""]'],
  ["latin-1 bytes in a header", [["X-Latin", "na\u00efve"]], /x-latin/],
  ["UTF-8 bytes in a header", [["X-Utf8", Buffer.from("\u2713").toString("latin1")]], /x-utf8/],
  [
    "a header sent twice",
    [
      ["X-Two", "1"],
      ["x-two", "2"],
    ],
    '["x-two","1, 2"]',
  ],
  ["150 headers", Array.from({ length: 150 }, (_, index) => [`X-H${index}`, `${index}`]), '["x-h149","149"]'],
  ["a long header", [["X-Long", "v".repeat(7000)]], /v{7000}/],
  ["odd header names", [["X!#$%&'*+-.^_`|~9", "odd"]], /odd/],
  [
    "Accept-Encoding as it came",
    [["Accept-Encoding", "zstd;q=0.5, gzip, br"]],
    '["accept-encoding","zstd;q=0.5, gzip, br"]',
  ],
  [
    "conditional and range headers",
    [
      ["If-None-Match", 'W/"a", "b"'],
      ["If-Modified-Since", "x"],
      ["Range", "bytes=0-1"],
    ],
    /bytes=0-1/,
  ],
  [
    "credentials",
    [
      ["Authorization", "Basic YTpi"],
      ["Proxy-Authorization", "Basic Yzpk"],
    ],
    /Basic YTpi/,
  ],
  [
    "the origin and the referrer",
    [
      ["Origin", "null"],
      ["Referer", "http://a/b?c"],
      ["Sec-Fetch-Mode", "cors"],
    ],
    /sec-fetch-mode/,
  ],
  [
    "trailer negotiation",
    [
      ["TE", "trailers"],
      ["Trailer", "x"],
    ],
    /"method":"GET"/,
  ],
  [
    "cf headers that a client made up",
    [
      ["CF-Ray", "x"],
      ["CDN-Loop", "y"],
    ],
    /cdn-loop/,
  ],
  ["Content-Type without a body", [["Content-Type", "text/x"]], /text\/x/],
];

const headers: Case[] = [
  ...headerLists.map((list) => sees(...list)),
  overHttp1(
    "HTTP/2 lets a client send cookies in crumbs, and they are put together",
    sees(
      "two Cookie headers",
      [
        ["Cookie", "a=1"],
        ["Cookie", "b=2; c=3"],
      ],
      /a=1/,
    ),
  ),
  overHttp1(
    "HTTP/2 allows no white space around a value",
    sees("white space around a value", [["X-Space", " \t a  b \t "]], '["x-space","a  b"]'),
  ),
  overHttp1(
    "HTTP/2 has no Upgrade",
    sees(
      "an upgrade to something else than a WebSocket",
      [
        ["Connection", "Upgrade, HTTP2-Settings"],
        ["Upgrade", "h2c"],
        ["HTTP2-Settings", "AAMAAABk"],
      ],
      /GET/,
    ),
  ),
];

const framing: Case[] = [
  one(
    "echo",
    "sees Content-Length",
    { method: "POST", body: "12345" },
    { ...echo, body: '["content-length","5"]' },
  ),
  one(
    "echo",
    "sees a chunked upload whole",
    {
      method: "POST",
      headers: [["Transfer-Encoding", "chunked"]],
      body: "3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\n\r\n",
    },
    { ...echo, body: "abc0123456789" },
  ),
  one(
    "echo",
    "drops the trailers of an upload",
    {
      method: "POST",
      headers: [["Transfer-Encoding", "chunked"]],
      body: "3\r\nabc\r\n0\r\nX-Trailer: t\r\n\r\n",
    },
    { ...echo, body: '"body":"abc"' },
  ),
  one(
    "echo",
    "sees an empty chunked upload",
    { method: "POST", headers: [["Transfer-Encoding", "chunked"]], body: "0\r\n\r\n" },
    { ...echo, body: '"bodyLength":0' },
  ),
  one(
    "echo",
    "keeps every byte of an upload",
    { method: "PUT", body: Buffer.from(Array.from({ length: 256 }, (_, i) => i)) },
    { ...echo, body: '"bodyLength":256' },
  ),
  overHttp1(
    "its bytes are those of HTTP/1.1",
    scenario(
      "echo",
      "takes a request that comes byte by byte",
      async (session) => {
        const connection = await session.connect();
        const text = `POST /slow HTTP/1.1\r\nHost: ${session.host}\r\nContent-Length: 4\r\n\r\nslow`;
        for (const byte of text) await connection.write(byte);
        const head = await connection.head();
        return observed({ head, ...(await connection.body(head).rest()) }, echo);
      },
      (observation) => assert.match(JSON.stringify(observation), /"body":"slow"/),
    ),
  ),
];

const context: Case[] = [
  ...["this", "arguments", "env", "top-level", "request", "request-immutable"].map((path) =>
    one("shape", `gives the handler its ${path}`, `/${path}`, { body: /./ }),
  ),
  differing(
    CASE_DIFFERENCES.exports,
    one("shape", "gives the handler its context", "/context", { body: '"exports":["default"]' }),
    becomes(saying('"exports":["default"]', '"exports":["DexterThread","default"]')),
  ),
  one("shape", "begins work given to waitUntil once", "/lazy-thenable", { body: "begun 1 time(s)" }),
  one("shape", "calls waitUntil detached from the context", "/detached-wait-until", {
    body: "TypeError: Illegal invocation",
  }),
  scenario(
    "shape",
    "gives request.cf, whatever is in it",
    async (session) => bodyText((await session.exchange({ path: "/cf" })).bytes),
    (text) => assert.equal(text, "object"),
  ),
];

export const requestCases: readonly Case[] = [
  ...methods,
  ...urls,
  ...oddCharacters,
  ...hosts,
  ...headers,
  ...framing,
  ...context,
];
