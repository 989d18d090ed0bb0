/**
 * HTTP/1.1 to one thread over its own unix socket: keep-alive connections, no agent and no header objects. A
 * connection reports to the sink of the request it carries.
 */
import { type ConnectOpts, Socket, type SocketConstructorOpts } from "node:net";
import { DexterError } from "../errors.ts";
import { type ResponseHandler, ResponseParser } from "./response-parser.ts";

/**
 * workerd closes a connection that was idle for 5 s. One that was idle for this long is not used again, so
 * that no request is sent into a closing connection.
 */
const REUSE_WITHIN_MS = 3_000;

/** Why a request got no whole response. `unsent`: unless a body has been sent, the server knows nothing of it. */
export interface ConnectionLoss {
  readonly error: DexterError;
  readonly unsent: boolean;
}

export interface ResponseSink extends Pick<ResponseHandler, "onHead"> {
  /** The head has been taken: the body may follow. */
  onSent(): void;
  onEnd(): void;
  onLost(loss: ConnectionLoss): void;
  /** A piece of the response's body. @returns whether it is still needed after the call */
  onResponseBody(chunk: Buffer): boolean;
  /** What was read so far has been told. */
  onReadDone(): void;
  /** The connection takes more of the request's body. */
  onThreadDrain(): void;
}

/**
 * A socket whose failed writes do not end it. workerd may answer a request and close before it has read the
 * whole body; Node would drop the answer, unread, at the first write after that. Whether the connection
 * is of use is decided by what comes in, alone.
 */
class ThreadSocket extends Socket {
  /** The last thing written was not taken, or not read. */
  refused = false;

  override _write(chunk: unknown, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    super._write(chunk, encoding, (error) => this.#written(error, done));
  }

  override _writev(
    chunks: { chunk: unknown; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    super._writev!(chunks, (error) => this.#written(error, done));
  }

  #written(error: NodeJS.ErrnoException | null | undefined, done: (error?: Error | null) => void): void {
    if (!error) return done();
    this.refused = true;
    if (error.code === "EPIPE" || error.code === "ECONNRESET") done();
    else done(error);
  }
}

/** As much as libuv reads at once. */
const READ_BYTES = 65_536;

export class ThreadConnection {
  readonly socket: ThreadSocket;
  readonly #parser: ResponseParser;
  readonly #owner: ThreadClient;
  /** Who is told of the response to the request that it carries. */
  #sink: ResponseSink | undefined;
  #answered = false;
  #buffer: Buffer | undefined;
  /** More of the request's body is to come. A response may end before it: then the connection is of no more use. */
  sending = false;
  lastUsedMs = 0;

  constructor(owner: ThreadClient, path: string) {
    this.#owner = owner;
    this.#parser = new ResponseParser({
      onHead: (head) => {
        this.#answered = true;
        this.#sink!.onHead(head);
      },
      onBody: (chunk) => {
        if (this.#sink!.onResponseBody(chunk)) this.#buffer = undefined;
      },
      onEnd: (reusable) => this.#ended(reusable),
      onError: (error) => this.#lost(error),
    });
    const options: SocketConstructorOpts & ConnectOpts = {
      onread: { buffer: this.#nextBuffer, callback: this.#onRead },
    };
    this.socket = new ThreadSocket(options);
    this.socket.connect({ path });
    this.socket.on("drain", () => this.#sink?.onThreadDrain());
    this.socket.on("end", () => {
      this.#parser.finish();
      if (this.#sink === undefined) this.#close();
    });
    this.socket.on("error", (error: NodeJS.ErrnoException) => this.#failed(error));
    this.socket.on("close", () => {
      this.#owner.forget(this);
      this.#lost(new DexterError("SERVER_LOST"));
    });
  }

  /** Another sink is told of the rest of the response that the thread is giving. */
  handOver(sink: ResponseSink): void {
    this.#sink = sink;
  }

  /** Whether it carries nothing, and can. */
  get isReusable(): boolean {
    return this.#sink === undefined && this.#parser.idle && !this.socket.destroyed;
  }

  /**
   * What was read is mostly dealt with, or written to a client, before the next read: then the buffer is used again.
   * One for each read would keep the garbage collector busy with long bodies.
   */
  readonly #nextBuffer = (): Buffer => {
    this.#buffer ??= Buffer.allocUnsafeSlow(READ_BYTES);
    return this.#buffer;
  };

  readonly #onRead = (bytes: number, buffer: Uint8Array): boolean => {
    this.#answered = true;
    this.#parser.push((buffer as Buffer).subarray(0, bytes) as Buffer);
    this.#sink?.onReadDone();
    return true;
  };

  /** Sends a request's head. If it has a body, its chunks follow with `socket.write` after `onSent`. */
  send(method: string, head: string, about: { upgrade: boolean; body: boolean }, sink: ResponseSink): void {
    this.#sink = sink;
    this.#answered = false;
    this.#parser.reset(method, about.upgrade);
    if (!about.body) {
      this.socket.write(head, "latin1");
      return;
    }
    this.sending = true;
    this.socket.write(head, "latin1", (error) => {
      if (!error && !this.socket.refused && this.#sink === sink) sink.onSent();
    });
  }

  /** Ends the request now; its sink hears nothing more. The function sees its client abort. */
  abandon(): void {
    this.#sink = undefined;
    this.#close();
  }

  #ended(reusable: boolean): void {
    const sink = this.#sink!;
    this.#sink = undefined;
    // The sink may have held it back for a slow client.
    this.socket.resume();
    if (!reusable || this.sending) this.#close();
    else this.#owner.keep(this);
    sink.onEnd();
  }

  #failed(error: NodeJS.ErrnoException): void {
    // A unix socket is reset when its other end closes before it has read everything, or has accepted at all.
    if (error.syscall === "connect" || error.code === "ECONNRESET") this.socket.refused = true;
    this.#lost(new DexterError("SERVER_LOST", {}, { cause: error }));
  }

  /** Refused, and no answer: as long as no body was sent, it was the head, of which nobody has read the end. */
  #lost(error: DexterError): void {
    const sink = this.#sink;
    this.#sink = undefined;
    const unsent = this.socket.refused && !this.#answered;
    this.#close();
    sink?.onLost({ error, unsent });
  }

  #close(): void {
    this.#parser.destroy();
    this.socket.destroy();
  }
}

export class ThreadClient {
  readonly #path: string;
  readonly #idle: ThreadConnection[] = [];

  constructor(socketPath: string) {
    this.#path = socketPath;
  }

  /** A connection for one more request: one that was used recently, or a new one. */
  connection(nowMs: number): ThreadConnection {
    return this.#reusable(nowMs) ?? new ThreadConnection(this, this.#path);
  }

  #reusable(nowMs: number): ThreadConnection | undefined {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (nowMs - idle.lastUsedMs < REUSE_WITHIN_MS && idle.isReusable) return idle;
      idle.abandon();
    }
    return undefined;
  }

  keep(connection: ThreadConnection): void {
    connection.lastUsedMs = performance.now();
    this.#idle.push(connection);
  }

  forget(connection: ThreadConnection): void {
    const place = this.#idle.indexOf(connection);
    if (place >= 0) this.#idle.splice(place, 1);
  }

  close(): void {
    for (const connection of this.#idle.splice(0)) connection.abandon();
  }
}
