/** dexter itself, with its defaults but for the two servers that the targets are stated for. */

import { startDexter, writeProject } from "../dexter.ts";
import type { Peer } from "./peer.ts";

export const dexter: Peer = {
  name: "dexter",
  async start({ workload, folder, set }) {
    const name = workload.path.slice(1);
    writeProject(folder, { [name]: workload.source });
    const running = await startDexter({ command: "start", folder, set });
    return {
      url: `${running.origin}${workload.path}`,
      pid: running.child.pid,
      groups: { workerd: "servers", rest: "scheduler" },
      untilExit: () => running.child.untilExit(),
      stop: () => running.stop(),
    };
  },
};
