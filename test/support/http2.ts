/**
 * A client that speaks HTTP/2 for tests that are written for connections of any kind: each request is a stream, and
 * what is read is that of one stream after the other, in the order in which they were begun.
 */
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { BodyReader, CutError, type ResponseHead } from "./answer.ts";
import type { Connection, RequestOptions } from "./http.ts";

/** One request with what has come of its response. */
class Stream {
  readonly stream: ClientHttp2Stream;
  readonly #heads: ResponseHead[] = [];
  #over = false;
  #wake = () => {};

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
    const onHead = (_headers: unknown, _flags: number, raw: readonly string[] = []) => {
      this.#heads.push(headOf(raw));
      this.#wake();
    };
    stream.on("headers", onHead).on("response", onHead as never);
    stream.on("error", () => {}); // surfaces as CutError
    stream.on("close", () => {
      this.#over = true;
      this.#wake();
    });
  }

  async head(): Promise<ResponseHead> {
    while (this.#heads.length === 0) {
      if (this.#over)
        throw new CutError(`the stream was closed without an answer, by ${this.stream.rstCode}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#heads.shift()!;
  }

  /**
   * Not `for await`: since Node.js 24 that takes a stream which the server has closed for one that was cut, also where
   * all of it came and waits to be read.
   */
  async *pieces(): AsyncGenerator<Buffer> {
    const { stream } = this;
    const wake = () => this.#wake();
    stream.on("readable", wake).on("end", wake);
    while (!stream.readableEnded) {
      const piece: Buffer | null = stream.destroyed ? null : stream.read();
      if (piece) yield piece;
      else if (this.#over) throw new CutError("the stream was cut");
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) throw new CutError("the stream was reset");
  }
}

export class Http2Client implements Connection {
  readonly session: ClientHttp2Session;
  #streams: Stream[] = [];
  #read = 0;
  readonly #bodies = new Map<ResponseHead, Stream>();

  private constructor(session: ClientHttp2Session) {
    this.session = session;
    session.on("error", () => {});
  }

  static async open(port: number, { servername = "localhost" } = {}): Promise<Http2Client> {
    const session = connect(`https://127.0.0.1:${port}`, {
      servername,
      rejectUnauthorized: false,
      maxHeaderListPairs: 1_000,
      maxSessionMemory: 256,
    });
    await once(session, "connect");
    return new Http2Client(session);
  }

  /** The stream of the request that was sent last. */
  get stream(): ClientHttp2Stream {
    return this.#streams.at(-1)!.stream;
  }

  async send(options: RequestOptions = {}): Promise<boolean> {
    const { headers, body, isChunked, endStream, trailers } = translate(options);
    const end = endStream && body.length === 0 && !isChunked;
    const stream = this.session.request(headers, { endStream: end, waitForTrailers: trailers !== undefined });
    if (trailers) stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    this.#streams.push(new Stream(stream));
    if (endStream && !end) stream.end(body);
    else if (body.length > 0) return this.write(body);
    return true;
  }

  async sendAll(requests: readonly RequestOptions[]): Promise<boolean> {
    for (const request of requests) await this.send(request);
    return true;
  }

  write(bytes: string | Buffer): Promise<boolean> {
    return this.writeChunks([typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes]);
  }

  async writeChunk(bytes: string | Buffer): Promise<boolean> {
    const data = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    if (data.length > 0) return this.writeChunks([data]);
    this.stream.end();
    return true;
  }

  async writeChunks(pieces: readonly Buffer[]): Promise<boolean> {
    const { stream } = this;
    const write = (piece: Buffer) =>
      new Promise<boolean>((resolve) => {
        stream.once("close", () => resolve(false));
        stream.write(piece, (error) => resolve(!error));
      });
    stream.setMaxListeners(0);
    return (await Promise.all(pieces.map(write))).every(Boolean);
  }

  async head(): Promise<ResponseHead> {
    const stream = this.#streams[this.#read]!;
    const head = await stream.head();
    this.#bodies.set(head, stream);
    if (head.status >= 200) this.#read++;
    return head;
  }

  body(head: ResponseHead): BodyReader {
    return new BodyReader(this.#bodies.get(head)!.pieces());
  }

  async ended(): Promise<boolean> {
    if (!this.session.destroyed) await once(this.session, "close");
    return true;
  }

  async finishSending(): Promise<void> {
    this.stream.end();
  }

  /** Gives up the last request; the connection stays. */
  reset(): void {
    this.stream.close(constants.NGHTTP2_CANCEL);
  }

  destroy(): void {
    this.session.destroy();
  }
}

function headOf(raw: readonly string[]): ResponseHead {
  const headers: [string, string][] = [];
  let status = 0;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i] === ":status") status = Number(raw[i + 1]);
    else headers.push([raw[i]!, raw[i + 1]!]);
  }
  return { version: "HTTP/2", status, statusText: "", headers };
}

interface Translated {
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
  readonly isChunked: boolean;
  /** Nothing more follows. */
  readonly endStream: boolean;
  readonly trailers?: Record<string, string>;
}

/** What is said in terms of HTTP/1.1, in those of HTTP/2. */
function translate({
  method = "GET",
  path = "/",
  host = "localhost",
  headers = [],
  body,
}: RequestOptions): Translated {
  const sent: Record<string, string | string[]> = Object.create(null);
  Object.assign(sent, { ":method": method, ":path": path, ":authority": host, ":scheme": "https" });
  for (const [given, value] of headers) {
    const name = given.toLowerCase();
    if (name === "transfer-encoding") continue;
    const earlier = sent[name];
    sent[name] = earlier === undefined ? value : [earlier, value].flat();
  }
  const isChunked = headers.some(([name]) => name.toLowerCase() === "transfer-encoding");
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body as string);
  if (isChunked) {
    const { data, trailers } = dechunk(bytes);
    return {
      headers: sent,
      body: data,
      isChunked,
      endStream: body !== undefined,
      ...(trailers && { trailers }),
    };
  }
  if (body !== undefined) sent["content-length"] ??= String(bytes.length);
  return {
    headers: sent,
    body: bytes,
    isChunked,
    endStream: Number(sent["content-length"] ?? 0) === bytes.length,
  };
}

function dechunk(bytes: Buffer): { data: Buffer; trailers?: Record<string, string> } {
  let text = bytes.toString("latin1");
  let data = "";
  for (;;) {
    const [line = "", size = "0"] = /^([\da-f]*)[^\r]*\r\n/i.exec(text) ?? [];
    const length = Number.parseInt(size || "0", 16);
    text = text.slice(line.length);
    if (length === 0) break;
    data += text.slice(0, length);
    text = text.slice(length + 2);
  }
  const trailers = [...text.matchAll(/^([^:\r]+): (.*)\r$/gm)].map(([, name, value]) => [
    name!.toLowerCase(),
    value!,
  ]);
  return {
    data: Buffer.from(data, "latin1"),
    ...(trailers.length > 0 && { trailers: Object.fromEntries(trailers) as Record<string, string> }),
  };
}
