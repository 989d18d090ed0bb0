/** A request that came over HTTP/2: one stream of a connection that carries many at the same time. */
import assert from "node:assert/strict";
import type { OutgoingHttpHeaders } from "node:http";
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { Backlog, noteStalled } from "./backlog.ts";
import {
  type AnswerBody,
  answerWhole,
  type ClientRequest,
  COPIED_BYTES,
  ONE_WRITE_BYTES,
  type RequestBody,
  type RequestSink,
} from "./client-request.ts";
import type { Clients } from "./clients.ts";
import { http2Headers, joinedHeaders } from "./http2-head.ts";
import type { RequestHead } from "./request-head.ts";

/** What a request knows of its connection. */
interface Http2RequestConnection {
  readonly peer: string | undefined;
  readonly clients: Clients;
  /** Once: the answer is whole, or will never be. */
  onAnswered(): void;
}

export class Http2Request implements ClientRequest {
  readonly head: RequestHead;
  readonly peer: string | undefined;
  /** The library has what is not read yet. */
  readonly waitingBytes = 0;
  readonly scheme = "https";
  sink: RequestSink | undefined;
  mostBytes = Number.POSITIVE_INFINITY;
  /** Of the body, so far. */
  receivedBytes = 0;
  /** The stream was closed before the answer was whole. */
  isGivenUp = false;
  status = 0;
  headersSent = false;
  readonly #stream: ServerHttp2Stream;
  readonly #connection: Http2RequestConnection;
  #body: RequestBody;
  #unsent: OutgoingHttpHeaders | undefined;
  #answered = false;
  #closed = false;
  #copied = false;
  readonly #backlog: Backlog;
  #givenBytes = 0;

  constructor(stream: ServerHttp2Stream, head: RequestHead, connection: Http2RequestConnection) {
    this.#stream = stream;
    this.head = head;
    this.#connection = connection;
    this.peer = connection.peer;
    const { framing } = head.facts;
    this.#body = framing === "none" || framing === 0 ? "ended" : "unread";
    this.#backlog = new Backlog(connection.clients, () => this.sink?.onDrain());
    // One piece after the other: of several in one write nobody could tell whether the client takes any.
    (stream as { _writev?: unknown })._writev = undefined;
    stream.on("drain", () => {
      if (this.#backlog.drained()) this.sink?.onDrain();
    });
    stream.on("aborted", () => this.#onClosed());
    stream.on("close", () => this.#onClosed());
    // Its end may come in a frame of its own.
    if (this.#body === "ended") stream.resume();
  }

  get method(): string {
    return this.head.block.method;
  }

  get body(): RequestBody {
    return this.#body;
  }

  read(): void {
    if (this.#body === "ended" || this.#answered) return;
    const isFirst = this.#body === "unread";
    this.#body = "wanted";
    if (!isFirst) return void this.#stream.resume();
    this.#sayContinue();
    this.#stream.on("data", this.#onData);
    this.#stream.on("end", this.#onEnd);
  }

  pause(): void {
    if (this.#body !== "wanted") return;
    this.#body = "held";
    this.#stream.pause();
  }

  begin(status: number, lines: string, _body: AnswerBody): void {
    this.status = status;
    this.#unsent = http2Headers(status, lines);
  }

  flush(): void {
    if (this.#unsent) this.#respond(false);
  }

  /** The library holds what it was given until the system has taken it. */
  get holdsPiece(): boolean {
    return !this.#copied && this.#stream.writableLength > 0;
  }

  write(chunk: Buffer): boolean {
    if (this.#closed) return true;
    this.flush();
    const isBehind = this.#stream.writableLength > 0;
    this.#copied = chunk.length <= (isBehind ? COPIED_BYTES : ONE_WRITE_BYTES);
    this.#givenBytes += chunk.length;
    const goesOn = this.#stream.write(this.#copied ? Buffer.from(chunk) : chunk);
    return goesOn || this.#backlog.takesMore(this.#stream.writableLength);
  }

  end(last = ""): void {
    if (this.#answered || this.#closed) return;
    this.#answered = true;
    this.#backlog.release();
    this.#connection.onAnswered();
    if (this.#unsent && last === "") this.#respond(true);
    else {
      this.flush();
      this.#givenBytes += last.length;
      this.#stream.end(last, "latin1");
    }
    if (this.#body !== "ended") this.#endReading();
  }

  answer(status: number, headers: string, body: string): void {
    answerWhole(this, status, headers, body);
  }

  /** Once a second, until the stream is closed. @returns whether its client takes something of what waits for it */
  checkTime(nowMs: number): boolean {
    if (!this.#closed) this.sink?.checkTime?.(nowMs);
    const { writableLength } = this.#stream;
    if (writableLength === 0 || this.#stream.destroyed) return false;
    const stalledMs = this.#backlog.tooLongMs(nowMs, writableLength, this.#givenBytes - writableLength);
    if (stalledMs === 0) return this.#backlog.isMoving(nowMs);
    const { path } = this.head.facts;
    noteStalled(this.#connection.clients, { client: this.peer ?? "", path }, stalledMs);
    this.destroy();
    return false;
  }

  /** Only requests whose facts have `upgrade` may be answered with 101, and HTTP/2 has no such thing. */
  tunnel(): { readonly socket: Socket; readonly early: Buffer | undefined } {
    assert.fail("HTTP/2 has no upgrade");
  }

  /** With an error: `close` would end the body properly before it resets the stream. */
  destroy(): void {
    this.#stream.destroy(new Error("the answer was cut off"));
  }

  #respond(endStream: boolean): void {
    const headers = this.#unsent!;
    this.#unsent = undefined;
    this.headersSent = true;
    if (this.#stream.destroyed || this.#stream.closed) return;
    try {
      this.#stream.respond(headers, { endStream });
    } catch {
      // The library takes some headers only once, which a function may have sent in several lines.
      this.#stream.respond(joinedHeaders(headers), { endStream });
    }
  }

  /** A client that asked waits for this before it sends the body (RFC 9110 §10.1.1). */
  #sayContinue(): void {
    if (this.head.facts.expectContinue && this.status === 0 && !this.#stream.closed)
      this.#stream.additionalHeaders({ ":status": 100 });
  }

  readonly #onData = (chunk: Buffer): void => {
    this.receivedBytes += chunk.length;
    this.sink?.onBody(chunk);
  };

  readonly #onEnd = (): void => {
    if (this.#closed) return;
    this.#body = "ended";
    this.sink?.onBodyEnd();
  };

  /** Nobody wants what is left of the body: the client is told not to send it (RFC 9113 §8.1). */
  #endReading(): void {
    this.#stream.off("data", this.#onData).off("end", this.#onEnd).resume();
    this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  #onClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#backlog.close();
    if (this.#answered) return;
    this.isGivenUp = true;
    this.#connection.onAnswered();
    this.sink?.onClosed();
  }
}
