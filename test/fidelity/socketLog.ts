/** Everything that a WebSocket client sees, in order, as lines that can be compared. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type WebSocket from "ws";

const LONGEST_MESSAGE_SHOWN = 200;

export class SocketLog {
  readonly socket: WebSocket;
  /** `open …`, `text …`, `binary …`, `pong …`, `close <code> <reason>`, `refused <status> …`. */
  readonly lines: string[] = [];
  #waiting: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("upgrade", (response) =>
      this.#add(`open ${response.statusCode} ${handshakeHeaders(response)}`),
    );
    socket.on("unexpected-response", (_request, response) => this.#refused(response));
    socket.on("message", (data: Buffer, binary) =>
      this.#add(`${binary ? "binary" : "text"} ${shown(data, binary)}`),
    );
    socket.on("pong", (data) => this.#add(`pong ${data.toString()}`));
    socket.on("close", (code, reason) => this.#add(`close ${code} ${reason.toString()}`));
    socket.on("error", () => {}); // what matters of it shows as a close or a refusal
  }

  /** Waits until there are `count` lines. */
  async length(count: number): Promise<void> {
    while (this.lines.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async opened(): Promise<void> {
    await this.length(1);
  }

  /** Waits for the close, however it comes, and returns the log. */
  async closed(): Promise<readonly string[]> {
    while (!/^(close|refused)/.test(this.lines.at(-1) ?? "")) await this.length(this.lines.length + 1);
    return [...this.lines];
  }

  #add(line: string): void {
    this.lines.push(line);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #refused(response: IncomingMessage): Promise<void> {
    let body = "";
    response.on("data", (data) => (body += String(data)));
    await once(response, "end");
    this.#add(`refused ${response.statusCode} ${response.statusMessage} ${body}`);
    this.socket.terminate();
  }
}

/** The handshake's headers that a handler decides; the rest is checked by the client itself. */
function handshakeHeaders(response: IncomingMessage): string {
  const own = Object.entries(response.headers).filter(
    ([name]) =>
      name.startsWith("x-from-") || name.startsWith("sec-websocket-protocol") || name === "set-cookie",
  );
  return JSON.stringify(own);
}

function shown(data: Buffer, binary: boolean): string {
  if (data.length > LONGEST_MESSAGE_SHOWN) {
    return `${data.length} bytes, sha256 ${createHash("sha256").update(data).digest("hex")}`;
  }
  return data.toString(binary ? "hex" : "utf8");
}
