/** The admin socket: HTTP on `<data_dir>/admin.sock`, which only the owner may open. */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { DexterError } from "./errors.ts";
import type { NodeStatus } from "./status.ts";

export interface AdminActions {
  status(): NodeStatus;
  /** Reads the configuration again and restarts gracefully; rejects with what is wrong with it. */
  reload(): Promise<void>;
  /** Begins to stop; resolves at once. */
  stop(graceful: boolean): void;
}

/** Opens the socket. A stale one is replaced: the caller holds the lock of the data directory. */
export async function openAdmin(socketPath: string, actions: AdminActions): Promise<Server> {
  rmSync(socketPath, { force: true });
  const server = createServer(async (req, res) => {
    const answer = (status: number, body: unknown) => {
      res.writeHead(status, { "Content-Type": "application/json", Connection: "close" });
      res.end(`${JSON.stringify(body)}\n`);
    };
    try {
      switch (`${req.method} ${req.url}`) {
        case "GET /status":
          return answer(200, actions.status());
        case "POST /reload":
          await actions.reload();
          return answer(200, {});
        case "POST /stop":
        case "POST /stop?now":
          // Stopping ends this connection too, so the answer goes first.
          res.once("finish", () => actions.stop(!req.url!.endsWith("now")));
          return answer(202, {});
        default:
          return answer(404, { error: `no such call: ${req.method} ${req.url}` });
      }
    } catch (error) {
      const message =
        error instanceof DexterError ? error.message : `internal error: ${(error as Error).message}`;
      return answer(422, { error: message });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new DexterError("LISTEN_FAILED", { address: socketPath, reason: cause.message }, { cause })),
    );
    // Nobody may connect in the moment before the mode is set.
    const umask = process.umask(0o177);
    server.listen(socketPath, resolve);
    process.umask(umask);
  });
  chmodSync(socketPath, 0o600);
  return server;
}
