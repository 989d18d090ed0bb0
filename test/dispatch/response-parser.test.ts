import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ResponseParser } from "../../scheduler/dispatch/response-parser.ts";
import { assertProperty } from "../support/properties.ts";

interface Exchange {
  readonly method?: string;
  readonly upgrade?: boolean;
  /** Whether the connection ends after the last piece. */
  readonly ends?: boolean;
}

/** What a handler is told of the pieces; the body's pieces are joined, since their cuts do not matter. */
function receive(
  pieces: readonly Buffer[],
  { method = "GET", upgrade = false, ends = false }: Exchange = {},
) {
  const events: unknown[] = [];
  let body = "";
  const flush = () => {
    if (body !== "") events.push(["body", body]);
    body = "";
  };
  const tell = (...event: unknown[]) => {
    flush();
    events.push(event);
  };
  const parser = new ResponseParser({
    onHead: ({ status, statusText, rawHeaders, bodyKind }) =>
      tell("head", status, statusText, rawHeaders, bodyKind),
    onBody: (chunk) => {
      assert.ok(chunk.length > 0);
      body += chunk.toString("latin1");
    },
    onEnd: (reusable) => tell("end", reusable),
    onError: (error) => tell("error", error.code, error.details.reason),
  });
  parser.reset(method, upgrade);
  for (const piece of pieces) parser.push(piece);
  if (ends) parser.finish();
  flush();
  return events;
}

const latin1 = (text: string) => Buffer.from(text, "latin1");
const once = (text: string, exchange?: Exchange) => receive([latin1(text)], exchange);
const bytewise = (text: string, exchange?: Exchange) => receive(Array.from(text, latin1), exchange);

/** Whole responses, as workerd writes them and as it might. */
const good: Record<string, [text: string, exchange: Exchange, events: unknown[]]> = {
  "a body with length": [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain;charset=UTF-8\r\n\r\nhello",
    {},
    [
      ["head", 200, "OK", ["Content-Length", "5", "Content-Type", "text/plain;charset=UTF-8"], "length"],
      ["body", "hello"],
      ["end", true],
    ],
  ],
  "a chunked body": [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nx-a: b\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    {},
    [
      ["head", 200, "OK", ["x-a", "b"], "chunked"],
      ["body", "hello world"],
      ["end", true],
    ],
  ],
  "chunks with extensions, leading zeros and trailers": [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n00A;a="b"\r\n0123456789\r\n1 ; x\r\n!\r\n000\r\nX-T: 1\r\ny:\r\n\r\n',
    {},
    [
      ["head", 200, "OK", [], "chunked"],
      ["body", "0123456789!"],
      ["end", true],
    ],
  ],
  "an empty chunked body": [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    {},
    [
      ["head", 200, "OK", [], "chunked"],
      ["end", true],
    ],
  ],
  "a length of 0": [
    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    {},
    [
      ["head", 404, "Not Found", ["Content-Length", "0"], "none"],
      ["end", true],
    ],
  ],
  "204 without headers": [
    "HTTP/1.1 204 No Content\r\n\r\n",
    {},
    [
      ["head", 204, "No Content", [], "none"],
      ["end", true],
    ],
  ],
  "304 with a length": [
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
    {},
    [
      ["head", 304, "Not Modified", ["Content-Length", "7"], "none"],
      ["end", true],
    ],
  ],
  "the answer to HEAD": [
    "HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n",
    { method: "HEAD" },
    [
      ["head", 200, "OK", ["Content-Length", "45"], "none"],
      ["end", true],
    ],
  ],
  "the answer to HEAD without a length": [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    { method: "HEAD" },
    [
      ["head", 200, "OK", [], "none"],
      ["end", true],
    ],
  ],
  "a body until the connection ends": [
    "HTTP/1.1 200 OK\r\nx: y\r\n\r\nall the rest\r\n\r\n",
    { ends: true },
    [
      ["head", 200, "OK", ["x", "y"], "close"],
      ["body", "all the rest\r\n\r\n"],
      ["end", false],
    ],
  ],
  "no body until the connection ends": [
    "HTTP/1.1 200 OK\r\n\r\n",
    { ends: true },
    [
      ["head", 200, "OK", [], "close"],
      ["end", false],
    ],
  ],
  "Connection: close, and bytes after the response": [
    "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 2\r\n\r\nabcd",
    { ends: true },
    [
      ["head", 500, "Internal Server Error", ["Content-Length", "2"], "length"],
      ["body", "ab"],
      ["end", false],
    ],
  ],
  "HTTP/1.0": [
    "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
    {},
    [
      ["head", 200, "OK", ["Content-Length", "2"], "length"],
      ["body", "ab"],
      ["end", false],
    ],
  ],
  "hop-by-hop headers, and those that Connection lists": [
    "HTTP/1.1 200 OK\r\nConnection: X-A , keep-alive\r\nKeep-Alive: 1\r\nx-a: 1\r\nx-b: 2\r\nTE: x\r\nTrailer: x\r\nUpgrade: h2c\r\nProxy-Connection: x\r\nConnection: y\r\nY: 1\r\nContent-Length: 0\r\n\r\n",
    {},
    [
      ["head", 200, "OK", ["x-b", "2", "Content-Length", "0"], "none"],
      ["end", true],
    ],
  ],
  "several cookies, odd values and an empty reason": [
    "HTTP/1.1 299 \r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX:\r\nY: \t\xe9 : b\t \r\nContent-Length: 0\r\n\r\n",
    {},
    [
      [
        "head",
        299,
        "",
        ["Set-Cookie", "a=1", "set-cookie", "b=2", "X", "", "Y", "\xe9 : b", "Content-Length", "0"],
        "none",
      ],
      ["end", true],
    ],
  ],
  "interim responses first": [
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    {},
    [
      ["head", 204, "No Content", [], "none"],
      ["end", true],
    ],
  ],
  "an upgrade, with bytes right after the head": [
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nx-q: 1\r\n\r\n\x02hi\r\n",
    { upgrade: true, ends: true },
    [
      [
        "head",
        101,
        "Switching Protocols",
        ["Connection", "Upgrade", "Upgrade", "websocket", "x-q", "1"],
        "upgrade",
      ],
      ["body", "\x02hi\r\n"],
      ["end", false],
    ],
  ],
  "a refused upgrade": [
    "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n",
    { upgrade: true },
    [
      ["head", 426, "Upgrade Required", ["Content-Length", "0"], "none"],
      ["end", true],
    ],
  ],
};

describe("a response", () => {
  for (const [name, [text, exchange, events]] of Object.entries(good)) {
    it(`is read: ${name}`, () => {
      assert.deepEqual(once(text, exchange), events);
      assert.deepEqual(bytewise(text, exchange), events, "byte by byte");
    });
  }
});

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

const bad: Record<string, [text: string, reason: RegExp, exchange?: Exchange]> = {
  "no HTTP": ["hello\r\n\r\n", /status line/],
  "an empty head": ["\r\n\r\n", /status line/],
  "HTTP/2": ["HTTP/2 200 OK\r\n\r\n", /status line/],
  "HTTP/1.2": ["HTTP/1.2 200 OK\r\n\r\n", /status line/],
  "a status of two digits": ["HTTP/1.1 20 OK\r\n\r\n", /status line/],
  "a status of four digits": ["HTTP/1.1 2000 OK\r\n\r\n", /status line/],
  "a status below 100": ["HTTP/1.1 099 OK\r\n\r\n", /status line/],
  "no space after the status": ["HTTP/1.1 200\r\n\r\n", /status line/],
  "a control byte in the reason": ["HTTP/1.1 200 O\x01K\r\n\r\n", /status line/],
  "a bare LF after the status line": ["HTTP/1.1 200 OK\nA: b\r\n\r\n", /status line/],
  "a space in a name": [`${OK}A b: c\r\n\r\n`, /header name/],
  "a space before the colon": [`${OK}A : c\r\n\r\n`, /header name/],
  "a folded header": [`${OK}A: b\r\n c\r\n\r\n`, /header name/],
  "an empty name": [`${OK}: c\r\n\r\n`, /header name/],
  "no colon": [`${OK}Abc\r\n\r\n`, /header name/],
  "a bare LF in a value": [`${OK}A: b\nC: d\r\n\r\n`, /header value/],
  "a bare CR in a value": [`${OK}A: b\rC: d\r\n\r\n`, /header value/],
  "NUL in a value": [`${OK}A: \x00\r\n\r\n`, /header value/],
  "a length with a sign": [`${OK}Content-Length: +1\r\n\r\na`, /Content-Length/],
  "an empty length": [`${OK}Content-Length:\r\n\r\n`, /Content-Length/],
  "a list of lengths": [`${OK}Content-Length: 1, 1\r\n\r\na`, /Content-Length/],
  "a length that is no safe integer": [`${OK}Content-Length: 9007199254740993\r\n\r\n`, /Content-Length/],
  "two lengths": [`${OK}Content-Length: 1\r\ncontent-length: 1\r\n\r\na`, /more than one Content-Length/],
  "a length and chunks": [`${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, /both/],
  "a length and chunks in answer to HEAD": [
    `${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    /both/,
    { method: "HEAD" },
  ],
  "gzip as transfer coding": [`${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`, /transfer coding/],
  "two transfer codings": [
    `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
    /more than one Transfer/,
  ],
  "chunks in HTTP/1.0": ["HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", /HTTP\/1.0/],
  "101 unasked": ["HTTP/1.1 101 Switching Protocols\r\n\r\n", /101/],
  "a head of 65 KB": [`${OK}A: ${"x".repeat(65_536)}\r\n\r\n`, /64 KB/],
  "a head that never ends": [`${OK}A: ${"x".repeat(70_000)}`, /64 KB/],
  "a size that is no number": [`${CHUNKED}x\r\n`, /chunk size/],
  "a size with a sign": [`${CHUNKED}-1\r\n`, /chunk size/],
  "a size with 0x": [`${CHUNKED}0x1\r\n`, /chunk size/],
  "an empty size": [`${CHUNKED}\r\n`, /chunk size/],
  "a size with a space": [`${CHUNKED}1 \r\n`, /chunk size/],
  "a size beyond all measure": [`${CHUNKED}${"f".repeat(14)}\r\n`, /chunk size/],
  "a size line with bare LF": [`${CHUNKED}1\nx`, /without CR/],
  "an endless size line": [`${CHUNKED}1;${"x".repeat(5000)}`, /too long/],
  "a chunk longer than its size": [`${CHUNKED}1\r\nxy\r\n`, /longer than its size/],
  "a chunk that ends with bare LF": [`${CHUNKED}1\r\nx\n`, /longer than its size/],
  "a trailer that is none": [`${CHUNKED}0\r\nA b: c\r\n\r\n`, /trailer/],
  "endless trailers": [`${CHUNKED}0\r\n${"a: b\r\n".repeat(11_000)}`, /too long/],
  "bytes after a body with length": [`${OK}Content-Length: 1\r\n\r\nabc`, /no response/],
  "bytes after the chunks": [`${CHUNKED}0\r\n\r\nHTTP/1.1 200 OK\r\n`, /no response/],
  "a body after 204": ["HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\na", /no response/],
  "a body in answer to HEAD": [`${OK}Content-Length: 1\r\n\r\na`, /no response/, { method: "HEAD" }],
  "an end within a body with length": [`${OK}Content-Length: 3\r\n\r\nab`, /within the body/, { ends: true }],
  "an end within the chunks": [`${CHUNKED}1\r\nx\r\n`, /within the body/, { ends: true }],
};

describe("a bad response", () => {
  for (const [name, [text, reason, exchange]] of Object.entries(bad)) {
    it(`is refused: ${name}`, () => {
      const events = once(text, exchange) as [string, string, string][];
      const [kind, code, given] = events.at(-1)!;
      assert.equal(`${kind} ${code}`, "error BAD_RESPONSE");
      assert.match(given, reason);
      assert.equal(events.filter(([each]) => each === "error").length, 1);
      if (text.length < 10_000)
        assert.deepEqual((bytewise(text, exchange) as unknown[]).at(-1), events.at(-1));
    });
  }
});

describe("an end without a whole head", () => {
  for (const [name, text] of [
    ["before the head", ""],
    ["within the head", "HTTP/1.1 2"],
    ["after an interim response", "HTTP/1.1 100 Continue\r\n\r\n"],
  ] as const)
    it(`is the loss of the server: ${name}`, () => {
      const [kind, code] = (once(text, { ends: true }) as [string, string][]).at(-1)!;
      assert.equal(`${kind} ${code}`, "error SERVER_LOST");
    });
});

describe("ResponseParser", () => {
  /** Without the flag of `end`: whether more bytes follow is known at once only when they are in one piece. */
  const comparable = (events: unknown[]) =>
    events.map((event) => ((event as string[])[0] === "end" ? "end" : event));

  it("tells the same, however the bytes are cut", () => {
    const texts = [
      ...Object.values(good).map(([text, exchange]) => ({ text, exchange })),
      ...Object.values(bad).map(([text, , exchange = {}]) => ({ text, exchange })),
    ];
    assertProperty(
      fc.property(
        fc.constantFrom(...texts),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
        ({ text, exchange }, cuts) => {
          const bytes = latin1(text);
          const at = [
            0,
            ...cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b),
            bytes.length,
          ];
          const pieces = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
          assert.deepEqual(comparable(receive(pieces, exchange)), comparable(once(text, exchange)));
        },
      ),
      600,
    );
  });

  it("reads any body back, chunked in any way", () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 8 });
    assertProperty(
      fc.property(chunks, fc.array(fc.nat(400), { maxLength: 5 }), (parts, cuts) => {
        const body = parts.map((part) => Buffer.from(part).toString("latin1"));
        const text = `${CHUNKED}${body.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("")}0\r\n\r\n`;
        const at = [0, ...cuts.map((cut) => cut % text.length).sort((a, b) => a - b), text.length];
        const events = receive(at.slice(1).map((end, i) => latin1(text.slice(at[i], end))));
        const whole = body.join("");
        const expected = whole === "" ? [] : [["body", whole]];
        assert.deepEqual(events, [["head", 200, "OK", [], "chunked"], ...expected, ["end", true]]);
      }),
    );
  });

  it("never throws and fails at most once, whatever comes", () => {
    const junk = fc.array(
      fc.constantFrom(
        "HTTP/1.1 200 OK",
        "\r\n",
        "\r\n\r\n",
        "Content-Length: 3",
        "a: b",
        "0",
        "5",
        "\n",
        "abc",
      ),
    );
    assertProperty(
      fc.property(junk, (words) => {
        const events = receive(words.map(latin1), { ends: true }) as [string][];
        assert.ok(events.filter(([kind]) => kind === "error").length <= 1);
      }),
      500,
    );
  });

  it("reads one response after the other, each by its own request method", () => {
    const kinds: string[] = [];
    const parser = new ResponseParser({
      onHead: ({ status, bodyKind, rawHeaders }) => kinds.push(`${status} ${bodyKind} ${rawHeaders.length}`),
      onBody: () => {},
      onEnd: (reusable) => assert.ok(reusable),
      onError: (error) => assert.fail(error),
    });
    const head = `${OK}Content-Length: 2\r\n\r\n`;
    for (const [method, text] of [
      ["GET", `${head}ab`],
      ["HEAD", head],
      ["GET", `${head}cd`],
      ["POST", `${CHUNKED}0\r\n\r\n`],
    ] as const) {
      assert.ok(parser.idle);
      parser.reset(method);
      assert.ok(!parser.idle);
      parser.push(latin1(text));
    }
    assert.deepEqual(kinds, ["200 length 2", "200 none 2", "200 length 2", "200 chunked 0"]);
  });

  it("may be reset from within onEnd", () => {
    let ended = 0;
    const parser = new ResponseParser({
      onHead: () => {},
      onBody: () => {},
      onEnd: () => {
        ended++;
        parser.reset("GET");
      },
      onError: (error) => assert.fail(error),
    });
    parser.reset("GET");
    for (let i = 0; i < 3; i++) parser.push(latin1("HTTP/1.1 204 No Content\r\n\r\n"));
    assert.equal(ended, 3);
  });

  it("does not take bytes that nobody asked for, even when the last response was good", () => {
    let failed = "";
    const parser = new ResponseParser({
      onHead: () => {},
      onBody: () => {},
      onEnd: () => {},
      onError: (error) => {
        failed = error.message;
      },
    });
    parser.push(latin1("HTTP/1.1 200 OK\r\n\r\n"));
    assert.match(failed, /belong to no response/);
    assert.ok(!parser.idle);
    assert.throws(() => parser.reset("GET"));
  });

  it("tells nothing any more once destroyed, even within a callback", () => {
    for (const stage of ["head", "body", "none"]) {
      const told: string[] = [];
      const parser = new ResponseParser({
        onHead: () => {
          told.push("head");
          if (stage !== "body") parser.destroy();
        },
        onBody: () => {
          told.push("body");
          parser.destroy();
        },
        onEnd: () => told.push("end"),
        onError: () => told.push("error"),
      });
      parser.reset(stage === "none" ? "HEAD" : "GET");
      parser.push(latin1(`${OK}Content-Length: 2\r\n\r\nab`));
      parser.push(latin1("rubbish"));
      parser.finish();
      assert.deepEqual(told, stage === "body" ? ["head", "body"] : ["head"]);
    }
  });

  it("hands the pushed bytes on without copying them", () => {
    const pieces: Buffer[] = [];
    const parser = new ResponseParser({
      onHead: () => {},
      onBody: (chunk) => pieces.push(chunk),
      onEnd: () => {},
      onError: (error) => assert.fail(error),
    });
    parser.reset("GET");
    parser.push(latin1(`${OK}Content-Length: 8\r\n\r\n`));
    const body = latin1("abcdefgh");
    parser.push(body.subarray(0, 4));
    parser.push(body.subarray(4));
    body.fill("x");
    assert.equal(Buffer.concat(pieces).toString(), "xxxxxxxx");
  });
});
