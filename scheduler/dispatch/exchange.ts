/**
 * One request and its completion. From the moment it has a thread, everything that can end it (the
 * response's end, the client's abort, the loss of the server) comes together in `#settle`, which runs once
 * and gives the thread back.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex, Writable } from "node:stream";
import { EXCEPTION_HEADER, type ExceptionReport, REQUEST_ID_HEADER } from "../../runtime/protocol.ts";
import type { DexterError } from "../errors.ts";
import type { Client } from "../http/client-address.ts";
import { headerJson, renderRequestHead } from "../http/head.ts";
import type { BodyKind } from "../http/response-parser.ts";
import type { RequestFacts } from "../http/vet.ts";
import type { Ticket } from "../policy/queue.ts";
import type { Thread } from "../policy/thread.ts";
import type { ConnectionLoss, ResponseSink, ThreadClient, ThreadConnection } from "./thread-client.ts";

/** What an exchange asks of the dispatcher. */
export interface ExchangePorts {
  clientOf(thread: Thread): ThreadClient;
  /** The thread is free again. */
  release(thread: Thread): void;
  /** Nothing of the request reached the thread's server: another thread may serve it. */
  retry(exchange: Exchange): void;
  /** Write an answer for a failure that is dexter's or the function's. */
  renderFailure(exchange: Exchange, failure: DexterError | ExceptionReport): void;
  /** The exchange is over, for logs and counters. */
  finished(exchange: Exchange): void;
}

/** Minimal `request.cf`: what holds without a network of data centres. */
const CF_JSON: Readonly<Record<string, string>> = {
  "1.0": headerJson({ httpProtocol: "HTTP/1.0" }),
  "1.1": headerJson({ httpProtocol: "HTTP/1.1" }),
};

/**
 * A body up to this size that came in one piece goes out as one string with the head, which Node writes at
 * once; beyond it the copy costs more than the second piece of a write.
 */
const ONE_WRITE_BYTES = 4_096;

/** An exception report above this is cut off; stacks are far smaller. */
const MAX_REPORT_BYTES = 1 << 20;

/** How long a client may go on sending a body that nobody wants any more, after the response. */
const LINGER_MS = 1_000;

export class Exchange implements ResponseSink {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly facts: RequestFacts;
  readonly client: Client;
  readonly id: string;
  readonly functionName: string;
  readonly startedAtMs = performance.now();
  readonly #ports: ExchangePorts;
  readonly #upgradeHead: Buffer | undefined;
  ticket: Ticket<Exchange> | undefined;
  thread: Thread | undefined;
  /** Attempts that ended before anything was sent. */
  retries = 0;
  /** How it ended, for the log. */
  outcome: "open" | "answered" | "aborted" | "lost" = "open";
  #connection: ThreadConnection | undefined;
  #bodyStarted = false;
  #bodySeen = false;
  #heldBack = false;
  #wholeLength = 0;
  #whole: Buffer | undefined;
  #report: Buffer[] | undefined;
  #tunnel: Duplex | undefined;

  constructor(
    ports: ExchangePorts,
    request: { req: IncomingMessage; res: ServerResponse; upgradeHead?: Buffer },
    about: { facts: RequestFacts; client: Client; id: string; functionName: string },
  ) {
    this.#ports = ports;
    this.req = request.req;
    this.res = request.res;
    this.#upgradeHead = request.upgradeHead;
    this.facts = about.facts;
    this.client = about.client;
    this.id = about.id;
    this.functionName = about.functionName;
    this.res.on("close", () => this.#clientClosed());
  }

  get open(): boolean {
    return this.outcome === "open";
  }

  /** Forwards the request to the thread, which has been taken for it. */
  start(thread: Thread): void {
    this.thread = thread;
    this.ticket = undefined;
    const connection = this.#ports.clientOf(thread).connection(performance.now());
    this.#connection = connection;
    const head = renderRequestHead(this.req, {
      facts: this.facts,
      client: this.client,
      requestId: this.id,
      cfJson: CF_JSON[this.req.httpVersion] ?? CF_JSON["1.1"]!,
    });
    const { framing, upgrade } = this.facts;
    connection.send(this.req.method!, head, { upgrade, body: framing !== "none" && framing !== 0 }, this);
  }

  /** Ends the exchange with an error of dexter's own. */
  fail(error: DexterError): void {
    if (!this.open) return;
    if (this.res.headersSent) {
      this.outcome = "lost";
      this.res.destroy();
    } else {
      this.outcome = "answered";
      this.#ports.renderFailure(this, error);
    }
    this.#settle();
  }

  // --- the response, as the connection reports it ---

  onHead(
    status: number,
    statusText: string,
    rawHeaders: readonly string[],
    bodyKind: BodyKind,
    contentLength: number,
  ): void {
    if (bodyKind === "upgrade") return this.#startTunnel(status, statusText, rawHeaders);
    if (status === 500 && rawHeaders.includes(EXCEPTION_HEADER)) {
      this.#report = [];
      return;
    }
    this.res.writeHead(status, statusText, this.#withRequestId(rawHeaders));
    this.#wholeLength = contentLength;
    // A streamed body may be long in coming; one that is here already goes out with the head.
    if (bodyKind === "chunked" || bodyKind === "close") process.nextTick(() => this.#flushHead());
  }

  onBody(chunk: Buffer): void {
    if (this.#tunnel) {
      if (!this.#tunnel.write(chunk)) this.#holdBackFor(this.#tunnel);
    } else if (this.#report) {
      if (this.#report.length * 16_384 < MAX_REPORT_BYTES) this.#report.push(chunk);
    } else if (chunk.length === this.#wholeLength && chunk.length <= ONE_WRITE_BYTES) {
      this.#whole = chunk;
    } else {
      this.#bodySeen = true;
      if (!this.res.write(chunk)) this.#holdBackFor(this.res);
    }
  }

  onEnd(): void {
    this.#connection = undefined;
    if (!this.open) return;
    this.outcome = "answered";
    if (this.#tunnel) this.#tunnel.end();
    else if (this.#report) this.#ports.renderFailure(this, parseReport(Buffer.concat(this.#report)));
    else if (this.#whole) this.res.end(this.#whole.toString("latin1"), "latin1");
    else this.res.end();
    this.#settle();
  }

  onLost({ error, unsent }: ConnectionLoss): void {
    this.#connection = undefined;
    if (!this.open) return;
    if (unsent && !this.#bodyStarted) {
      this.retries++;
      this.#giveBack();
      this.#ports.retry(this);
    } else if (this.#tunnel) {
      this.outcome = "lost";
      this.#tunnel.destroy();
      this.#settle();
    } else this.fail(error);
  }

  onDrain(): void {
    if (this.#tunnel) this.#tunnel.resume();
    else this.req.resume();
  }

  // --- the request's body ---

  /** Not before the head was taken: what has been read from the client cannot be sent to another thread. */
  onSent(): void {
    const connection = this.#connection!;
    const { socket } = connection;
    const chunked = this.facts.framing === "chunked";
    this.req.on("data", (chunk: Buffer) => {
      this.#bodyStarted = true;
      if (this.#connection !== connection) return;
      if (!chunked) {
        if (!socket.write(chunk)) this.req.pause();
        return;
      }
      socket.cork();
      socket.write(`${chunk.length.toString(16)}\r\n`, "latin1");
      socket.write(chunk);
      if (!socket.write("\r\n", "latin1")) this.req.pause();
      socket.uncork();
    });
    this.req.on("end", () => {
      connection.sending = false;
      if (chunked && this.#connection === connection) socket.write("0\r\n\r\n", "latin1");
    });
  }

  // --- upgrades ---

  /** After 101 both sides are joined: what follows is frames, which HTTP does not concern. */
  #startTunnel(status: number, statusText: string, rawHeaders: readonly string[]): void {
    const tunnel = this.req.socket;
    const { socket } = this.#connection!;
    this.#tunnel = tunnel;
    this.res.detachSocket(tunnel);
    const headers = this.#withRequestId(rawHeaders);
    let head = `HTTP/1.1 ${status} ${statusText}\r\n`;
    for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    tunnel.write(`${head}\r\n`, "latin1");
    tunnel.on("data", (chunk) => {
      if (!socket.write(chunk)) tunnel.pause();
    });
    tunnel.on("end", () => socket.end());
    tunnel.on("error", () => tunnel.destroy());
    tunnel.on("close", () => this.#clientClosed());
    if (this.#upgradeHead?.length) socket.write(this.#upgradeHead);
    tunnel.resume();
  }

  /** A function may send an id of its own. */
  #withRequestId(rawHeaders: readonly string[]): string[] {
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i]!;
      if (name.length === REQUEST_ID_HEADER.length && name.toLowerCase() === REQUEST_ID_HEADER)
        return [...rawHeaders];
    }
    return [...rawHeaders, "X-Request-Id", this.id];
  }

  // --- the end ---

  #flushHead(): void {
    if (this.open && !this.#bodySeen) this.res.flushHeaders();
  }

  /** Lets the thread wait until the client has taken more. The connection may serve another exchange by then. */
  #holdBackFor(client: Writable): void {
    if (this.#heldBack) return;
    this.#heldBack = true;
    this.#connection?.socket.pause();
    client.once("drain", () => {
      this.#heldBack = false;
      this.#connection?.socket.resume();
    });
  }

  /** The client's connection closed. After a whole response that is ordinary; before, it aborts the request. */
  #clientClosed(): void {
    if (!this.open) return;
    this.outcome = "aborted";
    this.#connection?.abandon();
    this.#settle();
  }

  #giveBack(): void {
    const { thread } = this;
    this.thread = undefined;
    if (thread) this.#ports.release(thread);
  }

  #settle(): void {
    if (this.facts.framing !== "none" && !this.req.complete) this.#refuseRestOfBody();
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.abandon();
    this.#giveBack();
    this.#ports.finished(this);
  }

  /** The response is whole, the request's body is not: the connection has no further use. */
  #refuseRestOfBody(): void {
    this.#connection?.abandon();
    const { socket } = this.req;
    this.req.resume();
    const end = setTimeout(() => socket.destroy(), LINGER_MS);
    this.req.once("close", () => clearTimeout(end));
  }
}

function parseReport(body: Buffer): ExceptionReport {
  try {
    return JSON.parse(body.toString("utf8")) as ExceptionReport;
  } catch {
    return { name: "Error", message: "the exception could not be read", stack: "" };
  }
}
