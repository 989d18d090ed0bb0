/**
 * How busy a process is, from the kernel's own count of the time its main thread ran and was waiting to run
 * (nanoseconds, `/proc/<pid>/schedstat`). workerd runs all isolates of a process on that one thread.
 */
import { readFileSync } from "node:fs";

export class LoadMeter {
  readonly #path: string;
  #wantedNs = 0;
  #atMs = 0;

  constructor(pid: number) {
    this.#path = `/proc/${pid}/schedstat`;
  }

  /** Share of the time since the last call in which the thread had something to do; 0 where it can't be told. */
  read(nowMs: number): number {
    const wantedNs = this.#read();
    const elapsedMs = nowMs - this.#atMs;
    const load = this.#atMs > 0 && wantedNs > 0 ? (wantedNs - this.#wantedNs) / 1e6 / elapsedMs : 0;
    this.#wantedNs = wantedNs;
    this.#atMs = nowMs;
    return load;
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
