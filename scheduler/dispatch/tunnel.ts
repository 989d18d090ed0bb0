/**
 * A WebSocket after its handshake: client and thread are joined, and what passes is frames, which HTTP does not concern.
 * The tunnel takes the thread's connection over from the exchange whose request was upgraded.
 */
import type { Socket } from "node:net";
import type { RequestSink } from "../http/client-request.ts";
import type { ConnectionLoss, ResponseSink } from "./thread-client.ts";

/** How long the client of a tunnel that the function has ended may take to close its side. */
const LINGER_MS = 1_000;

/** The exchange whose request was upgraded; it is told how the tunnel ended, and counts what passes. */
interface TunnelOwner extends Pick<ResponseSink, "onEnd" | "onLost">, Pick<RequestSink, "onClosed"> {
  requestBytes: number;
  responseBytes: number;
}

export class Tunnel implements ResponseSink {
  readonly #owner: TunnelOwner;
  readonly #thread: Socket;
  readonly #client: Socket;
  #holdsBack = false;

  /** @param early what the client has sent right behind the handshake */
  constructor(owner: TunnelOwner, thread: Socket, client: Socket, early: Buffer | undefined) {
    this.#owner = owner;
    this.#thread = thread;
    this.#client = client;
    client.on("data", (chunk: Buffer) => {
      owner.requestBytes += chunk.length;
      if (!thread.write(chunk)) client.pause();
    });
    client.on("end", () => thread.end());
    client.on("close", () => owner.onClosed());
    if (early) {
      owner.requestBytes += early.length;
      thread.write(early);
    }
    client.resume();
  }

  onResponseBody(chunk: Buffer): boolean {
    this.#owner.responseBytes += chunk.length;
    if (!this.#client.write(chunk)) this.#holdBack();
    return this.#client.writableLength > 0;
  }

  onThreadDrain(): void {
    this.#client.resume();
  }

  onEnd(): void {
    endClient(this.#client);
    this.#owner.onEnd();
  }

  onLost(loss: ConnectionLoss): void {
    this.#owner.onLost(loss);
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
