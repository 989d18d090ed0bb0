/** dexter itself, with its defaults but for the two servers that the targets are stated for. */

import { type Functions, OWN_SETTINGS, settingOf, startDexter, writeProject } from "../dexter.ts";
import { COLD_FUNCTIONS } from "../drives/burst.ts";
import type { Workload } from "../workloads.ts";
import { type Peer, runningPeer } from "./peer.ts";

const DEFAULT_MAX_THREADS = 64;

/** @param env beside the benchmark's own environment */
export function dexterPeer(
  name: string,
  residentThreads: "on" | "off",
  env: Readonly<Record<string, string>> = {},
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
      const running = await startDexter({ command: "start", folder, set: settings, env });
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
