/**
 * What a client sends, read into memory that is used again. Node gives every read of an accepted socket 64 KiB of
 * its own, which keeps the garbage collector busy and a body's bytes out of the CPU's caches. Only a socket made with
 * `onread` has a say; so one is made around the accepted socket's handle. Without such a handle all is as Node does it.
 */
import { type ConnectOpts, Socket, type SocketConstructorOpts } from "node:net";

/** All connections share one buffer for heads and short bodies. As much as libuv reads at once. */
const SHARED_BYTES = 65_536;
const shared = Buffer.allocUnsafeSlow(SHARED_BYTES);

/**
 * What sends more gets a buffer of its own, as long as it does. So much fits into a unix socket in one write (Linux's
 * send buffers have 208 KiB): the buffer is mostly free again at once.
 */
const LONG_BYTES = 196_608;
/** Buffers that wait for the next long body. */
const MOST_FREE = 64;
const free: Buffer[] = [];
/** Up to this size Node has room for copies. */
const SMALL_BYTES = 4_096;

/** A buffer that its reader uses, or of which pieces are being written. */
interface Loan {
  readonly bytes: Buffer;
  inUse: boolean;
  pieces: number;
}

/** The part of Node's handle that says whether it reads into given buffers. */
interface Handle {
  readonly useUserBuffer?: unknown;
}

/** `handle` is what Node gives sockets that it makes itself; its documentation leaves it out. */
type Options = SocketConstructorOpts & ConnectOpts & { handle: Handle; writableHighWaterMark: number };

/** Takes a piece on. @returns whether it is still needed after the call; `done` follows when it no longer is */
type PieceTaker = (piece: Buffer, done?: () => void) => boolean;

export interface ReaderPorts {
  /** @param chunk good until the call returns, but for what `keep` and `pass` are given */
  onChunk(chunk: Buffer): void;
  /** Whether what comes next belongs to a body. */
  inBody(): boolean;
  /** This version of Node.js has no such handle: it reads the socket in its own way. */
  readonly onFallback?: (() => void) | undefined;
}

export class ClientReader {
  readonly socket: Socket;
  readonly #ports: ReaderPorts;
  #loan: Loan | undefined;
  /** The loan's last piece is still needed. */
  #held = false;
  /** Holds what `keep` was given last. */
  #rest: Loan | undefined;
  #readBytes = 0;
  #released = false;

  /** @param accepted by a server with `pauseOnConnect`; its place is taken by `socket` */
  constructor(accepted: Socket, ports: ReaderPorts) {
    this.#ports = ports;
    this.socket = this.#adopt(accepted) ?? accepted.on("data", ports.onChunk).resume();
  }

  #adopt(accepted: Socket): Socket | undefined {
    const holder = accepted as { _handle?: Handle | null };
    const handle = holder._handle;
    // Of another kind, as encrypted ones are, or closed by now.
    if (Object.getPrototypeOf(accepted) !== Socket.prototype || handle === null) return undefined;
    if (typeof handle?.useUserBuffer !== "function") {
      this.#ports.onFallback?.();
      return undefined;
    }
    holder._handle = null;
    const options: Options = {
      handle,
      allowHalfOpen: accepted.allowHalfOpen,
      writableHighWaterMark: accepted.writableHighWaterMark,
      onread: { buffer: this.#nextBuffer, callback: this.#onRead },
    };
    const socket = new Socket(options);
    socket.once("close", () => {
      this.#loan = endUse(this.#loan);
      this.#rest = endUse(this.#rest);
      // Its server counts the socket that it has accepted.
      accepted.destroy();
    });
    accepted.once("close", () => socket.destroy());
    return socket;
  }

  /** What is not dealt with yet, of this read or an earlier one, as it may stay. */
  keep(rest: Buffer | undefined): Buffer | undefined {
    if (rest && rest.buffer === this.#rest?.bytes.buffer) return rest;
    this.#rest = endUse(this.#rest);
    const isLent = rest && (rest.buffer === shared.buffer || rest.buffer === this.#loan?.bytes.buffer);
    if (!isLent || rest.length <= SMALL_BYTES) return isLent ? Buffer.from(rest) : rest;
    this.#rest = borrow();
    rest.copy(this.#rest.bytes);
    return this.#rest.bytes.subarray(0, rest.length);
  }

  /** Hands a piece of a body on; from a buffer that others read into too, a copy of it. */
  pass(piece: Buffer, to: PieceTaker): void {
    const loan = [this.#loan, this.#rest].find((one) => one?.bytes.buffer === piece.buffer);
    if (loan === undefined) {
      to(piece.buffer === shared.buffer ? Buffer.from(piece) : piece);
      return;
    }
    loan.pieces++;
    const held = to(piece, () => {
      loan.pieces--;
      giveBack(loan);
    });
    if (loan === this.#loan) this.#held = held;
  }

  /** The connection becomes its user's own, and `data` comes as from any socket. */
  release(): void {
    this.socket.off("data", this.#ports.onChunk);
    this.#released = true;
  }

  readonly #onRead = (bytes: number, buffer: Uint8Array): boolean => {
    this.#readBytes = bytes;
    const chunk = (buffer as Buffer).subarray(0, bytes) as Buffer;
    if (this.#released) this.socket.emit("data", Buffer.from(chunk));
    else this.#ports.onChunk(chunk);
    return true;
  };

  /** Node asks at the start, and after each read; what it gets then is what it reads into next. */
  readonly #nextBuffer = (): Buffer => {
    const long = this.#readBytes >= SHARED_BYTES && this.#ports.inBody();
    if (this.#loan && long && !this.#held) return this.#loan.bytes;
    endUse(this.#loan);
    this.#held = false;
    this.#loan = long ? borrow() : undefined;
    return this.#loan?.bytes ?? shared;
  };
}

function borrow(): Loan {
  return { bytes: free.pop() ?? Buffer.allocUnsafeSlow(LONG_BYTES), inUse: true, pieces: 0 };
}

function endUse(loan: Loan | undefined): undefined {
  if (!loan) return;
  loan.inUse = false;
  giveBack(loan);
}

function giveBack({ bytes, inUse, pieces }: Loan): void {
  if (!inUse && pieces === 0 && free.length < MOST_FREE) free.push(bytes);
}
