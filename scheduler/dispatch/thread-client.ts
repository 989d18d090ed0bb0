/**
 * HTTP/1.1 to one thread over its own unix socket: keep-alive connections, one request at a time on each,
 * no agent and no header objects. A connection reports to the sink of the request it carries.
 */
import { type ConnectOpts, Socket, type SocketConstructorOpts } from "node:net";
import { DexterError } from "../errors.ts";
import { type ResponseHandler, ResponseParser } from "../http/response-parser.ts";

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

export interface ResponseSink extends Pick<ResponseHandler, "onHead" | "onInformation"> {
  /** The head has been taken: the body may follow. */
  onSent(): void;
  onEnd(): void;
  onLost(loss: ConnectionLoss): void;
  /** A piece of the response's body. @param lent it is the sink's until the call returns only */
  onResponseBody(chunk: Buffer, lent: boolean): void;
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
/** Read into by every connection: what is in it has been dealt with when the next read begins. */
const sharedBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

export class ThreadConnection {
  readonly socket: ThreadSocket;
  readonly #parser: ResponseParser;
  readonly #owner: ThreadClient;
  #sink: ResponseSink | undefined;
  #answered = false;
  #lent = true;
  /** More of the request's body is to come. A response may end before it: then the connection is of no more use. */
  sending = false;
  lastUsedMs = 0;

  constructor(owner: ThreadClient, path: string) {
    this.#owner = owner;
    this.#parser = new ResponseParser({
      onHead: (head) => this.#sink!.onHead(head),
      onBody: (chunk) => this.#sink!.onResponseBody(chunk, this.#lent),
      onEnd: (reusable) => this.#ended(reusable),
      onError: (error) => this.#lost(error),
    });
    const options: SocketConstructorOpts & ConnectOpts = {
      onread: { buffer: this.#nextBuffer, callback: this.#onRead },
    };
    this.socket = new ThreadSocket(options);
    this.socket.connect({ path });
    this.socket.on("drain", () => this.#sink?.onThreadDrain());
    this.socket.on("end", () => this.#parser.finish());
    this.socket.on("error", (error: NodeJS.ErrnoException) => this.#failed(error));
    this.socket.on("close", () => {
      this.#owner.forget(this);
      this.#lost(new DexterError("SERVER_LOST"));
    });
  }

  /** A long body is handed on without a copy, each read in a buffer of its own; a head comes into the one of all. */
  readonly #nextBuffer = (): Buffer => {
    this.#lent = !this.#parser.inBody;
    return this.#lent ? sharedBuffer : Buffer.allocUnsafeSlow(READ_BYTES);
  };

  readonly #onRead = (bytes: number, buffer: Uint8Array): boolean => {
    this.#answered = true;
    this.#parser.push((buffer as Buffer).subarray(0, bytes) as Buffer);
    return true;
  };

  /** Sends a request's head. If it has a body, its chunks follow with `socket.write` after `onSent`. */
  send(method: string, head: string, about: { upgrade: boolean; body: boolean }, sink: ResponseSink): void {
    this.#sink = sink;
    this.#answered = false;
    this.sending = about.body;
    this.#parser.reset(method, about.upgrade);
    if (!about.body) {
      this.socket.write(head, "latin1");
      return;
    }
    this.socket.write(head, "latin1", (error) => {
      if (!error && !this.socket.refused && this.#sink === sink) sink.onSent();
    });
  }

  /** Ends the request now; the sink hears nothing more. The function sees its client abort. */
  abandon(): void {
    this.#sink = undefined;
    this.#parser.destroy();
    this.socket.destroy();
  }

  #ended(reusable: boolean): void {
    const sink = this.#sink!;
    this.#sink = undefined;
    // The sink may have held it back for a slow client.
    this.socket.resume();
    if (reusable && !this.sending) this.#owner.keep(this);
    else this.socket.destroy();
    sink.onEnd();
  }

  #failed(error: NodeJS.ErrnoException): void {
    // A unix socket is reset when its other end closes before it has read everything, or has accepted at all.
    if (error.syscall === "connect" || error.code === "ECONNRESET") this.socket.refused = true;
    this.#lost(new DexterError("SERVER_LOST", {}, { cause: error }));
  }

  /** Refused, and no answer: as long as no body was sent, it was the head, of which nobody has read the end. */
  #lost(error: DexterError): void {
    const unsent = this.socket.refused && !this.#answered;
    const sink = this.#sink;
    this.#sink = undefined;
    this.#parser.destroy();
    this.socket.destroy();
    sink?.onLost({ error, unsent });
  }
}

export class ThreadClient {
  readonly #path: string;
  readonly #idle: ThreadConnection[] = [];

  constructor(socketPath: string) {
    this.#path = socketPath;
  }

  /** A connection that carries no request: a recently used one, or a new one. */
  connection(nowMs: number): ThreadConnection {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (nowMs - idle.lastUsedMs < REUSE_WITHIN_MS && !idle.socket.destroyed) return idle;
      idle.abandon();
    }
    return new ThreadConnection(this, this.#path);
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
