/**
 * A raw HTTP/1.1 client for tests: what it sends is exactly what it is told to, and what it reads keeps
 * every byte that a higher-level client would hide (status text, raw headers in order, framing, a cut
 * body). Reading is pulled, so a test that stops reading exerts backpressure.
 */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { BodyReader, CutError, headerOf, type ResponseHead } from "./answer.ts";

/** Pieces (of up to 64 KiB) that may arrive ahead of the reader before the socket is paused. */
const MOST_PIECES_HELD = 16;

export interface RequestOptions {
  readonly method?: string;
  /** The request target, sent as it is (latin-1). */
  readonly path?: string;
  readonly host?: string;
  /** Sent in this order after `Host`; latin-1. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Sent with a `Content-Length` unless the headers frame it themselves. */
  readonly body?: string | Buffer;
  readonly version?: string;
}

/** What a test does with a connection to a server, whatever version of HTTP it speaks. */
export interface Connection {
  /** Bytes of a body, or whatever the version of HTTP takes for them. False when the connection is gone. */
  write(bytes: string | Buffer): Promise<boolean>;
  /** A piece of a body of unknown length; the empty string ends it. */
  writeChunk(bytes: string | Buffer): Promise<boolean>;
  /** Several pieces, handed over at once. */
  writeChunks(pieces: readonly Buffer[]): Promise<boolean>;
  send(options?: RequestOptions): Promise<boolean>;
  /** Sends all of them before any is answered. */
  sendAll(requests: readonly RequestOptions[]): Promise<boolean>;
  head(): Promise<ResponseHead>;
  body(head: ResponseHead, method?: string): BodyReader;
  /** Resolves with true when the server ended the connection, false when it sent more bytes instead. */
  ended(): Promise<boolean>;
  /** Says that nothing more will be sent. */
  finishSending(): Promise<void>;
  /** Leaves without a word. */
  reset(): void;
  destroy(): void;
}

/** One TCP connection to a server. Whoever opens it closes it with `destroy`. */
export class RawConnection implements Connection {
  readonly socket: Socket;
  /** Beneath TLS, if that is spoken. */
  readonly #tcp: Socket;
  #held: Buffer = Buffer.alloc(0);
  /** Bytes that came and were not asked for yet: kept here, where a later write error cannot drop them. */
  #arrived: Buffer[] = [];
  #over = false;
  #wake = () => {};

  private constructor(socket: Socket, tcp: Socket) {
    this.socket = socket;
    this.#tcp = tcp;
    socket.on("data", (data) => {
      this.#arrived.push(data);
      if (this.#arrived.length >= MOST_PIECES_HELD) socket.pause();
      this.#wake();
    });
    for (const event of ["end", "close"]) {
      socket.on(event, () => {
        this.#over = true;
        this.#wake();
      });
    }
  }

  static async open(port: number, host = "127.0.0.1"): Promise<RawConnection> {
    const socket = connect({ port, host, allowHalfOpen: true, noDelay: true });
    await settled(socket, "connect");
    return new RawConnection(socket, socket);
  }

  /** The same within TLS, as a client that names no protocol, or HTTP/1.1. */
  static async openSecure(
    port: number,
    { servername = "localhost", ALPNProtocols }: { servername?: string; ALPNProtocols?: string[] } = {},
  ): Promise<RawConnection> {
    const tcp = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    await settled(tcp, "connect");
    const socket = connectTls({
      socket: tcp,
      servername,
      rejectUnauthorized: false,
      ...(ALPNProtocols && { ALPNProtocols }),
    });
    await settled(socket, "secureConnect");
    return new RawConnection(socket, tcp);
  }

  /** Writes bytes and waits until the kernel took them. False when the connection is gone. */
  write(bytes: string | Buffer): Promise<boolean> {
    const data = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    return new Promise((resolve) => {
      if (!this.socket.writable) return resolve(false);
      const settle = (error?: Error | null) => {
        this.socket.removeListener("close", onClose);
        resolve(!error);
      };
      const onClose = () => resolve(false);
      this.socket.once("close", onClose);
      this.socket.write(data, settle);
    });
  }

  /** Writes one chunk of a chunked body; the empty string is written as the last chunk. */
  writeChunk(bytes: string | Buffer): Promise<boolean> {
    return this.writeChunks([typeof bytes === "string" ? Buffer.from(bytes) : bytes]);
  }

  writeChunks(pieces: readonly Buffer[]): Promise<boolean> {
    const chunk = (data: Buffer) => [
      Buffer.from(`${data.length.toString(16)}\r\n`),
      data,
      Buffer.from("\r\n"),
    ];
    return this.write(Buffer.concat(pieces.flatMap(chunk)));
  }

  send(options: RequestOptions = {}): Promise<boolean> {
    return this.write(renderRequest(options));
  }

  /** Pipelines them, in one write. */
  sendAll(requests: readonly RequestOptions[]): Promise<boolean> {
    return this.write(Buffer.concat(requests.map(renderRequest)));
  }

  /** Reads a response head; interim (1xx but 101) responses come as heads of their own. */
  async head(): Promise<ResponseHead> {
    const [version = "", status = "", ...text] = (await this.#line()).split(" ");
    const headers: [string, string][] = [];
    for (let line = await this.#line(); line !== ""; line = await this.#line()) {
      const colon = line.indexOf(":");
      headers.push([line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]);
    }
    return { version, status: Number(status), statusText: text.join(" "), headers };
  }

  /** The body that belongs to `head`; `method` is that of the request. */
  body(head: ResponseHead, method = "GET"): BodyReader {
    return new BodyReader(this.#pieces(head, method));
  }

  async ended(): Promise<boolean> {
    return this.#held.length === 0 && !(await this.#more());
  }

  async finishSending(): Promise<void> {
    await new Promise<void>((closed) => this.socket.end(closed));
  }

  reset(): void {
    this.#tcp.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  async *#pieces(head: ResponseHead, method: string): AsyncGenerator<Buffer> {
    const bodyless = method === "HEAD" || head.status < 200 || head.status === 204 || head.status === 304;
    if (bodyless) return;
    const length = headerOf(head, "content-length");
    if (headerOf(head, "transfer-encoding") === "chunked") yield* this.#chunks();
    else if (length !== undefined) yield* this.#counted(Number(length));
    else yield* this.#untilClose();
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    for (;;) {
      const size = Number.parseInt(await this.#line(), 16);
      if (Number.isNaN(size)) throw new CutError("a chunk without a size");
      yield* this.#counted(size);
      if (size === 0) {
        while ((await this.#line()) !== ""); // trailers
        return;
      }
      await this.#line();
    }
  }

  async *#counted(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.#held.length === 0 && !(await this.#more())) throw new CutError(`${left} bytes missing`);
      const piece = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async *#untilClose(): AsyncGenerator<Buffer> {
    while (this.#held.length > 0 || (await this.#more())) {
      const piece = this.#held;
      this.#held = Buffer.alloc(0);
      yield piece;
    }
  }

  async #line(): Promise<string> {
    for (;;) {
      const at = this.#held.indexOf("\r\n");
      if (at >= 0) {
        const line = this.#held.toString("latin1", 0, at);
        this.#held = this.#held.subarray(at + 2);
        return line;
      }
      if (!(await this.#more()))
        throw new CutError(`the connection ended in "${this.#held.toString("latin1")}"`);
    }
  }

  /** Pulls more bytes in; false at the end, a reset included. */
  async #more(): Promise<boolean> {
    while (this.#arrived.length === 0) {
      if (this.#over) return false;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const arrived = this.#arrived.splice(0);
    if (this.socket.isPaused()) this.socket.resume();
    this.#held =
      this.#held.length === 0 && arrived.length === 1 ? arrived[0]! : Buffer.concat([this.#held, ...arrived]);
    return true;
  }
}

/** Read errors surface as `CutError` later, write errors as the reader's. */
async function settled(socket: Socket, event: "connect" | "secureConnect"): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once(event, resolve).once("error", reject);
  });
  socket.on("error", () => {});
}

/** The bytes of a request head and, when there is one, its body. */
export function renderRequest(options: RequestOptions): Buffer {
  const {
    method = "GET",
    path = "/",
    host = "localhost",
    headers = [],
    body,
    version = "HTTP/1.1",
  } = options;
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const lines = [`${method} ${path} ${version}`];
  if (!names.has("host")) lines.push(`Host: ${host}`);
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  if (bytes && !names.has("content-length") && !names.has("transfer-encoding")) {
    lines.push(`Content-Length: ${bytes.length}`);
  }
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return bytes ? Buffer.concat([head, bytes]) : head;
}
