/** The admin socket: the API on `<data_dir>/admin.sock`, which only the owner may open. */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { DexterError } from "../errors.ts";
import type { AdminApp } from "./app.ts";

/** Opens the socket. A stale one is replaced: the caller holds the lock of the data directory. */
export async function openAdminSocket(socketPath: string, app: AdminApp): Promise<Server> {
  rmSync(socketPath, { force: true });
  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
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
