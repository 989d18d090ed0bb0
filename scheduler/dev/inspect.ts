/**
 * Debugging: DevTools speak to the inspector of a server, which knows the threads that the server was born with. So
 * with `--inspect` there is one server, and in it one resident thread of each function that takes all requests. A
 * change of the code makes another generation, with an inspector on a port of its own; debuggers get one address that
 * stays, from which they are connected through to the generation that serves.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { DexterError } from "../errors.ts";
import type { Project, ThreadSettings } from "../types.ts";

const HOST = "127.0.0.1";

/** A thread that takes whatever comes, and stays. */
const THREADS: ThreadSettings = {
  startThreads: 1,
  minSpareThreads: 0,
  maxSpareThreads: 1,
  concurrency: 10_000,
  idleTimeoutMs: Number.POSITIVE_INFINITY,
};

/** The project as it is served for debuggers. */
export function inspectable(project: Project): Project {
  const { node, functions } = project;
  return {
    ...project,
    node: {
      ...node,
      ...THREADS,
      numServers: 1,
      // Half of them may be resident.
      maxThreadsPerChild: Math.max(node.maxThreadsPerChild, 2 * functions.length),
      maxRequestsPerChild: 0,
      residentThreads: "always",
    },
    functions: functions.map((config) => ({ ...config, threads: THREADS })),
  };
}

export class InspectorRelay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: () => number | undefined) {
    this.#server = createServer((client) => this.#join(client, target()));
  }

  /**
   * Listens on the loopback, on any free port if `port` is 0.
   * @param target the port to connect debuggers to, asked for each of them
   * @throws INSPECT_FAILED
   */
  static async open(port: number, target: () => number | undefined): Promise<InspectorRelay> {
    const relay = new InspectorRelay(target);
    await new Promise<void>((resolve, reject) => {
      relay.#server.once("error", (cause: NodeJS.ErrnoException) => {
        const reason = cause.code === "EADDRINUSE" ? "it is in use by another program" : cause.message;
        reject(new DexterError("INSPECT_FAILED", { address: `${HOST}:${port}`, reason }, { cause }));
      });
      relay.#server.listen(port, HOST, resolve);
    });
    return relay;
  }

  /** `address:port`, as debuggers are told. */
  get address(): string {
    return `${HOST}:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Whichever of the two ends, ends the other. */
  #join(client: Socket, port: number | undefined): void {
    if (port === undefined) return void client.destroy();
    const inspector = connect(port, HOST);
    for (const [socket, other] of [
      [client, inspector],
      [inspector, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}
