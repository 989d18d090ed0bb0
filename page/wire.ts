/**
 * What the scheduler tells the status page, and the only file that both import. Times are ISO 8601, durations
 * milliseconds unless a name says otherwise.
 */

interface RequestState {
  readonly method: string;
  readonly path: string;
  readonly seconds: number;
}

export interface ThreadStatus {
  readonly slot: number;
  readonly state: "starting" | "idle" | "busy" | "retiring";
  readonly function: string;
  readonly kind: "loaded" | "resident";
  readonly requests: number;
  readonly serving?: readonly RequestState[];
}

export interface ServerState {
  readonly slot: number;
  readonly pid: number;
  readonly generation: number;
  readonly state: "starting" | "running" | "draining";
  readonly requests: number;
  readonly rssBytes: number;
  readonly threads: readonly ThreadStatus[];
}

/** What requests were like in a time that is over. */
export interface Figures {
  readonly perSecond: number;
  /** Answers with 5xx, and those that were cut off. */
  readonly errors: number;
  /** null where there was no request. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface FunctionState {
  readonly name: string;
  readonly version: string;
  readonly idle: number;
  readonly busy: number;
  readonly starting: number;
  readonly queued: number;
  /** A new version that gets a part of the requests. */
  readonly canary?: { readonly version: string; readonly percent: number };
}

/** What `dexter status --json` prints, as far as the page reads it. */
interface NodeState {
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly totals: { readonly busy: number; readonly idle: number; readonly starting: number } & {
    readonly requests: number;
    readonly queued: number;
    readonly rejected: number;
  };
  readonly servers: readonly ServerState[];
  readonly functions: readonly FunctionState[];
}

/** The node, or one function, in some seconds of the last 15 minutes. */
export interface Sample extends Figures {
  /** When these seconds ended. */
  readonly at: string;
  readonly requests: number;
  readonly queued: number;
  readonly busy: number;
  readonly idle: number;
}

/** A request that failed; or several, one after the other, that failed in the same way. */
export interface Failure {
  /** The same when it is told again with another count. */
  readonly key: number;
  readonly count: number;
  /** Of the latest, as all that follows. */
  readonly time: string;
  readonly id: string;
  readonly function: string;
  readonly version?: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  /** The stack, in the sources' positions, or why there was no answer. */
  readonly text: string;
}

/** A version became live. */
export interface Deploy {
  readonly function: string;
  readonly action: string;
  readonly version: string;
  readonly at: string;
  readonly by: string;
  /** It is live now. */
  readonly live: boolean;
  /** The node could make it live again. */
  readonly kept: boolean;
}

/** `GET /history`. */
export interface HistoryAnswer {
  readonly everySeconds: number;
  readonly samples: readonly Sample[];
  readonly failures: readonly Failure[];
  readonly deploys: readonly Deploy[];
}

/** One line of `GET /live`. */
export interface LiveState {
  /** Give it as `after` to get only what is new since. */
  readonly cursor: string;
  /** Whether samples and failures are all there are, and not what came since the cursor. */
  readonly whole: boolean;
  readonly time: string;
  readonly status: NodeState;
  /** The most threads in a server. */
  readonly slotsPerServer: number;
  /** Of the last minute, but for `perSecond`, which is of the last seconds. */
  readonly figures: {
    readonly node: Figures;
    readonly functions: Readonly<Record<string, Figures>>;
  };
  readonly samples: readonly Sample[];
  readonly failures: readonly Failure[];
  /** Absent where nothing has changed. */
  readonly deploys?: readonly Deploy[];
}

/** The last line of `GET /live`, when the node stops. */
export interface LiveEnd {
  readonly end: true;
}

/** `GET /caller`. */
export interface CallerAnswer {
  readonly name: string;
  readonly scope: "none" | "read" | "deploy" | "admin";
  readonly functions?: readonly string[];
}
