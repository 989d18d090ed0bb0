/**
 * What is counted of each server slot: its generations come and go, and the counters of the slot go on. CPU time is
 * read when somebody asks; what a generation used between the last time and its end is not known.
 */
import { RESTART_CAUSES, type RestartCause } from "../server/supervision.ts";
import { cpuSeconds } from "../server/usage.ts";
import type { Family } from "./exposition.ts";

/** A process in a slot. */
interface ServerPid {
  readonly slot: number;
  readonly pid: number;
}

interface Usage {
  readonly slot: number;
  readonly seconds: number;
}

export class ServerCounts {
  readonly #readCpu: (pid: number) => number;
  readonly #restarts = new Map<string, number>();
  /** By process id, as last read. */
  readonly #running = new Map<number, Usage>();
  /** By slot, of processes that have ended. */
  readonly #ended = new Map<number, number>();

  constructor(readCpu: (pid: number) => number = cpuSeconds) {
    this.#readCpu = readCpu;
  }

  restarted(slot: number, cause: RestartCause): void {
    const key = `${slot} ${cause}`;
    this.#restarts.set(key, (this.#restarts.get(key) ?? 0) + 1);
  }

  /** Takes note of what the processes have used so far. */
  read(processes: readonly ServerPid[]): void {
    for (const [pid, { slot, seconds }] of this.#running) {
      if (processes.some((process) => process.pid === pid)) continue;
      this.#running.delete(pid);
      this.#ended.set(slot, (this.#ended.get(slot) ?? 0) + seconds);
    }
    for (const { slot, pid } of processes) {
      const before = this.#running.get(pid)?.seconds ?? 0;
      this.#running.set(pid, { slot, seconds: Math.max(before, this.#readCpu(pid)) });
    }
  }

  #cpuOf(slot: number): number {
    let seconds = this.#ended.get(slot) ?? 0;
    for (const usage of this.#running.values()) if (usage.slot === slot) seconds += usage.seconds;
    return seconds;
  }

  families(slots: readonly number[]): Family[] {
    return [
      {
        name: "dexter_server_restarts_total",
        help: "Generations that had to be replaced, by why: crash and failed-start are unasked for, recycle is max_requests_per_child, residents that other functions have become hot.",
        type: "counter",
        samples: slots.flatMap((server) =>
          RESTART_CAUSES.map((cause) => ({
            labels: { server, cause },
            value: this.#restarts.get(`${server} ${cause}`) ?? 0,
          })),
        ),
      },
      {
        name: "dexter_server_cpu_seconds_total",
        help: "CPU time of the processes in the slot, as far as it was read before they ended.",
        type: "counter",
        samples: slots.map((server) => ({ labels: { server }, value: this.#cpuOf(server) })),
      },
    ];
  }
}
