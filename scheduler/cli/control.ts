/** `dexter reload` and `dexter stop`, and the call to the admin socket that they and `status` share. */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { loadProject } from "../config/load.ts";
import { DexterError } from "../errors.ts";
import type { CommonOptions } from "../main.ts";
import { adminSocket } from "../paths.ts";
import { callControl } from "../server/control.ts";
import { projectOptions } from "./project.ts";

/** Where the node of this project listens for its operator. */
export async function adminSocketOf(options: CommonOptions): Promise<string> {
  return adminSocket((await loadProject(projectOptions(options))).node.dataDir);
}

/** Calls the running node. Throws NOT_RUNNING, or REFUSED with what the node says. */
export async function callAdmin<T>(socket: string, method: string, path: string): Promise<T> {
  const answer = await callControl(socket, method, path).catch((cause) => {
    throw new DexterError("NOT_RUNNING", { path: socket }, { cause });
  });
  const body = JSON.parse(answer.text) as { error?: string };
  if (answer.status >= 400)
    throw new DexterError("REFUSED", { reason: body.error ?? `status ${answer.status}` });
  return body as T;
}

export async function reload(options: CommonOptions): Promise<void> {
  await callAdmin(await adminSocketOf(options), "POST", "/reload");
  console.log("reloaded; the servers are being replaced");
}

/** Returns when the node has stopped. */
export async function stop(options: CommonOptions & { now?: boolean }): Promise<void> {
  const { node } = await loadProject(projectOptions(options));
  await callAdmin(adminSocket(node.dataDir), "POST", options.now ? "/stop?now" : "/stop");
  // The lock goes last.
  while (existsSync(node.lockFile)) await sleep(50);
  console.log("stopped");
}
