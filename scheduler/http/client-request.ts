/**
 * A request of a client and the way back to it, whatever version of HTTP the client speaks. The head has been read;
 * the body comes to the sink, from `read` on; the answer is begun once and ended once.
 */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { DexterError } from "../errors.ts";
import type { Scheme } from "./client-address.ts";
import { dateLine } from "./date-line.ts";
import type { RequestHead } from "./request-head.ts";

/** Who serves the request. */
export interface RequestSink {
  /**
   * A piece of the request's body.
   * @param done to be called when the piece is no longer needed
   * @returns whether it is still needed after the call
   */
  onBody(chunk: Buffer, done?: () => void): boolean;
  onBodyEnd(): void;
  /** The client takes more of the answer, after `write` has returned false. */
  onDrain(): void;
  /** The connection is over, or the client has given up, before the answer was ended. */
  onClosed(): void;
  /** The body's next chunk would make it longer than `mostBytes`. */
  onTooLong?(): void;
  /** Once a second, as long as the request is in progress. */
  checkTime?(nowMs: number): void;
  /** Ends the request with this error: its client has gone too far. */
  fail?(error: DexterError): void;
}

/** How an answer's body ends: there is none, after its Content-Length, or with its last chunk. */
export type AnswerBody = "none" | "length" | "chunked";

/** Whether anybody wants the body's next piece: not before `read`, not between `pause` and `read`, then on. */
export type RequestBody = "unread" | "wanted" | "held" | "ended";

/** A body up to this size is copied into what precedes it; beyond it the copy costs more. */
export const ONE_WRITE_BYTES = 4_096;
/** A piece up to this size is copied when it has to wait for its client: it holds 64 KiB of memory otherwise. */
export const COPIED_BYTES = 32_768;

export interface ClientRequest {
  readonly head: RequestHead;
  readonly method: string;
  /** Address of the other end of the connection; undefined once it is closed. */
  readonly peer: string | undefined;
  /** Whether the connection is encrypted. */
  readonly scheme: Scheme;
  sink: RequestSink | undefined;
  readonly body: RequestBody;
  /** How much of the body has come, and was not read yet, at least. Chunked, with what frames it. */
  readonly waitingBytes: number;
  /** How long the body may be, as far as that can be told ahead of it. */
  mostBytes: number;
  /** The answer's status; 0 before it has one. */
  readonly status: number;
  /** Something of the answer may have reached the client. */
  readonly headersSent: boolean;
  /** Whether the last piece given to `write` is still needed, and must not be changed. */
  readonly holdsPiece: boolean;

  /** The body goes to the sink, from now on or again after `pause`. */
  read(): void;
  /** No more of the body for now. */
  pause(): void;
  /**
   * Begins the answer; nothing is sent before there is some of its body, or `flush`.
   * @param lines status line and headers, each with its line break, without those of this hop
   */
  begin(status: number, lines: string, body: AnswerBody): void;
  /** Sends the head although there is nothing of the body. */
  flush(): void;
  /**
   * Sends a piece of the body.
   * @returns false when the client is slow: `onDrain` follows
   */
  write(chunk: Buffer): boolean;
  /** Ends the answer. @param last the rest of its body, as latin1 */
  end(last?: string): void;
  /**
   * A whole answer of dexter's own.
   * @param headers lines, each with its line break
   * @param body text, sent as UTF-8 but to HEAD
   */
  answer(status: number, headers: string, body: string): void;
  /**
   * Answers 101, to a request whose facts have `upgrade`. From then on the connection is the caller's, with what has
   * come after the request.
   * @param lines as for `begin`
   */
  tunnel(status: number, lines: string): { readonly socket: Socket; readonly early: Buffer | undefined };
  /** The client sees its answer cut off. */
  destroy(): void;
}

/** What `answer` does, by way of the rest. */
export function answerWhole(request: ClientRequest, status: number, headers: string, body: string): void {
  const bytes = Buffer.from(body);
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  request.begin(status, `${line}${headers}Content-Length: ${bytes.length}\r\n${dateLine()}`, "length");
  request.end(request.method === "HEAD" ? "" : bytes.toString("latin1"));
}
