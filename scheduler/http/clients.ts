/**
 * All clients of a node together: what they may take, what of answers and bodies waits in memory because of them, and
 * who is told when one of them goes too far.
 */
import type { IncidentDetails, IncidentKind } from "../limits/incidents.ts";
import type { NodeLimits } from "../types.ts";
import { Admission } from "./admission.ts";
import { Patience } from "./patience.ts";

export type ClientLimits = Omit<NodeLimits, "ofFunctions" | "retryBudget" | "maxSharePerClient">;

interface ClientsPorts {
  note(kind: IncidentKind, details: IncidentDetails, message: string): void;
  /** Whether requests wait for a thread. */
  isShort(): boolean;
  /** Whether this is the address of a proxy, behind which there are many clients. */
  isTrusted(address: string): boolean;
}

const NOBODY: ClientsPorts = { note() {}, isShort: () => false, isTrusted: () => false };

/** For listeners that stand for themselves. */
const NO_LIMITS: ClientLimits = {
  requestBufferBytes: 0,
  bodyTimeoutMs: 0,
  minRate: 0,
  responseBufferBytes: 0,
  maxBufferedBytes: 0,
  sendTimeoutMs: 0,
  maxConnections: 0,
  maxConnectionsPerClient: 0,
  maxStreams: 128,
};

/** While requests wait for threads, a client that holds one may pause for so long. */
const SHORT_PAUSE_MS = 2_000;

export class Clients {
  /** In force from now on. */
  limits: ClientLimits;
  /** What waits to be taken by clients, or to become whole, in all. */
  bufferedBytes = 0;
  readonly connections = new Admission(this);
  readonly patience = new Patience();
  readonly #ports: ClientsPorts;

  constructor(limits: ClientLimits = NO_LIMITS, ports: ClientsPorts = NOBODY) {
    this.limits = limits;
    this.#ports = ports;
  }

  get hasRoom(): boolean {
    return this.bufferedBytes < this.limits.maxBufferedBytes;
  }

  isTrusted(address: string): boolean {
    return this.#ports.isTrusted(address);
  }

  note(kind: IncidentKind, details: IncidentDetails, message: string): void {
    this.#ports.note(kind, details, message);
  }

  /**
   * How long a client may pause; 0 = as long as it likes.
   * @param holdsThread because of it a thread waits
   */
  pauseMs(limitMs: number, holdsThread: boolean): number {
    if (!holdsThread || limitMs === 0 || limitMs <= SHORT_PAUSE_MS || !this.#ports.isShort()) return limitMs;
    return SHORT_PAUSE_MS;
  }
}
