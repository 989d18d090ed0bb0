/** `dexter reload` and `dexter stop`, and the call to the admin socket that they and `status` share. */
import { setTimeout as sleep } from "node:timers/promises";
import { DexterError } from "../errors.ts";
import { callControl } from "../server/control.ts";
import type { NodeStatus } from "../status.ts";
import { adminSocketOf, type CommonOptions } from "./project.ts";

const LOOK_MS = 20;

/** Calls the running node. Throws NOT_RUNNING, NOT_ALLOWED, or REFUSED with what the node says. */
export async function callAdmin<T>(socket: string, method: string, path: string): Promise<T> {
  const answer = await callControl(socket, method, path).catch((cause: NodeJS.ErrnoException) => {
    const code = cause.code === "EACCES" ? "NOT_ALLOWED" : "NOT_RUNNING";
    throw new DexterError(code, { path: socket }, { cause });
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
  const socket = await adminSocketOf(options);
  const { pid } = await callAdmin<NodeStatus>(socket, "GET", "/status");
  await callAdmin(socket, "POST", options.now ? "/stop?now" : "/stop");
  while (isAlive(pid)) await sleep(LOOK_MS);
  console.log("stopped");
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
