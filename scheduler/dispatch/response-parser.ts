/**
 * Reads the responses that come over a thread's socket, one after the other, and tells a handler. It is
 * strict, because a thread's socket serves one client after another: a byte that belongs to nobody makes
 * the connection unusable instead of being taken for the start of the next client's response.
 */
import assert from "node:assert/strict";
import { DexterError } from "../errors.ts";
import { type ChunkError, ChunkedDecoder } from "../http/chunked.ts";
import { findHeadEnd } from "../http/header-lines.ts";
import { badResponse, parseResponseHead, type ResponseHead } from "./response-head.ts";

/** What a parser calls, always from within `push` or `finish`. */
export interface ResponseHandler {
  /** With `upgrade`, everything after the head is given to `onBody` as it is, until the connection ends. */
  onHead(head: ResponseHead): void;
  /** A piece of the body: a view of the pushed chunk. */
  onBody(chunk: Buffer): void;
  /** The response is whole. Unless `reusable`, the connection must be closed. `reset` may be called here. */
  onEnd(reusable: boolean): void;
  /** BAD_RESPONSE, or SERVER_LOST without a head; nothing comes after it, and the connection must be closed. May follow `onEnd`. */
  onError(error: DexterError): void;
}

/** Most bytes of one head. */
const MAX_HEAD = 65_536;
const STRAY_BYTES = "bytes that belong to no response";

type State = "idle" | "head" | "length" | "chunked" | "close" | "upgrade" | "failed" | "closed";

export class ResponseParser {
  readonly #handler: ResponseHandler;
  readonly #chunked = new ChunkedDecoder();
  #state: State = "idle";
  #method = "GET";
  #upgradeAsked = false;
  /** Start of a head that has not come wholly. */
  #pending: Buffer | undefined;
  /** Bytes left of a body with a length. */
  #left = 0;
  #persistent = false;
  #lastHead: ResponseHead | undefined;
  #lastText = "";
  #lastMethod = "";

  constructor(handler: ResponseHandler) {
    this.#handler = handler;
  }

  /** Whether the next request may be sent: nothing is being read, and the last response left it usable. */
  get idle(): boolean {
    return this.#state === "idle";
  }

  /**
   * Expects the response to a request that is about to be sent. Only while `idle`.
   * @param upgrade whether the request asks for one, so that 101 is a possible answer
   */
  reset(requestMethod: string, upgrade = false): void {
    assert(this.#state === "idle", "the last response must have ended and left the connection usable");
    this.#method = requestMethod;
    this.#upgradeAsked = upgrade;
    this.#state = "head";
  }

  /** Ends without telling the handler: whatever comes now is ignored. */
  destroy(): void {
    this.#state = "closed";
    this.#pending = undefined;
  }

  /** Takes what came over the connection. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      switch (this.#state) {
        case "head":
          at = this.#pushHead(chunk, at);
          break;
        case "length":
          at = this.#pushLength(chunk, at);
          break;
        case "chunked":
          at = this.#pushChunked(chunk, at);
          break;
        case "close":
        case "upgrade":
          this.#handler.onBody(at === 0 ? chunk : chunk.subarray(at));
          return;
        case "idle":
          this.#fail(badResponse(STRAY_BYTES));
          return;
        case "failed":
        case "closed":
          return;
      }
    }
  }

  /** The connection has ended: right for a body that lasts until then, an error within anything else. */
  finish(): void {
    const state = this.#state;
    if (state === "close" || state === "upgrade") {
      this.#state = "closed";
      this.#handler.onEnd(false);
    } else if (state === "head") {
      // workerd answers, or dies. A body is cut off by a function, too, whose stream has failed.
      this.#fail(new DexterError("SERVER_LOST"));
    } else if (state === "length" || state === "chunked") {
      this.#fail(badResponse("the connection ended within the body"));
    } else if (state === "idle") {
      this.#state = "closed";
    }
  }

  #fail(error: DexterError): void {
    this.#state = "failed";
    this.#pending = undefined;
    this.#handler.onError(error);
  }

  /** @returns where to go on in `chunk` */
  #pushHead(chunk: Buffer, at: number): number {
    const pending = this.#pending;
    const bytes = pending ? Buffer.concat([pending, at === 0 ? chunk : chunk.subarray(at)]) : chunk;
    const start = pending ? 0 : at;
    const end = findHeadEnd(bytes, pending ? Math.max(0, pending.length - 3) : at);
    if ((end < 0 ? bytes.length - 3 : end) - start > MAX_HEAD) {
      this.#fail(badResponse(`the head is over ${MAX_HEAD / 1024} KB`));
      return chunk.length;
    }
    if (end < 0) {
      // A copy: the chunk belongs to the caller.
      this.#pending = pending ? bytes : Buffer.from(bytes.subarray(start));
      return chunk.length;
    }
    this.#pending = undefined;
    let head: ResponseHead;
    try {
      head = this.#parseHead(bytes.toString("latin1", start, end));
    } catch (error) {
      this.#fail(badResponse((error as ChunkError).message));
      return chunk.length;
    }
    const next = end + 4 - (bytes.length - chunk.length);
    this.#takeHead(head, next === chunk.length);
    return next;
  }

  /** A thread often answers with the head that it answered with last time; comparing is cheaper than reading. */
  #parseHead(text: string): ResponseHead {
    if (this.#lastHead && text === this.#lastText && this.#method === this.#lastMethod) return this.#lastHead;
    const head = parseResponseHead(text, this.#method);
    this.#lastHead = head;
    this.#lastText = text;
    this.#lastMethod = this.#method;
    return head;
  }

  #takeHead(head: ResponseHead, atEnd: boolean): void {
    const { status, bodyKind } = head;
    if (status === 101 && !this.#upgradeAsked) {
      this.#fail(badResponse("101 to a request that asks for no upgrade"));
      return;
    }
    // An interim response (100, 103) may be left out (RFC 9110 §15.2).
    if (status < 200 && status !== 101) return;
    this.#persistent = head.persistent;
    if (bodyKind === "chunked") this.#chunked.reset();
    this.#left = head.contentLength;
    // Before the call, so that the handler may `destroy`; "length" with nothing left stands for no body.
    this.#state = bodyKind === "none" ? "length" : bodyKind;
    this.#handler.onHead(head);
    if (bodyKind === "none") this.#end("length", atEnd);
  }

  #pushLength(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    this.#left -= end - at;
    this.#handler.onBody(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    if (this.#left === 0) this.#end("length", end === chunk.length);
    return end;
  }

  #pushChunked(chunk: Buffer, at: number): number {
    let next: number;
    try {
      next = this.#chunked.read(chunk, at);
    } catch (error) {
      this.#fail(badResponse((error as ChunkError).message));
      return chunk.length;
    }
    if (this.#chunked.data) this.#handler.onBody(this.#chunked.data);
    if (this.#chunked.done) this.#end("chunked", next === chunk.length);
    return next;
  }

  /** @param atEnd whether no byte is left over; one that is would be taken for the next response */
  #end(from: State, atEnd: boolean): void {
    // The handler has destroyed the parser.
    if (this.#state !== from) return;
    if (!this.#persistent) {
      this.#state = "closed";
      this.#handler.onEnd(false);
      return;
    }
    this.#state = atEnd ? "idle" : "failed";
    this.#handler.onEnd(atEnd);
    if (this.#state === "failed") this.#fail(badResponse(STRAY_BYTES));
  }
}
