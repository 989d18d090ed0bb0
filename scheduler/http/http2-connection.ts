/**
 * HTTP/2 with one client, by way of Node's own implementation: each stream becomes a request. WebSockets come over
 * connections of their own: `SETTINGS_ENABLE_CONNECT_PROTOCOL` (RFC 8441) is not sent, so no client asks for them here.
 */
import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { TLSSocket } from "node:tls";
import {
  CLOSING_MS,
  type ClientConnection,
  type ConnectionOwner,
  KEEP_ALIVE_MS,
  LINGER_MS,
} from "./connection.ts";
import { Http2HeadReader } from "./http2-head.ts";
import { Http2Request } from "./http2-request.ts";
import { Http2Watch } from "./http2-watch.ts";
import type { RequestHead } from "./request-head.ts";
import { ALLOWED_METHODS, MAX_HEADERS, type Refusal } from "./vet.ts";

/** Most bytes of a body that nobody reads yet. */
const STREAM_WINDOW = 524_288;
/** Most bytes on their way to the listener, of all bodies of a connection. */
const CONNECTION_WINDOW = 1_048_576;

/** After so long without a byte of its client a connection with requests in progress is asked whether it is alive. */
const SILENT_MS = 10_000;

const SETTINGS = {
  settings: {
    initialWindowSize: STREAM_WINDOW,
    // Beyond the limit of a head, so that a client that crosses that gets an answer.
    maxHeaderListSize: 65_536,
    enablePush: false,
  },
  maxHeaderListPairs: MAX_HEADERS + 100,
  // A function's answer may have more headers than the library takes by itself, and ends the connection for.
  maxSendHeaderBlockLength: 1 << 20,
  // In MB: every stream may have its window's worth waiting.
  maxSessionMemory: 64,
};

export class Http2Connection implements ClientConnection {
  readonly socket: TLSSocket;
  readonly #session: ServerHttp2Session;
  readonly #owner: ConnectionOwner;
  readonly #heads = new Http2HeadReader();
  readonly #peer: string | undefined;
  readonly #watch: Http2Watch;
  /** Also those that are answered, and whose client has not taken all of it. */
  readonly #requests = new Set<Http2Request>();
  #streams = 0;
  /** All that there have been, and the bodies of those that are over. */
  #begun = 0;
  #bodyBytes = 0;
  /** Requests without a whole answer. */
  #unanswered = 0;
  #sinceMs: number;
  /** Bytes that have come, and when there were last more than before. */
  #heard = { bytes: 0, atMs: 0 };
  #asked = false;
  #linger: NodeJS.Timeout | undefined;

  constructor(socket: TLSSocket, owner: ConnectionOwner) {
    this.socket = socket;
    this.#owner = owner;
    this.#peer = socket.remoteAddress;
    this.#sinceMs = owner.nowMs;
    this.#heard.atMs = owner.nowMs;
    // A client that closes its side sends no more frames, of which even reading an answer takes some.
    socket.allowHalfOpen = false;
    socket.on("error", () => socket.destroy());
    socket.on("close", () => clearTimeout(this.#linger));
    const { maxStreams } = owner.clients.limits;
    const settings = { ...SETTINGS.settings, maxConcurrentStreams: maxStreams };
    this.#session = performServerHandshake(socket, { ...SETTINGS, settings });
    this.#watch = new Http2Watch(socket, this.#session);
    this.#session.setLocalWindowSize(CONNECTION_WINDOW);
    this.#session.on("error", () => socket.destroy());
    this.#session.on("stream", this.#onStream);
  }

  /** Tells the client to send no more requests here. Those in progress go on, and the last one ends the session. */
  closeIfIdle(): void {
    if (!this.#session.closed) this.#session.close();
    if (this.#streams === 0) this.#lingerOn();
  }

  get idleSinceMs(): number | undefined {
    return this.#streams === 0 ? this.#sinceMs : undefined;
  }

  /** Answers that their client does not take keep no connection open. */
  checkTime(nowMs: number): void {
    let bodyBytes = this.#bodyBytes;
    for (const request of this.#requests) {
      // A connection over which something leaves is not idle.
      if (request.checkTime(nowMs)) this.#sinceMs = nowMs;
      bodyBytes += request.receivedBytes;
    }
    if (this.#watch.isUseless({ streams: this.#begun, bodyBytes, open: this.#streams }))
      return this.#endFlood();
    if (this.#unanswered > 0) return this.#checkLife(nowMs);
    const waitedMs = nowMs - this.#sinceMs;
    if (waitedMs > KEEP_ALIVE_MS) this.closeIfIdle();
    if (waitedMs > KEEP_ALIVE_MS + CLOSING_MS) this.socket.destroy();
  }

  /**
   * A client may vanish without a word. And the library may cease to read from a connection that its client has reset
   * while something was being written: then nobody is told that the requests have been given up.
   */
  #checkLife(nowMs: number): void {
    const { bytesRead } = this.socket;
    if (bytesRead !== this.#heard.bytes) {
      this.#heard = { bytes: bytesRead, atMs: nowMs };
      this.#asked = false;
    }
    const silentMs = nowMs - this.#heard.atMs;
    if (this.#asked && silentMs > 2 * SILENT_MS) return void this.socket.destroy();
    if (this.#asked || silentMs <= SILENT_MS || this.#session.destroyed) return;
    this.#asked = true;
    this.#session.ping(() => {});
  }

  /** The types of the library do not tell of the headers as they came, in their order. */
  readonly #onStream = (
    stream: ServerHttp2Stream,
    _: IncomingHttpHeaders,
    flags: number,
    raw = [] as string[],
  ) => {
    this.#streams++;
    this.#begun++;
    // What matters of it is that the stream is closed.
    stream.on("error", () => {});
    stream.on("close", () => this.#onStreamClosed());
    // The client has given it up by now.
    if (stream.destroyed) return this.#countGivenUp();
    const result = this.#heads.read(raw, (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0);
    if ("refusal" in result) return this.#refuse(stream, result.refusal, raw);
    const { head } = result;
    if (head.facts.refusal) return this.#refuse(stream, head.facts.refusal, raw, head);
    this.#unanswered++;
    const { clients } = this.#owner;
    const request = new Http2Request(stream, head, {
      peer: this.#peer,
      clients,
      onAnswered: this.#onAnswered,
    });
    this.#requests.add(request);
    stream.on("close", () => {
      this.#requests.delete(request);
      this.#bodyBytes += request.receivedBytes;
      if (request.isGivenUp) this.#countGivenUp();
    });
    this.#owner.onRequest(request);
  };

  #countGivenUp(): void {
    if (this.#watch.givesUpTooMuch()) this.#endFlood();
  }

  #endFlood(): void {
    const what = "a connection over HTTP/2 was closed: its client broke the protocol, or flooded it";
    this.#owner.clients.note("http2_abuse", { client: this.#peer ?? "" }, what);
    if (!this.#session.destroyed) this.#session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.socket.destroy();
  }

  #refuse(stream: ServerHttp2Stream, refusal: Refusal, raw: readonly string[], head?: RequestHead): void {
    const responseBytes = answerRefusal(stream, refusal, raw);
    this.#owner.onRefused({ status: refusal.status, peer: this.#peer, head, responseBytes });
  }

  readonly #onAnswered = (): void => {
    this.#unanswered--;
    this.#sinceMs = this.#owner.nowMs;
  };

  #onStreamClosed(): void {
    this.#streams--;
    if (this.#streams === 0 && this.#session.closed) this.#lingerOn();
  }

  /** The session ends its side after the last stream; a client that does not close its side is not waited for. */
  #lingerOn(): void {
    this.#linger ??= setTimeout(() => this.socket.destroy(), LINGER_MS);
  }
}

/** @returns the length of the answer's body */
function answerRefusal(
  stream: ServerHttp2Stream,
  { status, reason }: Refusal,
  raw: readonly string[],
): number {
  const body = Buffer.from(`${status} ${reason}\n`);
  stream.respond({
    ":status": status,
    "content-type": "text/plain; charset=utf-8",
    ...(status === 405 ? { allow: ALLOWED_METHODS } : {}),
    "content-length": body.length,
  });
  stream.end(raw[raw.indexOf(":method") + 1] === "HEAD" ? undefined : body);
  stream.resume();
  stream.close(constants.NGHTTP2_NO_ERROR);
  return body.length;
}
