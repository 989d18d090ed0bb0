/** A WebSocket whose client sends exactly the bytes that it is told to, and shows every frame that it gets. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { readFrame } from "./frames.ts";
import { until } from "./until.ts";

const HANDSHAKE =
  "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

export interface RawFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export class RawWebSocket {
  readonly socket: Socket;
  /** The server has sent its FIN, or the connection is gone. */
  ended = false;
  status = 0;
  head = "";
  #bytes = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (data) => {
      this.#bytes = Buffer.concat([this.#bytes, data]);
    });
    socket.on("error", () => {});
    for (const event of ["end", "close"]) socket.on(event, () => (this.ended = true));
  }

  /** Asks for a socket; `status` says what came of it. @param headers lines with their line breaks */
  static async ask(
    port: number,
    path: string,
    { headers = "", from = "127.0.0.1" } = {},
  ): Promise<RawWebSocket> {
    const socket = connect({
      port,
      host: "127.0.0.1",
      localAddress: from,
      allowHalfOpen: true,
      noDelay: true,
    });
    const raw = new RawWebSocket(socket);
    socket.write(`GET ${path} HTTP/1.1\r\n${HANDSHAKE}${headers}\r\n`);
    const end = await until("the handshake is answered", () => {
      assert(!raw.ended || raw.#bytes.length > 0, "the connection ended");
      const at = raw.#bytes.indexOf("\r\n\r\n");
      return at > 0 && at + 4;
    });
    raw.head = raw.#bytes.toString("latin1", 0, end);
    raw.status = Number(raw.head.slice(9, 12));
    raw.#bytes = raw.#bytes.subarray(end);
    return raw;
  }

  static async open(
    port: number,
    path: string,
    options: { headers?: string; from?: string } = {},
  ): Promise<RawWebSocket> {
    const raw = await RawWebSocket.ask(port, path, options);
    assert.equal(raw.status, 101, raw.head);
    return raw;
  }

  write(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** The frames that have come whole. */
  get frames(): RawFrame[] {
    const frames: RawFrame[] = [];
    for (let at = 0; at + 2 <= this.#bytes.length; ) {
      const rest = this.#bytes.subarray(at);
      const short = rest[1]! & 0x7f;
      const header = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (rest.length < header) break;
      const length =
        short === 127 ? Number(rest.readBigUInt64BE(2)) : short === 126 ? rest.readUInt16BE(2) : short;
      if (rest.length < header + length) break;
      frames.push(readFrame(rest));
      at += header + length;
    }
    return frames;
  }

  /** The code of the Close frame that came, if one has. */
  get closeCode(): number | undefined {
    const close = this.frames.find(({ opcode }) => opcode === 8);
    return close && (close.payload.length >= 2 ? close.payload.readUInt16BE(0) : 1005);
  }

  async receives(text: string): Promise<void> {
    await until(`"${text}" comes`, () => this.frames.some(({ payload }) => payload.toString() === text));
  }

  /** Waits for the end of the connection. @returns the code of the Close frame before it */
  async end(): Promise<number | undefined> {
    await until("the socket ends", () => this.ended);
    return this.closeCode;
  }

  destroy(): void {
    this.socket.destroy();
  }
}
