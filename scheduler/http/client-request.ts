/**
 * One request of a client and the way back to it. Its head has been read; the body comes to the sink, from
 * `read` on; the answer is begun once and ended once. Small answers leave in one write, head and all.
 */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { dateLine } from "./date-line.ts";
import type { RequestHead } from "./request-head.ts";

/** Who serves the request. */
export interface RequestSink {
  /** A piece of the request's body. */
  onBody(chunk: Buffer): void;
  onBodyEnd(): void;
  /** The client takes more of the answer, after `write` has returned false. */
  onDrain(): void;
  /** The connection is over before the answer was ended. */
  onClosed(): void;
}

/** How an answer's body ends: there is none, after its Content-Length, or with its last chunk. */
export type AnswerBody = "none" | "length" | "chunked";

/** Whether anybody wants the body's next piece: not before `read`, not between `pause` and `read`, then on. */
export type RequestBody = "unread" | "wanted" | "held" | "ended";

/** What a request asks of its connection. */
export interface RequestConnection {
  readonly socket: Socket;
  /** Whether further requests may come over it. */
  readonly persistent: boolean;
  /** The body is wanted, or is no longer. */
  readBody(): void;
  /** The answer is whole. */
  answered(): void;
  /** Gives up the socket. @returns what it has brought already */
  release(): Buffer | undefined;
}

/** A body up to this size is copied into one string with what precedes it; beyond it the copy costs more. */
export const ONE_WRITE_BYTES = 4_096;

const KEEP = "Connection: keep-alive\r\nKeep-Alive: timeout=60\r\n\r\n";
const CLOSE = "Connection: close\r\n\r\n";

export class ClientRequest {
  readonly head: RequestHead;
  /** Address of the other end of the connection; undefined once it is closed. */
  readonly peer: string | undefined;
  sink: RequestSink | undefined;
  /** The answer's status; 0 before it has one. */
  status = 0;
  /** Something of the answer may have reached the client. */
  headersSent = false;
  readonly #connection: RequestConnection;
  #body: RequestBody;
  #continued = false;
  #unsentHead = "";
  #chunked = false;
  #persistent = true;
  #answered = false;

  constructor(connection: RequestConnection, head: RequestHead) {
    this.#connection = connection;
    this.head = head;
    this.peer = connection.socket.remoteAddress;
    const { framing } = head.facts;
    this.#body = framing === "none" || framing === 0 ? "ended" : "unread";
  }

  get method(): string {
    return this.head.block.method;
  }

  /** Whether the connection takes another request after this one. */
  get persistent(): boolean {
    return this.#persistent;
  }

  get answered(): boolean {
    return this.#answered;
  }

  get body(): RequestBody {
    return this.#body;
  }

  /** The body goes to the sink, from now on or again after `pause`. */
  read(): void {
    if (this.#body === "ended" || this.#answered) return;
    this.#body = "wanted";
    this.#connection.readBody();
  }

  /** No more of the body for now. */
  pause(): void {
    if (this.#body !== "wanted") return;
    this.#body = "held";
    this.#connection.readBody();
  }

  /** For the connection: a piece of the body has come. */
  take(piece: Buffer | undefined, isLast: boolean): void {
    if (piece) this.sink?.onBody(piece);
    if (!isLast) return;
    this.#body = "ended";
    this.sink?.onBodyEnd();
  }

  /** For the connection: a client that asked waits for this before it sends the body (RFC 9110 §10.1.1). */
  sayContinue(): void {
    if (!this.head.facts.expectContinue || this.#continued || this.status !== 0) return;
    this.#continued = true;
    this.#connection.socket.write("HTTP/1.1 100 Continue\r\n\r\n", "latin1");
  }

  /**
   * Begins the answer; nothing is sent before there is some of its body, or `flush`.
   * @param lines status line and headers, each with its line break, without those of this hop
   */
  begin(status: number, lines: string, body: AnswerBody): void {
    const { block, facts } = this.head;
    this.status = status;
    this.#chunked = body === "chunked" && block.httpVersionMinor === 1;
    // The end of such a body is told to an HTTP/1.0 client by the end of the connection.
    this.#persistent =
      facts.keepAlive && this.#connection.persistent && (body !== "chunked" || this.#chunked);
    const framing = this.#chunked ? "Transfer-Encoding: chunked\r\n" : "";
    this.#unsentHead = `${lines}${framing}`;
  }

  /** Sends the head although there is nothing of the body. */
  flush(): void {
    if (this.#unsentHead !== "") this.#connection.socket.write(this.#takeHead(), "latin1");
  }

  /** What has been written and was not taken by the system yet. */
  get unsentBytes(): number {
    return this.#connection.socket.writableLength;
  }

  /**
   * Sends a piece of the body. It must not be changed as long as there are `unsentBytes`.
   * @returns false when the client is slow: `onDrain` follows
   */
  write(chunk: Buffer): boolean {
    const { socket } = this.#connection;
    const head = this.#takeHead();
    const size = this.#chunked ? `${chunk.length.toString(16)}\r\n` : "";
    const end = this.#chunked ? "\r\n" : "";
    if (chunk.length <= ONE_WRITE_BYTES)
      return socket.write(`${head}${size}${chunk.toString("latin1")}${end}`, "latin1");
    socket.cork();
    if (head !== "" || size !== "") socket.write(`${head}${size}`, "latin1");
    let goesOn = socket.write(chunk);
    if (end !== "") goesOn = socket.write(end, "latin1");
    socket.uncork();
    return goesOn;
  }

  /** Ends the answer. @param last the rest of its body, as latin1 */
  end(last = ""): void {
    if (this.#answered) return;
    this.#answered = true;
    // What is left of a body that nobody wants any more would be taken for a request.
    if (this.#unsentHead !== "" && this.#body !== "ended") this.#persistent = false;
    const rest = `${this.#takeHead()}${last}${this.#chunked ? "0\r\n\r\n" : ""}`;
    if (rest !== "") this.#connection.socket.write(rest, "latin1");
    this.#connection.answered();
  }

  /**
   * A whole answer of dexter's own.
   * @param headers lines, each with its line break
   * @param body text, sent as UTF-8 but to HEAD
   */
  answer(status: number, headers: string, body: string): void {
    const bytes = Buffer.from(body);
    const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
    this.begin(status, `${line}${headers}Content-Length: ${bytes.length}\r\n${dateLine()}`, "length");
    this.end(this.method === "HEAD" ? "" : bytes.toString("latin1"));
  }

  /**
   * Answers 101. From then on the connection is the caller's, with what has come after the request.
   * @param lines as for `begin`
   */
  tunnel(status: number, lines: string): { readonly socket: Socket; readonly early: Buffer | undefined } {
    this.status = status;
    this.#answered = true;
    const early = this.#connection.release();
    const { socket } = this.#connection;
    socket.write(`${lines}\r\n`, "latin1");
    return { socket, early };
  }

  /** Ends the connection now: the client sees its answer cut off. */
  destroy(): void {
    this.#connection.socket.destroy();
  }

  #takeHead(): string {
    const head = this.#unsentHead;
    this.#unsentHead = "";
    if (head === "") return "";
    this.headersSent = true;
    return `${head}${this.#persistent ? KEEP : CLOSE}`;
  }
}
