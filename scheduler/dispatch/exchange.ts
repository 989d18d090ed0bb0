/**
 * One request and its completion. From the moment it has a thread, everything that can end it (the
 * response's end, the client's abort, the loss of the server) comes together in `#settle`, which runs once
 * and gives the thread back.
 */
import { DexterError } from "../errors.ts";
import { writeChunk } from "../http/chunked.ts";
import type { Client } from "../http/client-address.ts";
import { type ClientRequest, ONE_WRITE_BYTES, type RequestSink } from "../http/client-request.ts";
import { dateLine } from "../http/date-line.ts";
import type { RequestContext } from "../http/listener.ts";
import type { Fleet } from "../policy/fleet.ts";
import type { Ticket } from "../policy/queue.ts";
import type { Departure, Thread } from "../policy/thread.ts";
import { announcesReport, IncomingReport } from "./exception-report.ts";
import type { ExchangePorts, RequestObserver } from "./exchange-ports.ts";
import { headFor } from "./head.ts";
import { isReturned, type ResponseHead } from "./response-head.ts";
import { abandonAhead } from "./sent-ahead.ts";
import type { ConnectionLoss, ResponseSink, ThreadConnection } from "./thread-client.ts";

export class Exchange implements ResponseSink, RequestSink {
  readonly request: ClientRequest;
  readonly client: Client;
  readonly id: string;
  readonly functionName: string;
  /** By which name the fleet finds its threads: the function's, or that of its canary. */
  pool: string;
  /** It may be sent to a thread ahead of its turn. */
  repeatable: boolean;
  readonly startedAtMs = performance.now();
  readonly #ports: ExchangePorts<Exchange>;
  readonly #told: RequestObserver<Exchange>;
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
  /** When it was sent to its thread. */
  sentMs = 0;
  /** It may be what its server dies of; or it is, and this is what it is answered then. */
  isSuspect = false;
  verdict: DexterError | undefined;
  /** The servers that serve it, where those are kept apart; and those whose thread it waits for, or has. */
  apart: Fleet<Exchange> | undefined;
  fleet: Fleet<Exchange> | undefined;
  /** It is a WebSocket now. */
  isTunnel = false;
  /** It runs for the second time, because the server of the first has died. */
  again = false;
  /** How it ended, for the log. */
  outcome: "open" | "answered" | "aborted" | "lost" = "open";
  #connection: ThreadConnection | undefined;
  /** It was sent ahead of its turn; and the thread has not come to it in time. */
  #ahead = false;
  #returned = false;
  #bodyStarted = false;
  #wholeLength = 0;
  #whole = "";
  #report: IncomingReport | undefined;

  constructor(
    ports: ExchangePorts<Exchange>,
    told: RequestObserver<Exchange>,
    request: ClientRequest,
    context: RequestContext,
  ) {
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
    this.sentMs = performance.now();
    if (this.grantedAtMs === 0) this.grantedAtMs = this.sentMs;
    const client = this.#ports.clientOf(thread);
    if (client === undefined) return this.#withoutServer();
    const connection = client.connection(this.sentMs);
    this.#connection = connection;
    this.#ahead = thread.ahead > 0;
    const { method, head, body } = this.request;
    this.traceparent ||= this.#told.traceparent(head.facts.traceparent);
    const about = { upgrade: head.facts.upgrade, body: body !== "ended" };
    connection.send(method, headFor(this, this.#ahead ? thread.leaders : 0), about, this);
  }

  /** As when nobody listens at its socket. Not at once: whoever has given the thread does not expect it back yet. */
  #withoutServer(): void {
    const loss: ConnectionLoss = { error: new DexterError("SERVER_LOST"), unsent: true };
    process.nextTick(() => this.onLost(loss));
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
    this.#settle("unanswered");
  }

  // --- the response, as the connection reports it ---

  onHead(head: ResponseHead): void {
    const { status, bodyKind, contentLength } = head;
    this.firstByteAtMs = performance.now();
    if (bodyKind === "upgrade") return this.#startTunnel(head);
    this.#wholeLength = contentLength;
    if (this.#ahead && isReturned(head)) this.#returned = true;
    else if (announcesReport(head)) this.#report = new IncomingReport();
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
    if (this.#returned) return this.#placeAgain();
    this.outcome = "answered";
    if (this.#report) this.#told.renderFailure(this, this.#report.read(this.request.method));
    else this.request.end(this.#whole);
    this.#settle("answered");
  }

  /** The thread did not come to it in time, and will not. */
  #placeAgain(): void {
    this.repeatable = false;
    this.#returned = false;
    this.#giveBack("returned")();
    this.#ports.retry(this);
  }

  onLost({ error, unsent }: ConnectionLoss): void {
    this.#connection = undefined;
    if (!this.open) return;
    if (this.verdict) return this.fail(this.verdict);
    const { thread } = this;
    const mayBeDead = thread !== undefined && error.code === "SERVER_LOST";
    if (mayBeDead) this.#told.suspect(thread.server);
    if (unsent && !this.#bodyStarted) {
      this.retries++;
      // What comes of the body meanwhile is for the next thread.
      this.request.pause();
      this.#giveBack("unanswered")();
      this.#ports.retry(this);
    } else if (!mayBeDead || !this.#mayRunAgain || !this.#ports.awaitFate(this, thread.server))
      this.fail(error);
  }

  /** Whether the client has seen nothing, and the request is here as a whole. */
  get #mayRunAgain(): boolean {
    return !this.again && !this.request.headersSent && !this.#bodyStarted && this.request.body === "ended";
  }

  /** Its server is dead. */
  runAgain(): void {
    if (!this.open) return;
    this.again = true;
    this.#report = undefined;
    this.#giveBack("unanswered")();
    this.#ports.retry(this);
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
    const goesOn = isChunked ? writeChunk(socket, chunk, done) : socket.write(chunk, done);
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
    this.#settle("unanswered");
  }

  #startTunnel(head: ResponseHead): void {
    this.isTunnel = true;
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
  #giveBack(how: Departure): () => void {
    const { thread } = this;
    this.thread = undefined;
    return () => {
      if (thread) this.#ports.release(this, thread, how);
    };
  }

  #settle(how: Departure): void {
    const connection = this.#connection;
    this.#connection = undefined;
    const giveBack = this.#giveBack(how);
    if (connection && this.#ahead) abandonAhead(connection, performance.now() - this.sentMs, giveBack);
    else {
      connection?.abandon();
      giveBack();
    }
    this.#ports.forget(this);
    if (this.request.head.facts.upgrade) this.#told.sockets.left(this);
    for (const tell of this.#told.finished) tell(this);
  }
}
