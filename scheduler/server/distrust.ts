/**
 * Versions with which a generation did not start. What a server was to be born with is the likeliest reason that it
 * did not start. Loaded, a version that is at fault fails alone, and says why.
 */
import type { FunctionSpec } from "../policy/thread.ts";
import type { ServerProcess } from "./process.ts";
import type { Resident } from "./residents.ts";

/** After a start that failed for no reason that names a function, so long none of its functions is resident. */
const DISTRUST_MS = 60_000;

/** What of a server that did not start says who is to blame. */
interface Unstarted {
  readonly process: Pick<ServerProcess, "failedResidents">;
  readonly residents: readonly Resident[];
}

export class Distrust {
  /** Until when these versions are loaded only. */
  readonly #untilMs = new Map<string, number>();

  /** Whether threads of the version may be resident, for all that is known. */
  trusts(revision: string, nowMs: number): boolean {
    return nowMs >= (this.#untilMs.get(revision) ?? 0);
  }

  /**
   * A server has not started: the versions that it named are resident no more, or all that it was to be born with
   * are loaded for a while.
   * @returns those of which that is new
   */
  blame({ process, residents }: Unstarted, nowMs: number): FunctionSpec[] {
    const named = residents.filter(({ name }) => process.failedResidents.has(name));
    const untilMs = named.length > 0 ? Number.POSITIVE_INFINITY : nowMs + DISTRUST_MS;
    const blamed: FunctionSpec[] = [];
    for (const { spec } of named.length > 0 ? named : residents) {
      const knownMs = this.#untilMs.get(spec.revision) ?? 0;
      if (nowMs < knownMs && (named.length === 0 || knownMs === untilMs)) continue;
      this.#untilMs.set(spec.revision, untilMs);
      blamed.push(spec);
    }
    return blamed;
  }

  forget(revision: string): void {
    this.#untilMs.delete(revision);
  }
}
