/**
 * A request whose body is still on its way. It is served when the body is whole, or longer than `request_buffer`: a
 * client that sends slowly holds no thread. From then on what was gathered comes first, then what follows, and the
 * client must keep up. A listener looks at it once a second; it has no timer.
 */
import type { Socket } from "node:net";
import { DexterError } from "../errors.ts";
import type { IncidentKind } from "../limits/incidents.ts";
import type { Scheme } from "./client-address.ts";
import type { AnswerBody, ClientRequest, RequestBody, RequestSink } from "./client-request.ts";
import type { Clients } from "./clients.ts";
import { GatheredBody } from "./gathered-body.ts";
import type { RequestContext } from "./listener.ts";
import type { RequestHead } from "./request-head.ts";

export interface IntakePorts {
  readonly clients: Clients;
  /** It is time for a thread. */
  serve(request: ClientRequest, context: RequestContext): void;
  /** Nobody serves it yet, and nobody is to. */
  refuse(request: ClientRequest, context: RequestContext, error: DexterError): void;
  /** The same, because its client has left, or what it sent is no body. */
  gone(request: ClientRequest, context: RequestContext, startedAtMs: number): void;
}

/** A client that sends a long body is not judged by its first seconds. */
const RATE_AFTER_MS = 10_000;

export class IncomingRequest implements ClientRequest, RequestSink {
  sink: RequestSink | undefined;
  readonly head: RequestHead;
  readonly #inner: ClientRequest;
  readonly #context: RequestContext;
  readonly #ports: IntakePorts;
  readonly #maxBytes: number;
  readonly #gathered = new GatheredBody();
  #stage: "gathering" | "served" | "over" = "gathering";
  #body: RequestBody = "unread";
  readonly #startedAtMs = performance.now();
  /** How much of what is gathered counts in what the node buffers. */
  #counted = 0;
  #received = 0;
  /** What had been received at the last look, and when something had been. */
  #known = -1;
  #heardAtMs = 0;
  #lookedAtMs = 0;
  /** Since it is served: what had been received before, and how long its client was waited for. */
  #before = 0;
  #waitedMs = 0;

  /** @param maxBytes the longest body that is taken; 0 = no limit */
  constructor(inner: ClientRequest, context: RequestContext, maxBytes: number, ports: IntakePorts) {
    this.#inner = inner;
    this.#context = context;
    this.#maxBytes = maxBytes;
    this.#ports = ports;
    this.head = inner.head;
  }

  /** Begins to gather. */
  take(): void {
    const { framing } = this.head.facts;
    this.#inner.sink = this;
    if (this.#maxBytes > 0) {
      if (typeof framing === "number" && framing > this.#maxBytes) return this.onTooLong();
      this.#inner.mostBytes = this.#maxBytes;
    }
    const { requestBufferBytes } = this.#limits;
    // What comes quickly need not be gathered here.
    if (requestBufferBytes === 0 || this.#inner.waitingBytes > requestBufferBytes) this.#serve();
    else this.#inner.read();
  }

  // --- what comes of the client ---

  onBody(chunk: Buffer, done?: () => void): boolean {
    this.#received += chunk.length;
    if (this.#stage === "over" || (this.#maxBytes > 0 && this.#received > this.#maxBytes)) {
      done?.();
      if (this.#stage !== "over") this.onTooLong();
      return false;
    }
    // After a pause the connection may bring what was on its way.
    if (this.#body === "wanted" && this.#gathered.isEmpty) return this.sink?.onBody(chunk, done) ?? false;
    const isNeeded = this.#gathered.add(chunk, done);
    this.#count();
    const { requestBufferBytes } = this.#limits;
    const isLong = this.#gathered.length > requestBufferBytes || !this.#ports.clients.hasRoom;
    if (this.#stage === "gathering" && isLong && this.#inner.body !== "ended") {
      this.#inner.pause();
      this.#serve();
    }
    return isNeeded;
  }

  onBodyEnd(): void {
    if (this.#stage === "gathering") this.#serve();
    else if (this.#body === "wanted" && this.#gathered.isEmpty) this.#end();
  }

  onDrain(): void {
    this.sink?.onDrain();
  }

  onClosed(): void {
    const isServed = this.#stage !== "gathering";
    this.#discard();
    if (isServed) this.sink?.onClosed();
    else this.#ports.gone(this.#inner, this.#context, this.#startedAtMs);
  }

  onTooLong(): void {
    const limit = this.#maxBytes;
    this.#fail("max_body_bytes", new DexterError("UPLOAD_TOO_LONG", { limit }));
  }

  checkTime(nowMs: number): void {
    const elapsedMs = this.#lookedAtMs === 0 ? 0 : nowMs - this.#lookedAtMs;
    this.#lookedAtMs = nowMs;
    // What the function holds back is not late.
    if (this.#known !== this.#received || this.#inner.body !== "wanted") {
      this.#known = this.#received;
      this.#heardAtMs = nowMs;
    }
    if (this.#stage === "over" || this.#inner.body !== "wanted") return;
    const { bodyTimeoutMs, minRate } = this.#limits;
    const isServed = this.#stage === "served";
    const pauseMs = this.#ports.clients.pauseMs(bodyTimeoutMs, isServed);
    if (pauseMs > 0 && nowMs - this.#heardAtMs > pauseMs) {
      const seconds = Math.round((nowMs - this.#heardAtMs) / 100) / 10;
      return this.#fail("body_timeout", new DexterError("UPLOAD_STALLED", { seconds }));
    }
    if (!isServed) return;
    this.#waitedMs += elapsedMs;
    const isSlow = (this.#received - this.#before) * 1_000 < minRate * this.#waitedMs;
    if (isSlow && this.#waitedMs > RATE_AFTER_MS)
      this.#fail("min_rate", new DexterError("UPLOAD_TOO_SLOW", { rate: minRate }));
  }

  #serve(): void {
    this.#stage = "served";
    this.#before = this.#received;
    this.#ports.serve(this, this.#context);
  }

  #fail(limit: IncidentKind, error: DexterError): void {
    if (this.#stage === "over") return;
    const { id, functionName, client } = this.#context;
    const { path } = this.head.facts;
    this.#discard();
    const details = { function: functionName, requestId: id, path, client: client.ip };
    this.#ports.clients.note(limit, details, error.message);
    if (this.sink) this.sink.fail?.(error);
    else this.#ports.refuse(this.#inner, this.#context, error);
  }

  // --- for whoever serves it ---

  get body(): RequestBody {
    return this.#body;
  }

  read(): void {
    if (this.#body === "ended" || this.#stage === "over") return;
    this.#body = "wanted";
    while (this.#body === "wanted" && !this.#gathered.isEmpty) {
      const { bytes, done } = this.#gathered.shift()!;
      this.#count();
      if (this.sink) this.sink.onBody(bytes, done);
      else done?.();
    }
    if (this.#body !== "wanted") return;
    if (this.#inner.body === "ended") this.#end();
    else this.#inner.read();
  }

  pause(): void {
    if (this.#body !== "wanted") return;
    this.#body = "held";
    this.#inner.pause();
  }

  #end(): void {
    this.#body = "ended";
    this.sink?.onBodyEnd();
  }

  #count(): void {
    this.#ports.clients.bufferedBytes += this.#gathered.length - this.#counted;
    this.#counted = this.#gathered.length;
  }

  #discard(): void {
    this.#stage = "over";
    this.#gathered.clear();
    this.#count();
  }

  get #limits(): Clients["limits"] {
    return this.#ports.clients.limits;
  }

  // --- the answer is the connection's business ---

  get waitingBytes(): number {
    return this.#inner.waitingBytes;
  }

  get mostBytes(): number {
    return this.#inner.mostBytes;
  }

  set mostBytes(bytes: number) {
    this.#inner.mostBytes = bytes;
  }

  get method(): string {
    return this.#inner.method;
  }

  get peer(): string | undefined {
    return this.#inner.peer;
  }

  get scheme(): Scheme {
    return this.#inner.scheme;
  }

  get status(): number {
    return this.#inner.status;
  }

  get headersSent(): boolean {
    return this.#inner.headersSent;
  }

  get holdsPiece(): boolean {
    return this.#inner.holdsPiece;
  }

  begin(status: number, lines: string, body: AnswerBody): void {
    this.#inner.begin(status, lines, body);
  }

  flush(): void {
    this.#inner.flush();
  }

  write(chunk: Buffer): boolean {
    return this.#inner.write(chunk);
  }

  end(last?: string): void {
    this.#discard();
    this.#inner.end(last);
  }

  answer(status: number, headers: string, body: string): void {
    this.#discard();
    this.#inner.answer(status, headers, body);
  }

  tunnel(status: number, lines: string): { readonly socket: Socket; readonly early: Buffer | undefined } {
    return this.#inner.tunnel(status, lines);
  }

  destroy(): void {
    this.#discard();
    this.#inner.destroy();
  }
}
