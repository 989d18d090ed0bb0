/** dexter itself, with its defaults but for the two servers that the targets are stated for. */

import { join } from "node:path";
import {
  type DexterOptions,
  type Functions,
  OWN_SETTINGS,
  settingOf,
  startDexter,
  writeProject,
} from "../dexter.ts";
import { COLD_FUNCTIONS } from "../drives/burst.ts";
import type { Workload } from "../workloads.ts";
import { type Peer, runningPeer } from "./peer.ts";

const DEFAULT_MAX_THREADS = 64;

/** @param how which environment it gets beside the benchmark's own, and which clone's command is run */
export function dexterPeer(
  name: string,
  residentThreads: "on" | "off",
  how: Pick<DexterOptions, "env" | "commandFile"> = {},
): Peer {
  return {
    name,
    async start({ workload, source, folder, set }) {
      const settings = [
        ...OWN_SETTINGS,
        ...set,
        ...(workload.settings ?? []),
        `resident_threads=${residentThreads}`,
      ];
      writeProject(folder, functionsOf(workload, source));
      const running = await startDexter({ command: "start", folder, set: settings, ...how });
      const servers = settingOf(settings, "num_servers", Number.NaN);
      const groups = { workerd: "servers", rest: "scheduler" };
      return runningPeer(running.child, running.origin, workload, groups, {
        status: () => running.status(),
        resident: residentThreads === "on",
        servers,
        law: servers * settingOf(settings, "max_threads_per_child", DEFAULT_MAX_THREADS),
      });
    },
  };
}

function functionsOf(workload: Workload, source: string): Functions {
  const own = { [workload.path.slice(1)]: source };
  return workload.drive === "burst" ? { ...own, ...COLD_FUNCTIONS } : own;
}

/** All threads loaded while the server runs. */
export const dexter = dexterPeer("dexter", "off");

/** Those that a server starts with are resident, once the function is hot. */
export const dexterResident = dexterPeer("dexter-resident", "on");

/** Another clone that has been built, such as one of an earlier commit: it runs in every round. */
export function earlierDexter(clone: string): Peer {
  return { ...dexterPeer("before", "on", { commandFile: join(clone, "bin/dexter.js") }), inEveryRound: true };
}
