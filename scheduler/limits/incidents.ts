/**
 * What was refused, ended or killed because of a limit: a count for the metrics and the status, and a line in the log.
 * Many at once are one line, with their number: a client that goes too far must not fill the log.
 */

/** Every limit that can be hit, under the name that metrics and status show: mostly that of its directive. */
export const INCIDENTS = [
  "body_timeout",
  "min_rate",
  "send_timeout",
  "max_body_bytes",
  "max_connections",
  "http2_abuse",
  "max_connections_per_client",
  "max_share_per_client",
  "cpu_limit",
  "stopped_server",
  "response_timeout",
  "request_timeout",
  "retry",
  "retry_budget",
  "quarantine",
  "max_sockets",
  "idle_socket_timeout",
  "socket_protocol",
  "self_calls",
  "max_memory_per_child",
  "console_line",
  "allow_network",
] as const;

export type IncidentKind = (typeof INCIDENTS)[number];

/** Whom it concerns, as far as that is known. */
export interface IncidentDetails {
  readonly function?: string;
  readonly version?: string;
  readonly requestId?: string;
  readonly path?: string;
  readonly client?: string;
  readonly server?: number;
  readonly pid?: number;
}

interface IncidentLog {
  warn(details: object, message: string): void;
}

/** Further incidents of a kind within this time are counted, and told as one number. */
const QUIET_MS = 10_000;

interface Quiet {
  readonly untilMs: number;
  more: number;
}

export class Incidents {
  readonly #log: IncidentLog;
  readonly #counts = new Map<IncidentKind, Map<string, number>>();
  readonly #quiet = new Map<IncidentKind, Quiet>();

  constructor(log: IncidentLog) {
    this.#log = log;
  }

  /** @param message what happened, in the words of the log; @param always where each one is worth a line */
  note(kind: IncidentKind, details: IncidentDetails, message: string, always = false): void {
    const functionName = details.function ?? "";
    const ofKind = this.#counts.get(kind) ?? new Map<string, number>();
    ofKind.set(functionName, (ofKind.get(functionName) ?? 0) + 1);
    this.#counts.set(kind, ofKind);
    const nowMs = performance.now();
    const quiet = this.#quiet.get(kind);
    if (!always && quiet && nowMs < quiet.untilMs) return void quiet.more++;
    const more = quiet && quiet.more > 0 ? ` (and ${quiet.more} more like it before)` : "";
    this.#quiet.set(kind, { untilMs: nowMs + QUIET_MS, more: 0 });
    this.#log.warn({ limit: kind, ...details }, `${message}${more}`);
  }

  /** How often each happened, of those that did: by kind, then by function; "" = of no function. */
  get counts(): ReadonlyMap<IncidentKind, ReadonlyMap<string, number>> {
    return this.#counts;
  }
}
