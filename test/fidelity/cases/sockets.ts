/** WebSockets: messages, close codes and reasons in both directions, refusals. */
import assert from "node:assert/strict";
import { renderRequest } from "../../support/http.ts";
import { type Case, one, overHttp1, scenario } from "../case.ts";
import { observedHeaders, type Session } from "../driver.ts";

/** Sends each message after the answer to the one before, then closes; returns all that was seen. */
async function conversation(
  session: Session,
  path: string,
  messages: (string | Buffer)[],
  close: [number?, string?],
) {
  const log = session.webSocket(path);
  await log.opened();
  for (const message of messages) {
    const before = log.lines.length;
    log.socket.send(message);
    await log.length(before + 1);
  }
  log.socket.close(...close);
  return log.closed();
}

const has = (pattern: RegExp) => (lines: readonly string[]) => assert.match(lines.join("\n"), pattern);

const messages: Case[] = [
  scenario(
    "socket",
    "echoes text",
    (session) => conversation(session, "/echo", ["one", "", "caf\u00e9 \u2713"], [1000, "bye"]),
    has(/text caf\u00e9 \u2713\nclose 1000 bye/),
  ),
  scenario(
    "socket",
    "echoes binary",
    (session) => conversation(session, "/echo", [Buffer.from([0, 255, 1]), Buffer.alloc(0)], [1000]),
    has(/binary 00ff01\nbinary \nclose 1000/),
  ),
  scenario(
    "socket",
    "tells text from binary",
    (session) => conversation(session, "/kinds", ["abc", Buffer.from("abc")], [1000]),
    has(/string of 3\ntext buffer of 3/),
  ),
  scenario(
    "socket",
    "echoes a message of 900 kB",
    (session) => conversation(session, "/echo", ["x".repeat(900_000), Buffer.alloc(900_000, 7)], [1000]),
    has(/900000 bytes/),
  ),
  scenario(
    "socket",
    "keeps the order of messages sent at once",
    async (session) => {
      const log = session.webSocket("/echo");
      await log.opened();
      for (let index = 0; index < 300; index += 1)
        log.socket.send(index % 3 ? `m${index}` : Buffer.from(`b${index}`));
      await log.length(301);
      log.socket.close(1000);
      return log.closed();
    },
    has(/text m298\ntext m299/),
  ),
  scenario(
    "socket",
    "delivers what the handler says first",
    async (session) => {
      const log = session.webSocket("/speaks-first");
      await log.length(3);
      log.socket.close(1000);
      return log.closed();
    },
    has(/x-from-handler.*\ntext hello from the server\nbinary 010203/),
  ),
  scenario(
    "socket",
    "delivers 200 messages and a close that came at once",
    (session) => session.webSocket("/counts").closed(),
    has(/text message 199\nclose 1000 counted/),
  ),
  scenario(
    "socket",
    "answers a ping",
    async (session) => {
      const log = session.webSocket("/echo");
      await log.opened();
      log.socket.ping("are you there");
      await log.length(2);
      log.socket.close(1000);
      return log.closed();
    },
    has(/pong are you there/),
  ),
  scenario(
    "socket",
    "puts a fragmented message together",
    async (session) => {
      const log = session.webSocket("/echo");
      await log.opened();
      for (const [part, fin] of [
        ["frag", false],
        ["men", false],
        ["ted", true],
      ] as const)
        log.socket.send(part, { fin });
      await log.length(2);
      log.socket.close(1000);
      return log.closed();
    },
    has(/text fragmented/),
  ),
  scenario(
    "socket",
    "echoes to a client that offers compression",
    async (session) => {
      const log = session.webSocket("/echo", { compress: true });
      await log.opened();
      log.socket.send("compressible ".repeat(500));
      await log.length(2);
      const extensions = log.socket.extensions;
      log.socket.close(1000);
      return [...(await log.closed()), extensions];
    },
    has(/6500 bytes/),
  ),
  scenario(
    "socket",
    "takes a frame sent together with the upgrade",
    async (session) => {
      const connection = await session.connect();
      const request = renderRequest(
        session.addressed({
          path: "/echo",
          headers: [
            ["Connection", "Upgrade"],
            ["Upgrade", "websocket"],
            ["Sec-WebSocket-Version", "13"],
            ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
          ],
        }),
      );
      // "hi", masked with zeros: the least frame a client may send.
      await connection.write(Buffer.concat([request, Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69])]));
      const head = await connection.head();
      const frames = connection.body({ ...head, status: 200, headers: [] });
      return [
        String(head.status),
        head.statusText,
        JSON.stringify(observedHeaders(head).sort()),
        await frames.until("hi"),
      ];
    },
    has(/^101\n.*\n.*sec-websocket-accept.*\n.*hi/),
  ),
];

const closes: Case[] = [
  scenario(
    "socket",
    "gives the client the handler's code and reason",
    (session) => session.webSocket("/closes-at-once").closed(),
    has(/close 4001 not today/),
  ),
  scenario(
    "socket",
    "gives the client a close without a code",
    async (session) => {
      const log = session.webSocket("/closes-plainly");
      await log.opened();
      log.socket.send("please");
      return log.closed();
    },
    has(/close 1005/),
  ),
  ...[1000, 1001, 3000, 4999].map((code) =>
    scenario(
      "socket",
      `closes with ${code} from the handler`,
      async (session) => {
        const log = session.webSocket("/closes-with");
        await log.opened();
        log.socket.send(String(code));
        return log.closed();
      },
      has(new RegExp(`last words\nclose ${code} because ${code}`)),
    ),
  ),
  ...([[1000, "done"], [4321, "caf\u00e9"], [], [1001, ""]] as [number?, string?][]).map((close) =>
    scenario(
      "socket",
      `gives the handler the client's close ${close.join(" ") || "without a code"}`,
      async (session) => {
        const log = session.webSocket("/notes-close");
        await log.opened();
        log.socket.send("x");
        await log.length(2);
        log.socket.close(...close);
        return [...(await log.closed()), await session.witness.noted("close")];
      },
      has(new RegExp(`\\[${close[0] ?? 1005},`)),
    ),
  ),
  scenario(
    "socket",
    "tells the handler that the client vanished",
    async (session) => {
      const log = session.webSocket("/notes-close");
      await log.opened();
      log.socket.send("x");
      await log.length(2);
      log.socket.terminate();
      return session.witness.noted("close");
    },
    (noted) => assert.match(noted, /1006/),
  ),
  scenario(
    "socket",
    "refuses bad close codes alike",
    (session) => conversation(session, "/bad-close", ["[999]", "[5000]", '[null, "reason"]'], [1000]),
    has(/InvalidAccessError|TypeError|RangeError/),
  ),
  scenario(
    "socket",
    "ends alike when a listener throws",
    async (session) => {
      const log = session.webSocket("/throws");
      await log.opened();
      log.socket.send("x");
      log.socket.close(1000);
      return log.closed();
    },
    has(/close/),
  ),
];

const handshakes: Case[] = [
  scenario(
    "socket",
    "negotiates a subprotocol",
    async (session) => {
      const log = session.webSocket("/protocol", { protocols: ["first", "second"] });
      await log.length(2);
      const chosen = log.socket.protocol;
      log.socket.close(1000);
      return [...(await log.closed()), chosen];
    },
    has(/second$/),
  ),
  scenario(
    "socket",
    "refuses an upgrade with a plain response",
    (session) => session.webSocket("/refused").closed(),
    has(/refused 403 No Sockets no socket here/),
  ),
  scenario(
    "socket",
    "answers 500 when the handler throws before the upgrade",
    async (session) => (await session.webSocket("/fails").closed())[0]?.split(" ")[1],
    (status) => assert.equal(status, "500"),
  ),
  scenario(
    "socket",
    "shows the handler the upgrade request",
    async (session) => {
      const log = session.webSocket("/headers?q=1");
      await log.length(2);
      log.socket.close(1000);
      return log.closed();
    },
    has(/\["upgrade","websocket"\]/),
  ),
  scenario(
    "socket",
    "passes an origin's WebSocket on",
    (session) => conversation(session, "/proxied", ["through", Buffer.from([1])], [1000, "end"]),
    has(/text origin:through\nbinary 01/),
  ),
  one("socket", "talks to an origin's WebSocket", "/client-side", { body: "101 origin:from the handler" }),
  one("socket", "fails alike on a WebSocket response without an upgrade", "/echo", {
    view: "failure",
    status: 500,
  }),
];

export const socketCases: readonly Case[] = [...messages, ...closes, ...handshakes].map((of) =>
  overHttp1("WebSockets come over HTTP/1.1", of),
);
