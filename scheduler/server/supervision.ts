/** What the supervisor is told, and what it tells: its settings and its ports. */
import type { VersionPayload } from "../../runtime/protocol.ts";
import type { DexterError } from "../errors.ts";
import type { FunctionSpec, Thread } from "../policy/thread.ts";
import type { Condition } from "./health.ts";
import type { OutputStream, ServerOptions } from "./launch.ts";
import type { Member } from "./member.ts";

/** What the supervisor keeps to. Replaced as a whole by `configure`. */
export interface SupervisorSettings {
  readonly numServers: number;
  /** The number of its first slot: 0, but for servers that are kept apart. */
  readonly firstSlot: number;
  readonly maxThreadsPerChild: number;
  readonly maxRequestsPerChild: number;
  /** How old a server becomes at least before its requests end it; 0 = they are a limit. */
  readonly recycleAfterMs: number;
  readonly stopTimeoutMs: number;
  /** All of a server's options but its place. */
  readonly server: Omit<
    ServerOptions,
    "slot" | "generation" | "directory" | "threadSlots" | "residents" | "onLine"
  >;
  /** Whose threads generations are born with: of no function, of hot ones, of all active ones. */
  readonly residents: "none" | "hot" | "all";
  /** For so long servers and versions are left alone before a server is replaced for resident threads. */
  readonly residentsAfterMs: number;
  /** A folder for a generation's sockets. */
  directoryOf(slot: number, generation: number): string;
}

/** Why a generation has to take the place of another. */
export const RESTART_CAUSES = ["crash", "failed-start", "recycle", "reload", "residents"] as const;
export type RestartCause = (typeof RESTART_CAUSES)[number];

export interface SupervisorPorts {
  payload(revision: string): VersionPayload | undefined;
  /** Whether such threads may be resident. */
  mayReside(spec: FunctionSpec): boolean;
  /** @param cut bytes that are missing at the end of a line that was too long */
  onLine(line: string, stream: OutputStream, member: Member, cut: number): void;
  /** A server became ready, was replaced, died, …: one line for the log. */
  onEvent(level: "info" | "warn" | "error", event: string, details: Record<string, unknown>): void;
  /** The server in the slot is to be replaced, or has to be because it ended. */
  onRestart(slot: number, cause: RestartCause): void;
  onLoaded(thread: Thread, tookMs: number): void;
  onLoadFailed(thread: Thread, reason: DexterError): void;
  /** What is still open in the server that the fleet knows by this key will be cut off in a moment. */
  onCut(key: number): void;
  /** The server that the fleet knew by this key is gone. */
  onExit(key: number): void;
  /** A server is known to live, after a connection to it was lost. */
  onAlive(key: number): void;
  /** The CPU time that what is in the server may take in a row, in ms. */
  cpuLimitMs(key: number): number;
  /** A server runs away or stands still, and is about to be killed. */
  onHung(member: Member, condition: Exclude<Condition, "fine">): void;
  /** A server has died that was not to; not by a signal from outside, and its requests are not lost yet. */
  onCrash(member: Member): void;
  /** What should be has been compared with what is, as it is every second. */
  onPass(): void;
}
