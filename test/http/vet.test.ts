/** Which requests a listener lets through, and what it finds out about them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { after, before, describe, it } from "node:test";
import { createClientResolver } from "../../scheduler/http/client-address.ts";
import { Listener } from "../../scheduler/http/listener.ts";
import { isHost } from "../../scheduler/http/vet.ts";
import { factsOf } from "../support/facts.ts";

let listener: Listener;
before(async () => {
  listener = await Listener.listen(
    { host: "127.0.0.1", port: 0 },
    {
      clientOf: createClientResolver([]),
      route: () => "f",
      dispatch(request) {
        if (request.head.facts.upgrade) {
          const { socket } = request.tunnel(101, "HTTP/1.1 101 Switching Protocols\r\n");
          return void socket.resume().end();
        }
        request.answer(200, "", "fine");
      },
      notFound: () => assert.fail("every request has its function"),
    },
    { backlog: 10, sendBufferSize: 0 },
  );
});
after(() => listener.destroy());

/** Sends bytes as they are. @returns status and body of the first answer, "closed" without one */
async function send(payload: string): Promise<{ status: string; body: string }> {
  const socket = net.connect(listener.port, "127.0.0.1").setEncoding("latin1");
  socket.on("error", () => {});
  socket.end(payload, "latin1");
  let text = "";
  socket.on("data", (chunk: string) => {
    text += chunk;
  });
  await once(socket, "close");
  return { status: text.slice(9, 12) || "closed", body: text.slice(text.indexOf("\r\n\r\n") + 4) };
}

const H = "Host: a.test\r\n";
const get = (target: string, headers = H) => `GET ${target} HTTP/1.1\r\n${headers}\r\n`;
const post = (headers: string, body = "") => `POST / HTTP/1.1\r\n${H}${headers}\r\n${body}`;
const EMPTY_CHUNKS = "0\r\n\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";

/** What must be let through: 200, or 101 for a handshake. */
const accepted: Record<string, string> = {
  "a plain request": get("/"),
  "an HTTP/1.0 request without Host": "GET / HTTP/1.0\r\n\r\n",
  "an HTTP/1.0 request with Host": `GET / HTTP/1.0\r\n${H}\r\n`,
  "an empty line before the request": `\r\n${get("/")}`,
  "a path with everything a path may hold": get("/a;b=c,d/%20~!$&'()*+:@?q=/?#".slice(0, -1)),
  "characters that browsers leave alone": get('/"<>[]\\^`{|}'),
  "a path of two slashes": get("//b/x"),
  "an absolute target": get("http://b.test/x"),
  "an absolute target in capitals, without path": get("HTTP://B.TEST"),
  "an absolute target with query only": get("http://b.test?q"),
  "a method of WebDAV": `PROPFIND / HTTP/1.1\r\n${H}\r\n`,
  "the QUERY method": `QUERY / HTTP/1.1\r\n${H}\r\n`,
  "a host with port": get("/", "Host: a.test:8080\r\n"),
  "a host with an empty port": get("/", "Host: a.test:\r\n"),
  "an IPv6 host": get("/", "Host: [::1]:80\r\n"),
  "a host with an underscore": get("/", "Host: a_b.test\r\n"),
  "a host with a trailing dot": get("/", "Host: a.test.\r\n"),
  "a body with length": post("Content-Length: 2\r\n", "ab"),
  "a chunked body": post(CHUNKED, `2\r\nab\r\n${EMPTY_CHUNKS}`),
  "a chunked body in capitals": post("TRANSFER-ENCODING: CHUNKED\r\n", EMPTY_CHUNKS),
  "a chunked body with extensions and trailers": post(CHUNKED, "1;a=b\r\nx\r\n0\r\nHost: evil\r\n\r\n"),
  "a GET with a body": `GET / HTTP/1.1\r\n${H}Content-Length: 2\r\n\r\nab`,
  "Expect: 100-continue": post("Expect: 100-Continue\r\nContent-Length: 0\r\n"),
  "an expectation in HTTP/1.0": "POST / HTTP/1.0\r\nExpect: x\r\nContent-Length: 0\r\n\r\n",
  "bytes outside ASCII in a header": get("/", `${H}A: \xe9\r\n`),
  "a Connection with odd options": get("/", `${H}Connection: close, a,, b\r\n`),
  "Connection naming Host": get("/", `${H}Connection: host, content-length\r\n`),
};

/** What is no HTTP request by its syntax. */
const malformed: Record<string, [payload: string, status: string]> = {
  "no Host in HTTP/1.1": ["GET / HTTP/1.1\r\n\r\n", "400"],
  "HTTP/1.2": [`GET / HTTP/1.2\r\n${H}\r\n`, "400"],
  "HTTP/1.10": [`GET / HTTP/1.10\r\n${H}\r\n`, "400"],
  "http in small letters": [`GET / http/1.1\r\n${H}\r\n`, "400"],
  "a space after the version": [`GET / HTTP/1.1 \r\n${H}\r\n`, "400"],
  "CR CR LF": [`GET / HTTP/1.1\r\r\n${H}\r\n`, "400"],
  "bare LF": [`GET / HTTP/1.1\n${H}\n`, "400"],
  "the preface of HTTP/2": ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"],
  "an unknown method": [`FOO / HTTP/1.1\r\n${H}\r\n`, "501"],
  "a method in small letters": [`get / HTTP/1.1\r\n${H}\r\n`, "501"],
  "a target that is no path": [get("foo"), "400"],
  "a target that is a query": [get("?x"), "400"],
  "a space in the target": [get("/a b"), "400"],
  "a tab in the target": [get("/\t"), "400"],
  "NUL in the target": [get("/\x00"), "400"],
  "a control byte in the target": [get("/\x01"), "400"],
  "DEL in the target": [get("/\x7f"), "400"],
  "bytes outside ASCII in the target": [get("/\xe9"), "400"],
  "a folded header": [get("/", `${H}A: b\r\n c\r\n`), "400"],
  "a space before the first header": [get("/", ` A: b\r\n${H}`), "400"],
  "a bare CR in a header": [get("/", `${H}A: b\rc\r\n`), "400"],
  "a bare LF in a header": [get("/", `${H}A: b\nC: d\r\n`), "400"],
  "NUL in a header": [get("/", `${H}A: \x00\r\n`), "400"],
  "a control byte in a header": [get("/", `${H}A: \x01\r\n`), "400"],
  "a space in a header name": [get("/", `${H}A b: c\r\n`), "400"],
  "a space before the colon": [get("/", `${H}A : c\r\n`), "400"],
  "an empty header name": [get("/", `${H}: c\r\n`), "400"],
  "a header without colon": [get("/", `${H}A\r\n`), "400"],
  "a header name outside ASCII": [get("/", `${H}\xe9: c\r\n`), "400"],
  "a header of 17 KB": [get("/", `${H}A: ${"x".repeat(17_000)}\r\n`), "431"],
  "Transfer-Encoding, then Content-Length": [post(`${CHUNKED}Content-Length: 3\r\n`, EMPTY_CHUNKS), "400"],
  "Content-Length, then Transfer-Encoding": [post(`Content-Length: 3\r\n${CHUNKED}`, EMPTY_CHUNKS), "400"],
  "two Transfer-Encoding headers": [post(CHUNKED + CHUNKED, EMPTY_CHUNKS), "400"],
  "chunked, but not last": [post("Transfer-Encoding: chunked, identity\r\n", EMPTY_CHUNKS), "501"],
  "two equal Content-Length headers": [post("Content-Length: 2\r\nContent-Length: 2\r\n", "ab"), "400"],
  "a list of lengths": [post("Content-Length: 2, 2\r\n", "ab"), "400"],
  "a length with a sign": [post("Content-Length: +2\r\n", "ab"), "400"],
  "a negative length": [post("Content-Length: -2\r\n", "ab"), "400"],
  "a hexadecimal length": [post("Content-Length: 0x2\r\n", "ab"), "400"],
  "an empty length": [post("Content-Length:\r\n"), "400"],
  "a length beyond 64 bits": [post("Content-Length: 99999999999999999999999\r\n", "ab"), "400"],
  CONNECT: [`CONNECT a.test:80 HTTP/1.1\r\n${H}\r\n`, "501"],
  "an ICE request": [`SOURCE / ICE/1.0\r\n${H}\r\n`, "400"],
  "an RTSP request": [`DESCRIBE / RTSP/1.0\r\n${H}\r\n`, "400"],
  "empty lines without end": ["\r\n".repeat(9_000), "431"],
  "a TLS handshake": ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400"],
  "a line break within the first line": ["GET\r\n / HTTP/1.1\r\n\r\n", "400"],
};

/** What is refused for what it says. */
const refused: Record<string, [payload: string, status: string, reason: RegExp]> = {
  "HTTP/0.9 without a version": ["GET /\r\n\r\n", "400", /HTTP\/1.1/],
  "HTTP/0.9": [`GET / HTTP/0.9\r\n${H}\r\n`, "400", /HTTP\/1.1/],
  "HTTP/2.0": [`GET / HTTP/2.0\r\n${H}\r\n`, "400", /HTTP\/1.1/],
  TRACE: [`TRACE / HTTP/1.1\r\n${H}\r\n`, "405", /TRACE/],
  "a method that workerd does not know": [`MKCALENDAR / HTTP/1.1\r\n${H}\r\n`, "501", /MKCALENDAR/],
  "M-SEARCH": [`M-SEARCH / HTTP/1.1\r\n${H}\r\n`, "501", /M-SEARCH/],
  "two equal Host headers": [get("/", H + H), "400", /more than one Host/],
  "two Host headers": [get("/", `${H}hOsT: b.test\r\n`), "400", /more than one Host/],
  "two Host headers in HTTP/1.0": [`GET / HTTP/1.0\r\n${H}${H}\r\n`, "400", /more than one Host/],
  "an empty Host": [get("/", "Host:\r\n"), "400", /not a host/],
  "an empty Host in HTTP/1.0": ["GET / HTTP/1.0\r\nHost:\r\n\r\n", "400", /not a host/],
  "a Host with a space": [get("/", "Host: a b\r\n"), "400", /not a host/],
  "a Host with a path": [get("/", "Host: a.test/x\r\n"), "400", /not a host/],
  "a Host with a user name": [get("/", "Host: u@a.test\r\n"), "400", /not a host/],
  "a Host with a query": [get("/", "Host: a.test?x\r\n"), "400", /not a host/],
  "a Host with a fragment": [get("/", "Host: a.test#x\r\n"), "400", /not a host/],
  "a Host with a backslash": [get("/", "Host: a.test\\x\r\n"), "400", /not a host/],
  "a percent-encoded Host": [get("/", "Host: a%2etest\r\n"), "400", /not a host/],
  "a list of hosts": [get("/", "Host: a.test, b.test\r\n"), "400", /not a host/],
  "a Host outside ASCII": [get("/", "Host: \xe9.test\r\n"), "400", /not a host/],
  "a Host that is no IPv4 address": [get("/", "Host: 999.1.1.1\r\n"), "400", /not a host/],
  "a Host that is no IPv6 address": [get("/", "Host: [::x]\r\n"), "400", /not a host/],
  "a Host with two ports": [get("/", "Host: a.test:80:81\r\n"), "400", /not a host/],
  "a Host with a port that is none": [get("/", "Host: a.test:99999\r\n"), "400", /not a host/],
  "a Host that is only a port": [get("/", "Host: :80\r\n"), "400", /not a host/],
  "a bad Host beside a good absolute target": [get("http://b.test/", "Host: a b\r\n"), "400", /Host/],
  "a fragment in the target": [get("/a#b"), "400", /target/],
  "GET *": [get("*"), "400", /OPTIONS/],
  "a scheme other than http": [get("ftp://b.test/"), "400", /target/],
  "an absolute target without host": [get("http:///x"), "400", /target/],
  "an absolute target with a user name": [get("http://u:p@b.test/"), "400", /target/],
  "an absolute target with a port that is none": [get("http://b.test:99999/"), "400", /target/],
  "Transfer-Encoding in HTTP/1.0": [
    `POST / HTTP/1.0\r\n${H}${CHUNKED}\r\n${EMPTY_CHUNKS}`,
    "400",
    /HTTP\/1.0/,
  ],
  "gzip, chunked": [post("Transfer-Encoding: gzip, chunked\r\n", EMPTY_CHUNKS), "501", /chunked/],
  "chunked twice in a list": [post("Transfer-Encoding: x, chunked\r\n", EMPTY_CHUNKS), "501", /chunked/],
  "Transfer-Encoding: identity": [post("Transfer-Encoding: identity\r\n"), "501", /chunked/],
  "an empty Transfer-Encoding": [post("Transfer-Encoding:\r\n", EMPTY_CHUNKS), "501", /chunked/],
  "Transfer-Encoding: xchunked": [post("Transfer-Encoding: xchunked\r\n", EMPTY_CHUNKS), "501", /chunked/],
  "a length beyond 53 bits": [post("Content-Length: 9007199254740993\r\n"), "400", /not a length/],
  "an unknown expectation": [post("Expect: x\r\nContent-Length: 0\r\n"), "417", /Expect/],
  "more than 1,000 headers": [get("/", `${H}${"a:\r\n".repeat(2100)}`), "431", /headers/],
};

const HANDSHAKE = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n";

describe("a request", { timeout: 60_000 }, () => {
  for (const [name, payload] of Object.entries(accepted)) {
    it(`is let through: ${name}`, async () => {
      const { status, body } = await send(payload);
      assert.equal(`${status} ${body}`, "200 fine");
    });
  }
  for (const [name, [payload, status]] of Object.entries(malformed)) {
    it(`is refused with ${status} as malformed: ${name}`, async () =>
      assert.equal((await send(payload)).status, status));
  }
  for (const [name, [payload, status, reason]] of Object.entries(refused)) {
    it(`is refused with ${status}: ${name}`, async () => {
      const answer = await send(payload);
      assert.equal(answer.status, status);
      assert.match(answer.body, reason);
    });
  }

  for (const target of ["*", "http://b.test"]) {
    it(`is answered without a function: OPTIONS ${target}`, async () => {
      assert.equal((await send(`OPTIONS ${target} HTTP/1.1\r\n${H}\r\n`)).status, "204");
    });
  }

  it("is let through when it is a WebSocket handshake", async () => {
    assert.equal((await send(get("/", H + HANDSHAKE))).status, "101");
  });

  it("is refused when a WebSocket handshake has a body", async () => {
    const answer = await send(get("/", `${H}${HANDSHAKE}Content-Length: 3\r\n`));
    assert.equal(answer.status, "400");
    assert.match(answer.body, /no body/);
  });
});

describe("the facts of a request", () => {
  const inspect = (rawHeaders: string[], more: { method?: string; url?: string; minor?: number } = {}) => {
    const { method = "GET", url = "/", minor = 1 } = more;
    return factsOf({ method, rawHeaders, httpVersionMajor: 1, httpVersionMinor: minor }, url);
  };

  it("refuses what would let one request be read as two", () => {
    assert.equal(inspect([]).refusal?.status, 400);
    for (const [first, second] of [
      ["Content-Length", "Transfer-Encoding"],
      ["Transfer-Encoding", "Content-Length"],
      ["Content-Length", "content-length"],
      ["Transfer-Encoding", "transfer-encoding"],
    ] as const) {
      const value = (name: string) => (name.toLowerCase() === "content-length" ? "1" : "chunked");
      const facts = inspect(["Host", "h", first, value(first), second, value(second)]);
      assert.equal(facts.refusal?.status, 400, `${first}, ${second}`);
    }
    for (const length of ["", "-1", "+1", "1,1", "0x1", "1 "]) {
      assert.equal(inspect(["Host", "h", "Content-Length", length]).refusal?.status, 400, length);
    }
    for (const url of ["", "foo", "/a b", "/\xe9", "/\n"])
      assert.equal(inspect(["Host", "h"], { url }).refusal?.status, 400);
    assert.equal(inspect(["Host", "h"], { method: "CONNECT", url: "h:80" }).refusal?.status, 501);
  });

  it("tells target and host, of an absolute target its own", () => {
    const where = (url: string, method = "GET") => {
      const { host, path, refusal } = inspect(["Host", "h:1"], { url, method });
      assert.equal(refusal, undefined);
      return `${host} ${path}`;
    };
    assert.equal(where("/a?b"), "h:1 /a?b");
    assert.equal(where("http://x:2/a?b"), "x:2 /a?b");
    assert.equal(where("https://x"), "x /");
    assert.equal(where("http://x?b"), "x /?b");
    assert.equal(where("*", "OPTIONS"), "h:1 *");
    assert.equal(where("http://x", "OPTIONS"), "x *");
    assert.equal(inspect([], { minor: 0 }).host, "localhost");
  });

  it("tells the framing", () => {
    assert.equal(inspect(["Host", "h"]).framing, "none");
    assert.equal(inspect(["Host", "h", "content-length", "12"]).framing, 12);
    assert.equal(inspect(["Host", "h", "transfer-encoding", "Chunked"]).framing, "chunked");
  });

  it("joins forwarded headers and takes only a plain request id", () => {
    const facts = inspect(
      ["Host", "h", "X-Forwarded-For", "1.1.1.1", "x-forwarded-for", "2.2.2.2"].concat([
        "X-Forwarded-Proto",
        "https",
        "X-Forwarded-Host",
        "shop",
        "X-Request-ID",
        "abc-1",
      ]),
    );
    assert.equal(facts.forwardedFor, "1.1.1.1, 2.2.2.2");
    assert.equal(facts.forwardedProto, "https");
    assert.equal(facts.forwardedHost, "shop");
    assert.equal(facts.requestId, "abc-1");
    for (const id of ["", "a b", "a\xe9", "x".repeat(129)]) {
      assert.equal(inspect(["Host", "h", "x-request-id", id]).requestId, undefined);
    }
  });

  it("tells a WebSocket handshake from any other upgrade", () => {
    const upgrade = (connection: string, protocol: string, more: { method?: string; minor?: number } = {}) =>
      inspect(["Host", "h", "Upgrade", protocol, "Connection", connection], more).upgrade;
    assert.equal(upgrade("Upgrade", "websocket"), true);
    assert.equal(upgrade("keep-alive, UPGRADE", "h2c, WebSocket"), true);
    assert.equal(upgrade("Upgrade", "h2c"), false);
    assert.equal(upgrade("keep-alive", "websocket"), false);
    assert.equal(upgrade("Upgrade", "websocket", { method: "POST" }), false);
    assert.equal(upgrade("Upgrade", "websocket", { minor: 0 }), false);
  });

  it("lists the unusual options of Connection", () => {
    const names = (connection: string) => inspect(["Host", "h", "Connection", connection]).connectionNames;
    assert.equal(names("keep-alive"), undefined);
    assert.equal(names("Close, TE,, Upgrade"), undefined);
    assert.deepEqual(names("close, X-A ,x-b"), ["x-a", "x-b"]);
  });

  it("count the entries of dexter in CDN-Loop, in one header or in several", () => {
    const hops = (...values: string[]) =>
      inspect(["Host", "h", ...values.flatMap((value) => ["CDN-Loop", value])]).hops;
    assert.equal(hops(), 0);
    assert.equal(hops("dexter"), 1);
    assert.equal(hops("a, dexter; x=1,Dexter", " dexter "), 3);
    assert.equal(hops("dexterity, a; dexter, ,;dexter"), 0);
  });
});

describe("isHost", () => {
  it("still tells good from bad after clients have named many", () => {
    for (let i = 0; i < 3000; i++) assert.ok(isHost(`h${i}.test`));
    assert.ok(isHost("h1.test"));
    assert.ok(!isHost("h1.test "));
    assert.ok(!isHost("a".repeat(300)));
  });
});
