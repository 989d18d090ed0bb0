/**
 * What waits to be taken by one client: how much of it a thread need not wait for, and whether the client takes any
 * of it. Whatever is small passes by.
 */
import type { Socket } from "node:net";
import type { IncidentDetails } from "../limits/incidents.ts";
import type { Clients } from "./clients.ts";

export class Backlog {
  readonly #clients: Clients;
  /** How much of it counts in what waits for all clients. */
  #counted = 0;
  /** The thread waits: for a moment, until the client has taken all; or not, because what it gives is buffered. */
  #state: "empty" | "moment" | "buffers" | "full" = "empty";
  #taken = -1;
  #takenAtMs = 0;

  readonly #onRoom: () => void;

  /** @param onRoom the thread is to go on, although the client has not taken all */
  constructor(clients: Clients, onRoom: () => void) {
    this.#clients = clients;
    this.#onRoom = onRoom;
  }

  /**
   * A write has filled the write buffer.
   * @param waiting bytes that the client has not taken
   * @returns whether more is taken from the thread all the same
   */
  takesMore(waiting: number): boolean {
    this.#count(waiting);
    if (this.#state === "empty") {
      this.#state = "moment";
      this.#clients.patience.wait(this);
    } else if (this.#state === "buffers" && !this.#hasRoom) this.#state = "full";
    return this.#state === "buffers";
  }

  readOn(): void {
    if (this.#state !== "moment") return;
    this.#state = this.#hasRoom ? "buffers" : "full";
    if (this.#state === "buffers") this.#onRoom();
  }

  get #hasRoom(): boolean {
    const { limits, hasRoom } = this.#clients;
    return hasRoom && this.#counted < limits.responseBufferBytes;
  }

  /** The answer is whole: whatever waits of it, no thread does. */
  release(): void {
    if (this.#state === "empty") return;
    if (this.#state === "moment") this.#clients.patience.forget(this);
    this.#state = "buffers";
  }

  /** Nothing waits any more. @returns whether the thread does, for that */
  drained(): boolean {
    this.#count(0);
    const isHeld = this.#state === "moment" || this.#state === "full";
    if (this.#state === "moment") this.#clients.patience.forget(this);
    this.#state = "empty";
    return isHeld;
  }

  /**
   * To be asked once a second while something waits.
   * @param taken bytes that the client has taken so far
   * @returns for how long the client has taken nothing, if that is too long; 0 otherwise
   */
  tooLongMs(nowMs: number, waiting: number, taken: number): number {
    if (this.#counted > 0) this.#count(waiting);
    if (taken !== this.#taken) {
      this.#taken = taken;
      this.#takenAtMs = nowMs;
      return 0;
    }
    const { sendTimeoutMs } = this.#clients.limits;
    const stalledMs = nowMs - this.#takenAtMs;
    const pauseMs = this.#clients.pauseMs(sendTimeoutMs, this.#state === "full");
    return pauseMs > 0 && stalledMs > pauseMs ? stalledMs : 0;
  }

  /** Whether the client has taken something since the last look. */
  isMoving(nowMs: number): boolean {
    return this.#takenAtMs === nowMs;
  }

  /** The client has gone. */
  close(): void {
    this.drained();
  }

  #count(waiting: number): void {
    this.#clients.bufferedBytes += waiting - this.#counted;
    this.#counted = waiting;
  }
}

/** The part of Node's handle that tells what has left it; `_parent` is that beneath TLS. */
interface Handle {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
  readonly _parent?: Handle;
}

/** How much of what was written the system has taken, and how much of that waits. In one write, too, which may be long. */
export function outflowOf(socket: Socket): { readonly taken: number; readonly waiting: number } {
  const handle = (socket as { _handle?: Handle | null })._handle;
  const { bytesWritten, writeQueueSize } = handle?._parent ?? handle ?? {};
  if (bytesWritten === undefined || writeQueueSize === undefined)
    return { taken: socket.bytesWritten - socket.writableLength, waiting: socket.writableLength };
  return { taken: bytesWritten - writeQueueSize, waiting: Math.max(writeQueueSize, socket.writableLength) };
}

export function noteStalled(clients: Clients, details: IncidentDetails, stalledMs: number): void {
  const seconds = Math.round(stalledMs / 100) / 10;
  clients.note(
    "send_timeout",
    details,
    `a client took nothing of its answer for ${seconds} s: it is cut off`,
  );
}
