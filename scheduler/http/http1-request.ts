/**
 * A request that came over HTTP/1.1, or HTTP/1.0. Small answers leave in one write, head and all.
 */
import type { Socket } from "node:net";
import type { Scheme } from "./client-address.ts";
import {
  type AnswerBody,
  answerWhole,
  type ClientRequest,
  COPIED_BYTES,
  ONE_WRITE_BYTES,
  type RequestBody,
  type RequestSink,
} from "./client-request.ts";
import type { RequestHead } from "./request-head.ts";

/** What a request asks of its connection. */
export interface RequestConnection {
  readonly socket: Socket;
  readonly scheme: Scheme;
  /** Whether further requests may come over it. */
  readonly persistent: boolean;
  /** The body is wanted, or is no longer. */
  readBody(): void;
  /** What has come and was not read yet. */
  readonly waitingBytes: number;
  /** A write has filled the write buffer. @returns whether more is taken from the thread all the same */
  takesMore(): boolean;
  /** The answer is whole. */
  answered(): void;
  /** Gives up the socket. @returns what it has brought already */
  release(): Buffer | undefined;
}

const KEEP = "Connection: keep-alive\r\nKeep-Alive: timeout=60\r\n\r\n";
const CLOSE = "Connection: close\r\n\r\n";

export class Http1Request implements ClientRequest {
  readonly head: RequestHead;
  readonly peer: string | undefined;
  readonly scheme: Scheme;
  sink: RequestSink | undefined;
  mostBytes = Number.POSITIVE_INFINITY;
  status = 0;
  headersSent = false;
  readonly #connection: RequestConnection;
  #body: RequestBody;
  #continued = false;
  #unsentHead = "";
  #chunked = false;
  #persistent = true;
  #answered = false;
  #copied = false;

  constructor(connection: RequestConnection, head: RequestHead) {
    this.#connection = connection;
    this.head = head;
    this.peer = connection.socket.remoteAddress;
    this.scheme = connection.scheme;
    const { framing } = head.facts;
    this.#body = framing === "none" || framing === 0 ? "ended" : "unread";
  }

  get waitingBytes(): number {
    return this.#connection.waitingBytes;
  }

  get method(): string {
    return this.head.block.method;
  }

  /** Whether the connection takes another request after this one. */
  get persistent(): boolean {
    return this.#persistent;
  }

  get body(): RequestBody {
    return this.#body;
  }

  read(): void {
    if (this.#body === "ended" || this.#answered) return;
    this.#body = "wanted";
    this.#connection.readBody();
  }

  pause(): void {
    if (this.#body !== "wanted") return;
    this.#body = "held";
    this.#connection.readBody();
  }

  /** For the connection: a piece of the body has come. @returns as `RequestSink.onBody` */
  take(piece: Buffer | undefined, isLast: boolean, done?: () => void): boolean {
    const isNeeded = (piece && this.sink?.onBody(piece, done)) ?? false;
    if (isLast) {
      this.#body = "ended";
      this.sink?.onBodyEnd();
    }
    return isNeeded;
  }

  /** For the connection: a client that asked waits for this before it sends the body (RFC 9110 §10.1.1). */
  sayContinue(): void {
    if (!this.head.facts.expectContinue || this.#continued || this.status !== 0) return;
    this.#continued = true;
    this.#connection.socket.write("HTTP/1.1 100 Continue\r\n\r\n", "latin1");
  }

  begin(status: number, lines: string, body: AnswerBody): void {
    const { block, facts } = this.head;
    this.status = status;
    this.#chunked = body === "chunked" && block.protocol === "HTTP/1.1";
    // The end of such a body is told to an HTTP/1.0 client by the end of the connection.
    this.#persistent =
      facts.keepAlive && this.#connection.persistent && (body !== "chunked" || this.#chunked);
    const framing = this.#chunked ? "Transfer-Encoding: chunked\r\n" : "";
    this.#unsentHead = `${lines}${framing}`;
  }

  flush(): void {
    if (this.#unsentHead !== "") this.#connection.socket.write(this.#takeHead(), "latin1");
  }

  get holdsPiece(): boolean {
    return !this.#copied && this.#connection.socket.writableLength > 0;
  }

  write(chunk: Buffer): boolean {
    const { socket } = this.#connection;
    const isBehind = socket.writableLength > 0;
    const head = this.#takeHead();
    const size = this.#chunked ? `${chunk.length.toString(16)}\r\n` : "";
    const end = this.#chunked ? "\r\n" : "";
    this.#copied = chunk.length <= ONE_WRITE_BYTES;
    if (this.#copied) {
      const whole = `${head}${size}${chunk.toString("latin1")}${end}`;
      return socket.write(whole, "latin1") || this.#connection.takesMore();
    }
    // Of what waits, memory that is mostly empty would cost more than its copy.
    this.#copied = isBehind && chunk.length <= COPIED_BYTES;
    socket.cork();
    if (head !== "" || size !== "") socket.write(`${head}${size}`, "latin1");
    let goesOn = socket.write(this.#copied ? Buffer.from(chunk) : chunk);
    if (end !== "") goesOn = socket.write(end, "latin1");
    socket.uncork();
    return goesOn || this.#connection.takesMore();
  }

  end(last = ""): void {
    if (this.#answered) return;
    this.#answered = true;
    // What is left of a body that nobody wants any more would be taken for a request.
    if (this.#unsentHead !== "" && this.#body !== "ended") this.#persistent = false;
    const rest = `${this.#takeHead()}${last}${this.#chunked ? "0\r\n\r\n" : ""}`;
    if (rest !== "") this.#connection.socket.write(rest, "latin1");
    this.#connection.answered();
  }

  answer(status: number, headers: string, body: string): void {
    answerWhole(this, status, headers, body);
  }

  tunnel(status: number, lines: string): { readonly socket: Socket; readonly early: Buffer | undefined } {
    this.status = status;
    this.headersSent = true;
    this.#answered = true;
    const early = this.#connection.release();
    const { socket } = this.#connection;
    socket.write(`${lines}\r\n`, "latin1");
    return { socket, early };
  }

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
