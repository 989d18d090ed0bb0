/** A thread's socket without a thread: a unix server whose answers the test writes byte by byte. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** The server's side of one connection. */
export class FakePeer {
  readonly socket: Socket;
  /** Everything that came, as latin-1 text. */
  received = "";
  #wake = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (data) => {
      this.received += data.toString("latin1");
      this.#wake();
    });
    socket.on("error", () => {});
  }

  /** Waits until `text` has come. */
  async receives(text: string): Promise<void> {
    while (!this.received.includes(text)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  answer(...lines: string[]): void {
    this.socket.write(lines.join("\r\n"), "latin1");
  }

  /** Resolves when the connection is over. */
  async closed(): Promise<void> {
    if (!this.socket.closed) await new Promise((resolve) => this.socket.once("close", resolve));
  }
}

export class FakeThread {
  /** In a folder that goes with the test; nothing listens there before `listen`. */
  readonly path: string;
  readonly peers: FakePeer[] = [];
  readonly #server: Server;
  #wake = () => {};

  private constructor(path: string) {
    this.path = path;
    this.#server = createServer((socket) => {
      this.peers.push(new FakePeer(socket));
      this.#wake();
    });
  }

  static async make(test: TestContext): Promise<FakeThread> {
    const folder = await mkdtemp(join(tmpdir(), "dexter-thread-"));
    const thread = new FakeThread(join(folder, "t0"));
    test.after(async () => {
      thread.#server.close();
      for (const { socket } of thread.peers) socket.destroy();
      await rm(folder, { recursive: true, force: true });
    });
    return thread;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.path);
    await once(this.#server, "listening");
  }

  /** The connection made as the `count`th, from 1 on. */
  async peer(count: number): Promise<FakePeer> {
    while (this.peers.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.peers[count - 1]!;
  }
}
