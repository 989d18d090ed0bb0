/**
 * A scheduler that may open ports below 1024 without being root has an ambient capability (`AmbientCapabilities=` of a
 * systemd unit). Every process that it starts would inherit it, and servers need none.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Of util-linux. Not looked for in PATH: who sets that could otherwise put a program in front of every server. */
const PROGRAMS = ["/usr/bin/setpriv", "/bin/setpriv"];

let known: readonly string[] | undefined;

/**
 * What goes in front of a server's command so that it inherits no ambient capability. Empty when the scheduler has
 * none, or when nothing here can take it away: setpriv may be missing, or forbidden what it needs (capset).
 */
export function withoutCapabilities(): readonly string[] {
  known ??= hasAmbient() ? prefix() : [];
  return known;
}

function hasAmbient(): boolean {
  try {
    return !/^CapAmb:\s*0+$/m.test(readFileSync("/proc/self/status", "utf8"));
  } catch {
    return false;
  }
}

function prefix(): readonly string[] {
  for (const program of PROGRAMS) {
    const command = [program, "--ambient-caps=-all", "--"] as const;
    const { status } = spawnSync(program, [...command.slice(1), program, "--version"], { stdio: "ignore" });
    if (status === 0) return command;
  }
  return [];
}
