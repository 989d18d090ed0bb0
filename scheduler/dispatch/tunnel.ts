/**
 * A WebSocket after its handshake: client and thread are joined, and what passes is frames, which HTTP does not concern.
 * The tunnel takes the thread's connection over from the exchange whose request was upgraded. It follows the frames, so
 * that it can end the socket with a Close frame for either side, and does so when the client breaks the protocol.
 */
import type { Socket } from "node:net";
import type { RequestSink } from "../http/client-request.ts";
import { closeFrame, FrameReader, type Violation } from "./frame-reader.ts";
import type { ConnectionLoss, ResponseSink } from "./thread-client.ts";

/** How long either side of a tunnel that has been ended may take to close. */
export const LINGER_MS = 1_000;

/** A function that leaves without a Close frame may have died with its server: that is known within this time. */
const NEWS_MS = 100;

/** Status codes of Close frames (RFC 6455 §7.4.1; 1012 was registered later). */
export const GOING_AWAY = 1001;
export const SERVICE_RESTART = 1012;

/** The exchange whose request was upgraded; it is told how the tunnel ended, and counts what passes. */
export interface TunnelOwner extends Pick<ResponseSink, "onEnd" | "onLost">, Pick<RequestSink, "onClosed"> {
  requestBytes: number;
  responseBytes: number;
}

export interface TunnelEnds {
  readonly thread: Socket;
  readonly client: Socket;
  /** What the client has sent right behind the handshake. */
  readonly early: Buffer | undefined;
  /** permessage-deflate was agreed upon. */
  readonly deflate: boolean;
}

export class Tunnel implements ResponseSink {
  readonly #owner: TunnelOwner;
  readonly #thread: Socket;
  readonly #client: Socket;
  readonly #up: FrameReader;
  readonly #down = new FrameReader({ fromClient: false, deflate: true });
  readonly #onViolation: (violation: Violation) => void;
  #holdsBack = false;
  /** `left`: the function has gone without a Close frame, and why is not known yet. */
  #state: "open" | "left" | "closing" = "open";
  #timer: NodeJS.Timeout | undefined;
  /** Whether something has passed since `isIdleFor` was last asked. */
  #active = true;
  #idleSinceMs = 0;

  /** @param onViolation is told why a client's socket is ended */
  constructor(owner: TunnelOwner, ends: TunnelEnds, onViolation: (violation: Violation) => void) {
    const { thread, client, early, deflate } = ends;
    this.#owner = owner;
    this.#thread = thread;
    this.#client = client;
    this.#onViolation = onViolation;
    this.#up = new FrameReader({ fromClient: true, deflate });
    client.on("data", (chunk: Buffer) => this.#fromClient(chunk));
    client.on("end", () => thread.end());
    client.on("close", () => {
      // When dexter has ended the socket, the function may read its Close frame first.
      if (this.#state !== "closing") owner.onClosed();
    });
    if (early) this.#fromClient(early);
    client.resume();
  }

  #fromClient(chunk: Buffer): void {
    this.#owner.requestBytes += chunk.length;
    if (this.#state !== "open") return;
    this.#active = true;
    const violation = this.#up.push(chunk, this.#toThread);
    if (violation === undefined) return;
    this.#onViolation(violation);
    this.close(violation.code, violation.reason);
  }

  readonly #toThread = (piece: Buffer): void => {
    if (!this.#thread.write(piece)) this.#client.pause();
  };

  readonly #toClient = (piece: Buffer): void => {
    if (!this.#client.write(piece)) this.#holdBack();
  };

  /** Whether nothing has passed for so long, as far as whoever asks now and then can tell. */
  isIdleFor(ms: number, nowMs: number): boolean {
    if (this.#active) {
      this.#active = false;
      this.#idleSinceMs = nowMs;
    }
    return nowMs - this.#idleSinceMs >= ms;
  }

  /** Ends the socket. Both sides get a Close frame, unless they stand within a frame; then they are cut off. */
  close(code: number, reason: string): void {
    if (this.#state === "closing") return;
    const hasLeft = this.#state === "left";
    this.#state = "closing";
    clearTimeout(this.#timer);
    this.#sayClose(code, reason);
    endClient(this.#client);
    if (hasLeft) return this.#owner.onEnd();
    if (this.#up.between && !this.#up.closed && this.#thread.writable)
      this.#thread.write(closeFrame(code, reason, true));
    else this.#thread.end();
    this.#thread.resume();
    this.#timer = setTimeout(() => this.#owner.onClosed(), LINGER_MS);
  }

  #sayClose(code: number, reason: string): void {
    if (this.#down.between && !this.#down.closed && this.#client.writable)
      this.#client.write(closeFrame(code, reason, false));
  }

  onResponseBody(chunk: Buffer): boolean {
    this.#owner.responseBytes += chunk.length;
    if (this.#state !== "open") return false;
    this.#active = true;
    this.#down.push(chunk, this.#toClient);
    return this.#client.writableLength > 0;
  }

  onThreadDrain(): void {
    this.#client.resume();
  }

  onEnd(): void {
    clearTimeout(this.#timer);
    if (this.#state === "open" && !this.#down.closed) {
      this.#state = "left";
      this.#timer = setTimeout(() => this.#over(), NEWS_MS);
    } else this.#over();
  }

  #over(): void {
    if (this.#state !== "closing") endClient(this.#client);
    this.#state = "closing";
    this.#owner.onEnd();
  }

  onLost(loss: ConnectionLoss): void {
    clearTimeout(this.#timer);
    if (this.#state === "closing") return this.#owner.onEnd();
    this.#state = "left";
    this.#timer = setTimeout(() => {
      this.#state = "closing";
      this.#owner.onLost(loss);
    }, NEWS_MS);
  }

  /** What else there is to tell of a response has been told before. */
  onHead(): void {}
  onSent(): void {}
  onReadDone(): void {}

  /** Lets the thread wait until the client has taken more. */
  #holdBack(): void {
    if (this.#holdsBack) return;
    this.#holdsBack = true;
    this.#thread.pause();
    this.#client.once("drain", () => {
      this.#holdsBack = false;
      this.#thread.resume();
    });
  }
}

/** What the client still sends is not read by anybody; it may close in its own time, within bounds. */
function endClient(client: Socket): void {
  client.removeAllListeners("data").resume().end();
  const linger = setTimeout(() => client.destroy(), LINGER_MS);
  client.once("close", () => clearTimeout(linger));
}
