/** What the policy asks of the world. It does nothing by itself. */
import type { Ticket } from "./queue.ts";
import type { Server } from "./server.ts";
import type { Thread } from "./thread.ts";

/** Why a request that waits gets no thread. */
export type RefusalCause = "full" | "timeout" | "load-failed";

export interface Effects<T> {
  /** Create the isolate; answer with `loaded` or `loadFailed`. */
  load(thread: Thread): void;
  /** End the isolate, which has no request left; answer with `ended`. */
  retire(thread: Thread): void;
  /** The request may go to the thread, which is already taken for it. */
  grant(ticket: Ticket<T>, thread: Thread): void;
  refuse(ticket: Ticket<T>, why: RefusalCause, reason?: string): void;
  /** A server has reached `max_threads_per_child` and would start another. */
  full(server: Server): void;
  /** The server has used most of its requests, or has drained: its owner should look at it, and may change the fleet at once. */
  due(server: Server): void;
  /** Call `resume` after so many milliseconds; sooner or more often does no harm. */
  wakeIn(ms: number): void;
}

/** Those that concern threads, whatever a request is. */
export type ThreadEffects = Pick<Effects<never>, "load" | "retire" | "full" | "due">;
