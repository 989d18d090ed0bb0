/** `dexter status` */
import { setTimeout as sleep } from "node:timers/promises";
import type { CommonOptions } from "../main.ts";
import type { NodeStatus } from "../status.ts";
import { adminSocketOf, callAdmin } from "./control.ts";
import { statusText } from "./tables.ts";

const WATCH_MS = 1_000;
const CLEAR_SCREEN = "\x1b[H\x1b[2J\x1b[3J";

export async function status(options: CommonOptions & { watch?: boolean }): Promise<void> {
  const socket = await adminSocketOf(options);
  for (;;) {
    const current = await callAdmin<NodeStatus>(socket, "GET", "/status");
    if (options.json) console.log(JSON.stringify(current, undefined, options.watch ? 0 : 2));
    else
      process.stdout.write((options.watch && process.stdout.isTTY ? CLEAR_SCREEN : "") + statusText(current));
    if (!options.watch) return;
    await sleep(WATCH_MS);
  }
}
