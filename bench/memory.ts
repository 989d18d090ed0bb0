/**
 * Memory of processes, from Linux's /proc: the peak of a group's summed proportional set size (Pss, which shares
 * out pages that several processes map, such as the binary), sampled; and the largest single process by its
 * high-water mark (VmHWM).
 */

import { type GroupNames, grouped, read } from "./processes.ts";

/** Often, since a server that is recycled under load lives for less than a second. */
const SAMPLE_MS = 200;
/** Pss in every third sample: to read that of a large process takes several milliseconds. */
const PSS_EVERY = 3;
const KIB_PER_MIB = 1024;

/** One line of /proc/<pid>/status or smaps_rollup, in MiB; undefined if the file cannot be read. */
function memoryLine(path: string, key: string): number | undefined {
  const text = read(path);
  const found = text && new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text);
  return found ? Number(found[1]) / KIB_PER_MIB : undefined;
}

/** Resident set of a process, in MiB. */
export function residentMiB(pid: number): number | undefined {
  return memoryLine(`/proc/${pid}/status`, "VmRSS");
}

/** Pss of a process in MiB, or its resident set where the kernel does not let us read Pss. */
export function proportionalMiB(pid: number): number | undefined {
  return memoryLine(`/proc/${pid}/smaps_rollup`, "Pss") ?? residentMiB(pid);
}

export interface MemoryPeak {
  /** Highest sampled sum of Pss over the group's processes. */
  readonly peakPssMiB: number;
  /** Highest VmHWM of any one process. */
  readonly largestProcessMiB: number;
  /** Most processes alive at once. */
  readonly processes: number;
}

/** Samples a tree's memory from its making until `stop()`, which returns the peaks by group. */
export class MemorySampler {
  readonly #root: number;
  readonly #names: GroupNames;
  readonly #timer: NodeJS.Timeout;
  readonly #peaks = new Map<string, MemoryPeak>();
  #samples = 0;

  constructor(root: number, names: GroupNames) {
    this.#root = root;
    this.#names = names;
    this.#timer = setInterval(() => this.#sample(this.#samples % PSS_EVERY === 0), SAMPLE_MS);
    this.#sample(true);
  }

  stop(): Map<string, MemoryPeak> {
    clearInterval(this.#timer);
    this.#sample(true);
    return this.#peaks;
  }

  #sample(withPss: boolean): void {
    this.#samples++;
    const sums = new Map<string, MemoryPeak>();
    for (const { name, process } of grouped(this.#root, this.#names)) {
      const largest = memoryLine(`/proc/${process.pid}/status`, "VmHWM");
      if (largest === undefined) continue; // it ended
      const sum = sums.get(name);
      const pss = withPss ? (proportionalMiB(process.pid) ?? 0) : 0;
      sums.set(name, {
        peakPssMiB: (sum?.peakPssMiB ?? 0) + pss,
        largestProcessMiB: Math.max(sum?.largestProcessMiB ?? 0, largest),
        processes: (sum?.processes ?? 0) + 1,
      });
    }
    for (const [name, sum] of sums) {
      const peak = this.#peaks.get(name) ?? sum;
      this.#peaks.set(name, {
        peakPssMiB: Math.max(peak.peakPssMiB, sum.peakPssMiB),
        largestProcessMiB: Math.max(peak.largestProcessMiB, sum.largestProcessMiB),
        processes: Math.max(peak.processes, sum.processes),
      });
    }
  }
}
