/**
 * HTTP/1.1 with one client: takes the connection's bytes apart into requests, one after the other, and sees
 * to its life. A request that comes while another is in progress waits here, as bytes.
 */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { Backlog, noteStalled, outflowOf } from "./backlog.ts";
import { type ChunkError, ChunkedDecoder } from "./chunked.ts";
import type { Scheme } from "./client-address.ts";
import { ClientReader } from "./client-reader.ts";
import {
  CLOSING_MS,
  type ClientConnection,
  type ConnectionOwner,
  KEEP_ALIVE_MS,
  LINGER_MS,
} from "./connection.ts";
import { Http1Request, type RequestConnection } from "./http1-request.ts";
import { type RequestHead, RequestHeadReader } from "./request-head.ts";
import { ALLOWED_METHODS, type Refusal } from "./vet.ts";

/** How long a client may take over a request's head. */
const HEAD_MS = 60_000;
/**
 * Most bytes of a body that nobody reads yet, or of further requests, before no more is read. A head and so much is
 * less than one read can bring: then the rest of a long body stays where it is, instead of being put together here.
 */
const MAX_WAITING = 49_152;

type Stage = "head" | "request" | "closing" | "tunnel";

export class Http1Connection implements ClientConnection, RequestConnection {
  readonly socket: Socket;
  readonly scheme: Scheme;
  readonly #owner: ConnectionOwner;
  readonly #reader: ClientReader;
  readonly #heads = new RequestHeadReader();
  #stage: Stage = "head";
  #request: Http1Request | undefined;
  /** What has come and was not read yet. */
  #waiting: Buffer | undefined;
  /** How much of `#waiting` is known to hold no whole head. */
  #looked = 0;
  /** Bytes left of a body with a length. */
  #left = 0;
  #chunked: ChunkedDecoder | undefined;
  readonly #backlog: Backlog;
  #sinceMs: number;

  /** @param accepted by a server with `pauseOnConnect`, or an encrypted connection */
  constructor(accepted: Socket, owner: ConnectionOwner, scheme: Scheme = "http") {
    this.scheme = scheme;
    this.#owner = owner;
    this.#sinceMs = owner.nowMs;
    this.#backlog = new Backlog(owner.clients, () => this.#request?.sink?.onDrain());
    this.#reader = new ClientReader(accepted, {
      onChunk: this.#onData,
      inBody: () => this.#request !== undefined && this.#request.body !== "ended",
      onFallback: owner.onFallback,
    });
    const { socket } = this.#reader;
    this.socket = socket;
    socket.on("end", this.#onEnd);
    socket.on("drain", this.#onDrain);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#closed());
  }

  get persistent(): boolean {
    return !this.#owner.closing;
  }

  closeIfIdle(): void {
    if (this.#stage === "head" && this.#waiting === undefined) this.#end("");
  }

  get idleSinceMs(): number | undefined {
    const isIdle = this.#stage === "head" && this.#waiting === undefined && this.socket.writableLength === 0;
    return isIdle ? this.#sinceMs : undefined;
  }

  checkTime(nowMs: number): void {
    this.#request?.sink?.checkTime?.(nowMs);
    if (this.socket.writableLength > 0 && !this.#checkTaking(nowMs)) return;
    const waitedMs = nowMs - this.#sinceMs;
    if (this.#stage === "closing" && waitedMs > CLOSING_MS) this.socket.destroy();
    if (this.#stage !== "head") return;
    if (this.#waiting && waitedMs > HEAD_MS)
      this.#refuse({ status: 408, reason: "the request's head did not come in time" });
    else if (!this.#waiting && waitedMs > KEEP_ALIVE_MS) this.#end("");
  }

  /** @returns false when the client has taken nothing of what waits for it for so long that it was cut off */
  #checkTaking(nowMs: number): boolean {
    const { taken, waiting } = outflowOf(this.socket);
    const stalledMs = this.#backlog.tooLongMs(nowMs, waiting, taken);
    if (stalledMs > 0) {
      const path = this.#request?.head.facts.path;
      const details = { client: this.socket.remoteAddress ?? "", ...(path === undefined ? {} : { path }) };
      noteStalled(this.#owner.clients, details, stalledMs);
      this.socket.destroy();
      return false;
    }
    // A connection over which something leaves is not idle.
    if (this.#backlog.isMoving(nowMs)) this.#sinceMs = nowMs;
    return true;
  }

  get waitingBytes(): number {
    return this.#waiting?.length ?? 0;
  }

  takesMore(): boolean {
    return this.#backlog.takesMore(this.socket.writableLength);
  }

  // --- what comes in ---

  readonly #onData = (chunk: Buffer): void => {
    if (this.#stage === "closing") return;
    if (this.#waiting === undefined) {
      this.#waiting = chunk;
      if (this.#stage === "head") this.#sinceMs = this.#owner.nowMs;
    } else this.#waiting = Buffer.concat([this.#waiting, chunk]);
    if (this.#stage === "head") this.#readHead();
    else this.readBody();
    this.#waiting = this.#reader.keep(this.#waiting);
    this.#regulate();
  };

  /** A client that closes its side while its request is in progress counts as gone: almost all such are. */
  readonly #onEnd = (): void => {
    if (this.#stage === "request") this.socket.destroy();
    else this.socket.end();
  };

  readonly #onDrain = (): void => {
    if (this.#backlog.drained()) this.#request?.sink?.onDrain();
  };

  #readHead(): void {
    if (this.#stage !== "head" || this.#waiting === undefined) return;
    const bytes = this.#waiting;
    const result = this.#heads.read(bytes, this.#looked);
    if (result === undefined) {
      this.#looked = bytes.length;
      // A line break after a body, which some clients send, begins no request.
      if (bytes.length === 2 && bytes[0] === 13 && bytes[1] === 10) this.#waiting = undefined;
      return;
    }
    this.#looked = 0;
    if ("refusal" in result) return this.#refuse(result.refusal);
    this.#waiting = result.next < bytes.length ? bytes.subarray(result.next) : undefined;
    const { head } = result;
    if (head.facts.refusal) return this.#refuse(head.facts.refusal, head);
    this.#stage = "request";
    const request = new Http1Request(this, head);
    this.#request = request;
    if (typeof head.facts.framing === "number") this.#left = head.facts.framing;
    else if (head.facts.framing === "chunked") {
      this.#chunked ??= new ChunkedDecoder();
      this.#chunked.reset();
    }
    this.#owner.onRequest(request);
  }

  // --- a request in progress ---

  readBody(): void {
    const request = this.#request;
    if (request?.body === "wanted" && this.#waiting === undefined) request.sayContinue();
    while (request?.body === "wanted" && request === this.#request && this.#waiting) {
      if (request.head.facts.framing === "chunked") this.#readChunk(request, this.#waiting);
      else this.#readPiece(request, this.#waiting);
    }
    this.#regulate();
  }

  #readPiece(request: Http1Request, bytes: Buffer): void {
    const whole = bytes.length <= this.#left;
    const piece = whole ? bytes : bytes.subarray(0, this.#left);
    this.#waiting = whole ? undefined : bytes.subarray(this.#left);
    this.#left -= piece.length;
    this.#reader.pass(piece, (bytes, done) => request.take(bytes, this.#left === 0, done));
  }

  #readChunk(request: Http1Request, bytes: Buffer): void {
    const decoder = this.#chunked!;
    let next: number;
    try {
      next = decoder.read(bytes, 0);
    } catch (error) {
      return this.#failBody(request, (error as ChunkError).message);
    }
    this.#waiting = next < bytes.length ? bytes.subarray(next) : undefined;
    if (decoder.announced > request.mostBytes) return request.sink?.onTooLong?.();
    const { data } = decoder;
    if (data) this.#reader.pass(data, (piece, done) => request.take(piece, decoder.done, done));
    else request.take(undefined, decoder.done);
  }

  /** Nobody knows where the body ends, and so the next request begins. */
  #failBody(request: Http1Request, reason: string): void {
    if (request.headersSent) {
      this.#stage = "closing";
      this.#waiting = undefined;
      this.#request = undefined;
      request.sink?.onClosed();
      return void this.socket.destroy();
    }
    // Whoever serves the request tells of it.
    request.status = 400;
    this.#answer({ status: 400, reason: `the request's body is malformed: ${reason}` });
    request.sink?.onClosed();
  }

  /** Reads on or not, as far as somebody takes what comes. */
  #regulate(): void {
    const hold = this.#request?.body === "held" || (this.#waiting?.length ?? 0) > MAX_WAITING;
    if (hold === this.socket.isPaused()) return;
    if (hold) this.socket.pause();
    else this.socket.resume();
  }

  answered(): void {
    const request = this.#request!;
    this.#request = undefined;
    this.#backlog.release();
    // What is left of a body that nobody wants any more would be taken for a request.
    if (!request.persistent || request.body !== "ended" || this.#owner.closing) return this.#end("");
    this.#stage = "head";
    this.#sinceMs = this.#owner.nowMs;
    if (this.#waiting === undefined) return;
    this.#regulate();
    process.nextTick(() => this.#readHead());
  }

  release(): Buffer | undefined {
    this.#stage = "tunnel";
    this.#request = undefined;
    this.#reader.release();
    this.socket.off("end", this.#onEnd).off("drain", this.#onDrain);
    const early = this.#waiting;
    this.#waiting = undefined;
    return early;
  }

  // --- the end ---

  #refuse(refusal: Refusal, head?: RequestHead): void {
    const responseBytes = this.#answer(refusal);
    const peer = this.socket.remoteAddress;
    this.#owner.onRefused({ status: refusal.status, peer, head, responseBytes });
  }

  /** @returns the length of the answer's body */
  #answer({ status, reason }: Refusal): number {
    const allow = status === 405 ? `Allow: ${ALLOWED_METHODS}\r\n` : "";
    const body = Buffer.from(`${status} ${reason}\n`);
    this.#end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: text/plain; charset=utf-8\r\n${allow}` +
        `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    return body.length;
  }

  /** Sends the rest, and closes once the client has had the time to read it. */
  #end(last: string): void {
    this.#stage = "closing";
    this.#sinceMs = this.#owner.nowMs;
    this.#waiting = undefined;
    this.#request = undefined;
    this.socket.end(last, "utf8", () => {
      const linger = setTimeout(() => this.socket.destroy(), LINGER_MS);
      this.socket.once("close", () => clearTimeout(linger));
    });
    if (this.socket.isPaused()) this.socket.resume();
  }

  #closed(): void {
    const request = this.#request;
    this.#request = undefined;
    this.#stage = "closing";
    this.#waiting = undefined;
    this.#backlog.close();
    request?.sink?.onClosed();
  }
}
