/** `dexter reload` and `dexter stop`. */
import { setTimeout as sleep } from "node:timers/promises";
import type { NodeStatus } from "../status/status.ts";
import { callNode } from "./node-client.ts";
import { adminSocketOf, type CommonOptions } from "./project.ts";

const LOOK_MS = 20;

export async function reload(options: CommonOptions): Promise<void> {
  await callNode({ socketPath: await adminSocketOf(options) }, "POST", "/reload");
  console.log("reloaded; the servers are being replaced");
}

/** Returns when the node has stopped. */
export async function stop(options: CommonOptions & { now?: boolean }): Promise<void> {
  const address = { socketPath: await adminSocketOf(options) };
  const { pid } = await callNode<NodeStatus>(address, "GET", "/status");
  await callNode(address, "POST", options.now ? "/stop?now" : "/stop");
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
