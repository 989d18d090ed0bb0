/** What a peer's processes use in one turn: CPU over the measured part, memory from the start to the end. */

import { type MemoryPeak, MemorySampler } from "./memory.ts";
import type { RunningPeer } from "./peers/peer.ts";
import { cpuByGroup } from "./processes.ts";

export interface GroupFigures extends MemoryPeak {
  readonly cpuMicrosPerRequest: number;
}

export class Meter {
  readonly #peer: RunningPeer;
  readonly #sampler: MemorySampler;
  readonly #used = new Map<string, number>();

  /** Samples memory from now on. */
  constructor(peer: RunningPeer) {
    this.#peer = peer;
    this.#sampler = new MemorySampler(peer.pid, peer.groups);
  }

  /** Counts the CPU time that is used while `work` runs. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const before = cpuByGroup(this.#peer.pid, this.#peer.groups);
    const result = await work();
    for (const [name, cpu] of cpuByGroup(this.#peer.pid, this.#peer.groups)) {
      this.#used.set(name, (this.#used.get(name) ?? 0) + cpu - (before.get(name) ?? 0));
    }
    return result;
  }

  /** Ends the sampling and gives the figures by group. */
  stop(requests: number): Record<string, GroupFigures> {
    const groups: Record<string, GroupFigures> = {};
    for (const [name, memory] of this.#sampler.stop()) {
      groups[name] = { cpuMicrosPerRequest: (this.#used.get(name) ?? 0) / requests, ...memory };
    }
    return groups;
  }

  close(): void {
    this.#sampler.stop();
  }
}
