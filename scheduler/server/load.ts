/**
 * How busy a process is, from the kernel's own count of the time its main thread ran and was waiting to run
 * (nanoseconds, `/proc/<pid>/schedstat`). workerd runs all isolates of a process on that one thread.
 */
import { readFileSync } from "node:fs";
import type { ServerLoad } from "../policy/hot-threads.ts";

export class LoadMeter {
  readonly #path: string;
  #requests = 0;
  #wantedNs = 0;
  #atMs = 0;

  constructor(pid: number) {
    this.#path = `/proc/${pid}/schedstat`;
  }

  /**
   * How busy the thread was since the last call; nothing where that can't be told, "idle" when there were no
   * requests.
   * @param requests that the process has taken in its life
   */
  read(requests: number, nowMs: number): ServerLoad | "idle" | undefined {
    const taken = requests - this.#requests;
    if (taken === 0) return "idle";
    const wantedNs = this.#read();
    const wantedMs = (wantedNs - this.#wantedNs) / 1e6;
    const elapsedMs = nowMs - this.#atMs;
    const known = this.#wantedNs > 0 && wantedNs > 0;
    this.#requests = requests;
    this.#wantedNs = wantedNs;
    this.#atMs = nowMs;
    return known ? { share: wantedMs / elapsedMs, perRequestMs: wantedMs / taken } : undefined;
  }

  #read(): number {
    try {
      const [ran = 0, waited = 0] = readFileSync(this.#path, "latin1").split(" ").map(Number);
      return ran + waited;
    } catch {
      return 0; // no such file on this system, or the process has just ended
    }
  }
}
