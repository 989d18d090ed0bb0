/**
 * One request and its completion. From the moment it has a thread, everything that can end it (the
 * response's end, the client's abort, the loss of the server) comes together in `#settle`, which runs once
 * and gives the thread back.
 */
import type { ExceptionReport } from "../../runtime/protocol.ts";
import { DexterError } from "../errors.ts";
import type { Client } from "../http/client-address.ts";
import { type ClientRequest, ONE_WRITE_BYTES, type RequestSink } from "../http/client-request.ts";
import { dateLine } from "../http/date-line.ts";
import type { RequestContext } from "../http/listener.ts";
import type { RefusalCause } from "../policy/effects.ts";
import { HELD_MS } from "../policy/pool.ts";
import type { Ticket } from "../policy/queue.ts";
import type { Thread } from "../policy/thread.ts";
import { announcesReport, IncomingReport } from "./exception-report.ts";
import { CF_JSON, renderRequestHead } from "./head.ts";
import type { ResponseHead } from "./response-head.ts";
import type { Sockets } from "./sockets.ts";
import type { ConnectionLoss, ResponseSink, ThreadClient, ThreadConnection } from "./thread-client.ts";

/** What an exchange asks of the dispatcher. */
export interface ExchangePorts {
  /** Undefined when the thread's server is gone. */
  clientOf(thread: Thread): ThreadClient | undefined;
  /** The thread is free again. */
  release(thread: Thread, answered: boolean, client: string): void;
  /** Nothing of the request reached the thread's server: another thread may serve it. */
  retry(exchange: Exchange): void;
  /** The exchange is over, and waits for nothing. */
  forget(exchange: Exchange): void;
}

/** Who is told of requests on their way: the rest of the node. */
export interface RequestObserver {
  readonly sockets: Pick<Sockets, "admit" | "join" | "left">;
  /** The traceparent that the function gets. @param given the client's, if it is valid */
  traceparent(given: string | undefined): string;
  /** A waiting request gets no thread. */
  refused(exchange: Exchange, why: RefusalCause): void;
  /** The connection to a thread of the server with this key was lost: it may be dying. */
  suspect(serverKey: number): void;
  /** Write an answer for a failure that is dexter's or the function's. */
  renderFailure(exchange: Exchange, failure: DexterError | ExceptionReport): void;
  /** The exchange is over: for logs and counters, each in its turn. */
  readonly finished: readonly ((exchange: Exchange) => void)[];
}

export class Exchange implements ResponseSink, RequestSink {
  readonly request: ClientRequest;
  readonly client: Client;
  readonly id: string;
  readonly functionName: string;
  /** By which name the fleet finds its threads: the function's, or that of its canary. */
  pool: string;
  /** Sending it twice does no harm, as long as no thread has begun it. */
  readonly repeatable: boolean;
  readonly startedAtMs = performance.now();
  readonly #ports: ExchangePorts;
  readonly #told: RequestObserver;
  ticket: Ticket<Exchange> | undefined;
  thread: Thread | undefined;
  /** Who got it last, also when it is over. */
  servedBy: Thread | undefined;
  /** When it first got a thread; 0 as long as it has not. */
  grantedAtMs = 0;
  /** When the head of the response came; 0 as long as it has not. */
  firstByteAtMs = 0;
  /** Its function had no thread when it came. */
  cold = false;
  traceparent = "";
  /** Of the bodies, or both ways of a tunnel. */
  requestBytes = 0;
  responseBytes = 0;
  /** Attempts that ended before anything was sent. */
  retries = 0;
  /** How it ended, for the log. */
  outcome: "open" | "answered" | "aborted" | "lost" = "open";
  #connection: ThreadConnection | undefined;
  #bodyStarted = false;
  #wholeLength = 0;
  #whole = "";
  #report: IncomingReport | undefined;
  #sentMs = 0;

  constructor(ports: ExchangePorts, told: RequestObserver, request: ClientRequest, context: RequestContext) {
    this.#ports = ports;
    this.#told = told;
    this.request = request;
    this.client = context.client;
    this.id = context.id;
    this.functionName = context.functionName;
    this.pool = context.pool ?? context.functionName;
    const { method } = request;
    const { upgrade } = request.head.facts;
    this.repeatable = (method === "GET" || method === "HEAD") && request.body === "ended" && !upgrade;
    request.sink = this;
  }

  get open(): boolean {
    return this.outcome === "open";
  }

  /** Forwards the request to the thread, which has been taken for it. */
  start(thread: Thread): void {
    this.thread = thread;
    this.servedBy = thread;
    this.ticket = undefined;
    this.#sentMs = performance.now();
    if (this.grantedAtMs === 0) this.grantedAtMs = this.#sentMs;
    const client = this.#ports.clientOf(thread);
    if (client === undefined) return this.#withoutServer();
    const connection = client.connection(this.#sentMs, thread.ahead > 0);
    this.#connection = connection;
    const { method, head } = this.request;
    const { facts, block } = head;
    this.traceparent ||= this.#told.traceparent(facts.traceparent);
    const text = renderRequestHead({
      method,
      facts,
      forwarded: block.forwarded(this.client.trusted),
      client: this.client,
      requestId: this.id,
      traceparent: this.traceparent,
      cfJson: CF_JSON[block.protocol],
    });
    const body = this.request.body !== "ended";
    connection.send(method, text, { upgrade: facts.upgrade, body }, this);
  }

  /** As when nobody listens at its socket. Not at once: whoever has given the thread does not expect it back yet. */
  #withoutServer(): void {
    const loss: ConnectionLoss = { error: new DexterError("SERVER_LOST"), unsent: true, ahead: false };
    process.nextTick(() => this.onLost(loss));
  }

  /**
   * Takes the request back from a thread that does not come to it: the one before it takes long after all.
   * @returns whether it is to be placed again
   */
  recall(nowMs: number): boolean {
    const connection = this.#connection;
    if (!connection || nowMs - this.#sentMs < HELD_MS || !connection.isAhead(this)) return false;
    this.#connection = undefined;
    connection.abandon(this, this.#giveBack());
    return true;
  }

  /** Ends the exchange with an error of dexter's own. */
  fail(error: DexterError): void {
    if (!this.open) return;
    if (this.request.headersSent) {
      this.outcome = "lost";
      this.request.destroy();
    } else {
      this.outcome = "answered";
      this.#told.renderFailure(this, error);
    }
    this.#settle();
  }

  // --- the response, as the connection reports it ---

  onHead(head: ResponseHead): void {
    const { status, bodyKind, contentLength } = head;
    this.firstByteAtMs = performance.now();
    if (bodyKind === "upgrade") return this.#startTunnel(head);
    this.#wholeLength = contentLength;
    if (announcesReport(head)) this.#report = new IncomingReport();
    else this.request.begin(status, this.#linesOf(head), bodyKind === "close" ? "chunked" : bodyKind);
  }

  onResponseBody(chunk: Buffer): boolean {
    if (this.#report) return this.#report.add(chunk);
    this.responseBytes += chunk.length;
    if (chunk.length === this.#wholeLength && chunk.length <= ONE_WRITE_BYTES) {
      this.#whole = chunk.toString("latin1");
      return false;
    }
    if (!this.request.write(chunk)) this.#connection?.socket.pause();
    return this.request.holdsPiece;
  }

  /** The body may be long in coming; what was here already has gone out with the head. */
  onReadDone(): void {
    if (this.open) this.request.flush();
  }

  onEnd(): void {
    this.#connection = undefined;
    if (!this.open) return;
    this.outcome = "answered";
    if (this.#report) this.#told.renderFailure(this, this.#report.read(this.request.method));
    else this.request.end(this.#whole);
    this.#settle();
  }

  onLost({ error, unsent, ahead }: ConnectionLoss): void {
    this.#connection = undefined;
    if (!this.open) return;
    if (!ahead && error.code === "SERVER_LOST" && this.thread) this.#told.suspect(this.thread.server);
    if (unsent && !this.#bodyStarted) {
      if (!ahead) this.retries++;
      // What comes of the body meanwhile is for the next thread.
      this.request.pause();
      this.#giveBack()();
      this.#ports.retry(this);
    } else this.fail(error);
  }

  onThreadDrain(): void {
    this.request.read();
  }

  // --- the request's body ---

  /** Not before the head was taken: what has been read from the client cannot be sent to another thread. */
  onSent(): void {
    this.request.read();
  }

  onBody(chunk: Buffer, done?: () => void): boolean {
    this.#bodyStarted = true;
    this.requestBytes += chunk.length;
    const socket = this.#connection?.socket;
    if (socket === undefined) {
      done?.();
      return false;
    }
    const isChunked = this.request.head.facts.framing === "chunked";
    if (isChunked) {
      socket.cork();
      socket.write(`${chunk.length.toString(16)}\r\n`, "latin1");
    }
    let goesOn = socket.write(chunk, done);
    if (isChunked) {
      goesOn = socket.write("\r\n", "latin1");
      socket.uncork();
    }
    const isWritten = socket.writableLength === 0;
    if (!goesOn && !isWritten) this.request.pause();
    return !isWritten;
  }

  onBodyEnd(): void {
    this.#bodyStarted = true;
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.sending = false;
    if (this.request.head.facts.framing === "chunked") connection.socket.write("0\r\n\r\n", "latin1");
  }

  // --- the way back to the client ---

  onDrain(): void {
    this.#connection?.socket.resume();
  }

  /** The client's connection is over. After a whole answer that is ordinary; before, it aborts the request. */
  onClosed(): void {
    if (!this.open) return;
    this.outcome = "aborted";
    this.#settle();
  }

  #startTunnel(head: ResponseHead): void {
    const connection = this.#connection!;
    const client = this.request.tunnel(head.status, this.#linesOf(head));
    connection.handOver(this.#told.sockets.join(this, connection.socket, client, head.lines));
  }

  /** A function may send a date and an id of its own. */
  #linesOf({ lines, hasDate, hasRequestId, status }: ResponseHead): string {
    const date = hasDate || status === 101 ? "" : dateLine();
    return hasRequestId ? `${lines}${date}` : `${lines}${date}X-Request-Id: ${this.id}\r\n`;
  }

  // --- the end ---

  /** @returns how to give the thread back, which is no longer the exchange's */
  #giveBack(): () => void {
    const { thread } = this;
    this.thread = undefined;
    const answered = this.outcome === "answered";
    return () => {
      if (thread) this.#ports.release(thread, answered, this.client.ip);
    };
  }

  #settle(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    const giveBack = this.#giveBack();
    if (connection) connection.abandon(this, giveBack);
    else giveBack();
    this.#ports.forget(this);
    if (this.request.head.facts.upgrade) this.#told.sockets.left(this);
    for (const tell of this.#told.finished) tell(this);
  }
}
