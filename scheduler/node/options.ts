/** What whoever runs a node decides, beside its project. */
import type { Logs } from "../logs/logs.ts";
import type { RequestRecord } from "../logs/request-record.ts";
import type { Notifier } from "../system/notify.ts";
import type { Tracer } from "../tracing/tracer.ts";
import type { Project } from "../types.ts";

export interface NodeOptions {
  readonly dev: boolean;
  /** Debuggers may attach; the project is one that `inspectable` made. */
  readonly inspect?: boolean;
  /** Open; they outlive the node. */
  readonly logs: Logs;
  /** Reads the configuration again, as the command line said. */
  readonly readProject: () => Promise<Project>;
  readonly tracer: Tracer;
  /** How long a function may take to load, instead of LOAD_WITHIN_MS. */
  readonly loadWithinMs?: number;
  readonly onRequest?: (request: RequestRecord) => void;
  /** Is told how the node is. */
  readonly notifier?: Notifier;
  /** Somebody asked over the admin socket. */
  readonly onStop: (graceful: boolean) => void;
  /** Gives up a start that is under way. */
  readonly signal?: AbortSignal;
}
