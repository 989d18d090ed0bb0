/**
 * The policy's view of a thread, and of the settings it is scheduled by. Pure data: nothing here knows
 * processes, sockets' contents or the clock.
 */
import { strict as assert } from "node:assert";
import type { ThreadSettings } from "../types.ts";

/** A loaded thread comes and goes while its server runs; a resident one is born with it and lives as long. */
export type ThreadKind = "loaded" | "resident";

export type ThreadState = "starting" | "idle" | "busy" | "retiring";

/** Apache's scoreboard letters. */
export const LETTERS: Readonly<Record<ThreadState, string>> = {
  starting: "S",
  idle: "_",
  busy: "W",
  retiring: "G",
};

/**
 * How a request leaves its thread: with a whole answer, which tells how long one takes; without; or untouched, because
 * it was sent ahead and its turn did not come.
 */
export type Departure = "answered" | "unanswered" | "returned";

const LEGAL: Readonly<Record<ThreadState, readonly ThreadState[]>> = {
  starting: ["idle", "retiring"],
  idle: ["busy", "retiring"],
  busy: ["idle", "retiring"],
  retiring: [],
};

/** Whose a thread is, twice: as people know it, and as the fleet and the servers do. */
export interface Identity {
  readonly functionName: string;
  /** What the fleet keeps its threads and requests under: the function's name, or another while it is a canary's. */
  readonly pool: string;
  /** The id of what was built. */
  readonly version: string;
  /** What servers are given: that build with the secrets that it has now. */
  readonly revision: string;
}

/** What the policy must know of a function: one live version and its thread settings. */
export interface FunctionSpec extends Identity {
  readonly threads: ThreadSettings;
}

/** One isolate in a numbered slot of a server, bound to one version of a function. */
export class Thread implements Identity {
  readonly server: number;
  readonly slot: number;
  readonly functionName: string;
  readonly pool: string;
  readonly version: string;
  readonly revision: string;
  readonly concurrency: number;
  readonly kind: ThreadKind;
  /** Whether it was started for a request that waits, not as a spare. */
  readonly isUrgent: boolean;
  /** Requests in it now; more than 1 only with `concurrency` above 1. */
  inFlight = 0;
  /** Requests that were sent ahead of their turn: it begins one when the one before is done. */
  ahead = 0;
  /** Requests it has taken, or that were sent ahead. */
  requests = 0;
  /** When it took its latest request. */
  startedMs = 0;
  /** How many requests its server had done by then. */
  doneBefore = 0;
  /** When it last finished a request, or became ready. */
  lastUsedMs = 0;
  #state: ThreadState = "starting";

  constructor(
    server: number,
    slot: number,
    spec: FunctionSpec,
    kind: ThreadKind = "loaded",
    isUrgent = false,
  ) {
    this.server = server;
    this.slot = slot;
    this.functionName = spec.functionName;
    this.pool = spec.pool;
    this.version = spec.version;
    this.revision = spec.revision;
    this.concurrency = spec.threads.concurrency;
    this.kind = kind;
    this.isUrgent = isUrgent;
  }

  get state(): ThreadState {
    return this.#state;
  }

  become(next: ThreadState): void {
    assert(LEGAL[this.#state].includes(next), `thread ${this.slot}: ${this.#state} to ${next}`);
    this.#state = next;
  }
}
