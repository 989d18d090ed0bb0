/**
 * One request and its completion. From the moment it has a thread, everything that can end it (the
 * response's end, the client's abort, the loss of the server) comes together in `#settle`, which runs once
 * and gives the thread back.
 */
import type { Socket } from "node:net";
import type { Writable } from "node:stream";
import { EXCEPTION_HEADER, type ExceptionReport } from "../../runtime/protocol.ts";
import type { DexterError } from "../errors.ts";
import type { Client } from "../http/client-address.ts";
import { type ClientRequest, ONE_WRITE_BYTES, type RequestSink } from "../http/client-request.ts";
import { dateLine } from "../http/date-line.ts";
import type { RequestContext } from "../http/listener.ts";
import type { HttpProtocol } from "../http/request-head.ts";
import type { RefusalCause } from "../policy/effects.ts";
import { HELD_MS } from "../policy/pool.ts";
import type { Ticket } from "../policy/queue.ts";
import type { Thread } from "../policy/thread.ts";
import { headerJson, renderRequestHead } from "./head.ts";
import type { ResponseHead } from "./response-head.ts";
import type { ConnectionLoss, ResponseSink, ThreadClient, ThreadConnection } from "./thread-client.ts";

/** What an exchange asks of the dispatcher. */
export interface ExchangePorts {
  clientOf(thread: Thread): ThreadClient;
  /** The thread is free again. */
  release(thread: Thread, answered: boolean): void;
  /** Nothing of the request reached the thread's server: another thread may serve it. */
  retry(exchange: Exchange): void;
  /** The exchange is over, and waits for nothing. */
  forget(exchange: Exchange): void;
}

/** Who is told of requests on their way: the rest of the node. */
export interface RequestObserver {
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

/** Minimal `request.cf`: what holds without a network of data centres. */
const CF_JSON = {
  "HTTP/1.0": headerJson({ httpProtocol: "HTTP/1.0" }),
  "HTTP/1.1": headerJson({ httpProtocol: "HTTP/1.1" }),
  "HTTP/2": headerJson({ httpProtocol: "HTTP/2" }),
} as const satisfies Record<HttpProtocol, string>;

/** An exception report above this is cut off; stacks are far smaller. */
const MAX_REPORT_BYTES = 1 << 20;
const MOST_CAUSES = 10;

/** How long the client of a tunnel that the function has ended may take to close its side. */
const LINGER_MS = 1_000;

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
  #heldBack: Writable | undefined;
  #wholeLength = 0;
  #whole = "";
  #report: Buffer[] | undefined;
  #tunnel: Socket | undefined;
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
    const connection = this.#ports.clientOf(thread).connection(this.#sentMs, thread.ahead > 0);
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
    const { status, rawHeaders, bodyKind, contentLength } = head;
    this.firstByteAtMs = performance.now();
    if (bodyKind === "upgrade") return this.#startTunnel(head);
    if (status === 500 && rawHeaders.some((name, i) => i % 2 === 0 && name === EXCEPTION_HEADER)) {
      this.#report = [];
      return;
    }
    this.request.begin(status, this.#linesOf(head), bodyKind === "close" ? "chunked" : bodyKind);
    this.#wholeLength = contentLength;
  }

  onResponseBody(chunk: Buffer): boolean {
    if (!this.#report) this.responseBytes += chunk.length;
    if (this.#tunnel) {
      if (!this.#tunnel.write(chunk)) this.#holdBackFor(this.#tunnel);
      return this.#tunnel.writableLength > 0;
    }
    if (this.#report) {
      const bytes = this.#report.reduce((sum, { length }) => sum + length, chunk.length);
      if (bytes <= MAX_REPORT_BYTES) this.#report.push(Buffer.from(chunk));
    } else if (chunk.length === this.#wholeLength && chunk.length <= ONE_WRITE_BYTES) {
      this.#whole = chunk.toString("latin1");
    } else {
      if (!this.request.write(chunk)) this.#connection?.socket.pause();
      return this.request.holdsPiece;
    }
    return false;
  }

  onEnd(): void {
    this.#connection = undefined;
    if (!this.open) return;
    this.outcome = "answered";
    if (this.#tunnel) endTunnel(this.#tunnel);
    else if (this.#report) this.#told.renderFailure(this, this.#readReport(this.#report));
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
    } else if (this.#tunnel) {
      this.outcome = "lost";
      this.#tunnel.destroy();
      this.#settle();
    } else this.fail(error);
  }

  onThreadDrain(): void {
    if (this.#tunnel) this.#tunnel.resume();
    else this.request.read();
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

  /** After 101 both sides are joined: what follows is frames, which HTTP does not concern. */
  #startTunnel(head: ResponseHead): void {
    const { socket } = this.#connection!;
    const { socket: tunnel, early } = this.request.tunnel(head.status, this.#linesOf(head));
    this.#tunnel = tunnel;
    tunnel.on("data", (chunk: Buffer) => {
      this.requestBytes += chunk.length;
      if (!socket.write(chunk)) tunnel.pause();
    });
    tunnel.on("end", () => socket.end());
    tunnel.on("close", () => this.onClosed());
    if (early) {
      this.requestBytes += early.length;
      socket.write(early);
    }
    tunnel.resume();
  }

  /** A function may send a date and an id of its own. */
  #linesOf({ lines, hasDate, hasRequestId, status }: ResponseHead): string {
    const date = hasDate || status === 101 ? "" : dateLine();
    return hasRequestId ? `${lines}${date}` : `${lines}${date}X-Request-Id: ${this.id}\r\n`;
  }

  // --- the end ---

  /** The body may be long in coming; what was here already has gone out with the head. */
  onReadDone(): void {
    if (this.open) this.request.flush();
  }

  /** Lets the thread wait until the client has taken more. The connection may serve another exchange by then. */
  #holdBackFor(tunnel: Writable): void {
    if (this.#heldBack) return;
    this.#heldBack = tunnel;
    this.#connection?.socket.pause();
    tunnel.once("drain", () => {
      this.#heldBack = undefined;
      this.#connection?.socket.resume();
    });
  }

  /** @returns how to give the thread back, which is no longer the exchange's */
  #giveBack(): () => void {
    const { thread } = this;
    this.thread = undefined;
    const answered = this.outcome === "answered";
    return () => {
      if (thread) this.#ports.release(thread, answered);
    };
  }

  /** HEAD has no body to tell what was thrown. */
  #readReport(pieces: readonly Buffer[]): ExceptionReport {
    if (this.request.method !== "HEAD") return parseReport(Buffer.concat(pieces).toString("utf8"));
    return { name: "", message: "the handler threw; ask with GET to see what", stack: "" };
  }

  #settle(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    const giveBack = this.#giveBack();
    if (connection) connection.abandon(this, giveBack);
    else giveBack();
    this.#ports.forget(this);
    for (const tell of this.#told.finished) tell(this);
  }
}

/** What the client still sends is not read by anybody; it may close in its own time, within bounds. */
function endTunnel(tunnel: Socket): void {
  tunnel.removeAllListeners("data").resume().end();
  const linger = setTimeout(() => tunnel.destroy(), LINGER_MS);
  tunnel.once("close", () => clearTimeout(linger));
}

/** A function may have written what looks like the prelude's report: nothing about it is taken for granted. */
export function parseReport(text: string): ExceptionReport {
  try {
    return reportOf(JSON.parse(text), MOST_CAUSES);
  } catch {
    return { name: "Error", message: "the exception could not be read", stack: "" };
  }
}

function reportOf(value: unknown, causes: number): ExceptionReport {
  const { name, message, stack, cause } = Object(value) as Record<string, unknown>;
  const text = (part: unknown) => (typeof part === "string" ? part : "");
  return {
    name: text(name),
    message: text(message),
    stack: text(stack),
    ...(cause && causes > 0 ? { cause: reportOf(cause, causes - 1) } : {}),
  };
}
