/** miniflare in a Node.js process of its own, as wrangler runs it; it starts one workerd. */

import { fileURLToPath } from "node:url";
import { Child } from "../child.ts";
import { COMPATIBILITY_DATE, type Peer, runningPeer, START_TIMEOUT_MS } from "./peer.ts";

// JavaScript, so that no TypeScript loader adds to the memory of the process that is measured.
const program = fileURLToPath(new URL("miniflare-child.js", import.meta.url));

export const miniflare: Peer = {
  name: "miniflare",
  async start({ workload, bundlePath, folder }) {
    const child = new Child({
      name: "miniflare",
      command: process.execPath,
      args: [program, bundlePath, COMPATIBILITY_DATE],
      cwd: folder,
    });
    try {
      const ready = await child.waitForOutput(/^listening on (http:\/\/\S+?)\/?$/m, START_TIMEOUT_MS);
      return runningPeer(child, ready[1]!, workload, { workerd: "workerd", rest: "node" });
    } catch (error) {
      await child.stop();
      throw error;
    }
  },
};
