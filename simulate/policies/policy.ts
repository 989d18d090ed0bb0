/** What the simulation wants of a policy. The scheduler's own `Fleet` is one as it is. */
import type { Effects } from "../../scheduler/policy/fleet.ts";
import type { ServerLoad } from "../../scheduler/policy/hot-threads.ts";
import type { FairQueue, Ticket } from "../../scheduler/policy/queue.ts";
import type { FunctionSpec, Thread } from "../../scheduler/policy/thread.ts";
import type { ThreadSettings } from "../../scheduler/types.ts";

/** A request, by its place among the arrivals. */
export interface Request {
  readonly place: number;
}

/** The directives that matter here; the thread settings are those of every function. */
export interface NodeSettings extends ThreadSettings {
  readonly servers: number;
  /** `max_threads_per_child`. */
  readonly maxThreads: number;
  /** `listen_backlog`. */
  readonly queue: number;
  readonly queueTimeoutMs: number;
}

export interface Policy {
  readonly queue: FairQueue<Request>;
  acquire(functionName: string, nowMs: number): Thread | undefined;
  wait(ticket: Ticket<Request>): void;
  release(thread: Thread, nowMs: number): void;
  loaded(thread: Thread, nowMs: number): void;
  ended(thread: Thread, nowMs: number): void;
  /** Once a second. */
  tick(nowMs: number): void;
  resume(nowMs: number): void;
  adapt?(server: number, load: ServerLoad | "idle", nowMs: number): void;
}

/** Sets a node up; threads that it asks for meanwhile are there when time begins. */
export type MakePolicy = (
  effects: Effects<Request>,
  node: NodeSettings,
  functions: readonly string[],
) => Policy;

/** A function of the simulation: one version, no secrets. */
export function specOf(name: string, threads: ThreadSettings): FunctionSpec {
  return { functionName: name, pool: name, version: "1", revision: "1", threads };
}
