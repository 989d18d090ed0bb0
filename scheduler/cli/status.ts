/** `dexter status` */
import { setTimeout as sleep } from "node:timers/promises";
import type { NodeStatus } from "../status/status.ts";
import { type ClientOptions, callNode, nodeAddress } from "./node-client.ts";
import { statusText } from "./status-text.ts";
import { terminalWidth } from "./table.ts";

const WATCH_MS = 1_000;
const CLEAR_SCREEN = "\x1b[H\x1b[2J\x1b[3J";

export async function status(options: ClientOptions & { watch?: boolean }): Promise<void> {
  const address = await nodeAddress(options);
  for (;;) {
    const current = await callNode<NodeStatus>(address, "GET", "/status");
    // Several in a row are one a line, as `jq` likes them.
    if (options.json) console.log(JSON.stringify(current, undefined, options.watch ? 0 : 2));
    else {
      const clear = options.watch && process.stdout.isTTY ? CLEAR_SCREEN : "";
      process.stdout.write(clear + statusText(current, terminalWidth()));
    }
    if (!options.watch) return;
    await sleep(WATCH_MS);
  }
}
