/** `workerd serve`: one process, one worker straight on the socket; what dexter's overhead is over. */

import { copyFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Child } from "../child.ts";
import { COMPATIBILITY_DATE, type Peer, runningPeer, START_TIMEOUT_MS } from "./peer.ts";

// Required, as its CommonJS default export arrives differently under a TypeScript loader.
const { default: workerd } = createRequire(import.meta.url)("workerd") as { readonly default: string };

const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "main.js", esModule = embed "main.js")],
    compatibilityDate = "${COMPATIBILITY_DATE}"
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
`;

export const plain: Peer = {
  name: "plain",
  async start({ workload, bundlePath, folder }) {
    copyFileSync(bundlePath, join(folder, "main.js"));
    writeFileSync(join(folder, "config.capnp"), config);
    const child = new Child({
      name: "workerd",
      command: workerd,
      args: ["serve", "--control-fd=3", "config.capnp"],
      cwd: folder,
      dieWithParent: true,
    });
    try {
      const ready = await child.waitForOutput(
        /"event":"listen","socket":"http","port":(\d+)/,
        START_TIMEOUT_MS,
      );
      return runningPeer(child, `http://127.0.0.1:${ready[1]}`, workload, {
        workerd: "workerd",
        rest: "workerd",
      });
    } catch (error) {
      await child.stop();
      throw error;
    }
  },
};
