/** What of a project's settings concerns the servers, and what cannot change while they run. */
import { statSync } from "node:fs";
import { DexterError } from "../errors.ts";
import { RESIDENTS_AFTER_MS } from "../policy/residency.ts";
import { resolveAccount } from "../system/accounts.ts";
import { runtimeModule } from "../system/built-file.ts";
import { runDirectory } from "../system/paths.ts";
import type { NodeConfig } from "../types.ts";
import type { SupervisorSettings } from "./supervision.ts";

/** How the node is run. */
export interface Mode {
  readonly dev: boolean;
  /** Debuggers may attach: see scheduler/dev/inspect.ts. */
  readonly inspect?: boolean;
}

const RESIDENTS = { off: "none", on: "hot", always: "all" } as const;

/** Throws UNKNOWN_USER, NOT_ROOT, or CONFIG_INVALID for a core dump directory that is none. */
export function supervisorSettings(node: NodeConfig, { dev, inspect = false }: Mode): SupervisorSettings {
  const { coreDumpDirectory } = node;
  if (coreDumpDirectory !== undefined && !isFolder(coreDumpDirectory)) {
    const reason = `core_dump_directory: ${coreDumpDirectory} is not a folder; create it, or name another`;
    throw new DexterError("CONFIG_INVALID", { reason });
  }
  return {
    numServers: node.numServers,
    maxThreadsPerChild: node.maxThreadsPerChild,
    maxRequestsPerChild: node.maxRequestsPerChild,
    recycleAfterMs: node.recycleAfterMs,
    stopTimeoutMs: node.stopTimeoutMs,
    residents: dev && !inspect ? "none" : RESIDENTS[node.residentThreads],
    residentsAfterMs: inspect ? 0 : RESIDENTS_AFTER_MS,
    directoryOf: (slot, generation) => `${runDirectory(node.dataDir)}/${slot}.${generation}`,
    server: {
      hostModule: runtimeModule("host"),
      inspector: inspect,
      allowNetwork: node.allowNetwork,
      v8Flags: node.v8Flags,
      ...resolveAccount(node.user, node.group),
      ...(coreDumpDirectory === undefined ? {} : { coreDumpDirectory }),
    },
  };
}

/** A server that does not start has its reason in workerd's words; where a directive is to blame, it is named. */
export function startFailure(error: unknown): unknown {
  if (!(error instanceof DexterError) || error.code !== "SERVER_FAILED") return error;
  const flag = /unrecognized V8 flag.*= (--\S+)/.exec(error.message)?.[1];
  if (flag === undefined) return error;
  const reason = `v8_flags: workerd knows no V8 flag ${flag}; look for a misspelling, or remove it`;
  return new DexterError("CONFIG_INVALID", { reason }, { cause: error });
}

/** Whether a change between the two takes a restart of the servers to come into force. */
export function needsRestart(before: SupervisorSettings, after: SupervisorSettings): boolean {
  return JSON.stringify(before) !== JSON.stringify(after);
}

/** By these a running node is found and told apart from others. Throws CONFIG_INVALID when one changes. */
export function checkIdentity(before: NodeConfig, after: NodeConfig): void {
  const fixed = {
    data_dir: "dataDir",
    lock_file: "lockFile",
    pid_file: "pidFile",
    secret_key_file: "secretKeyFile",
  } as const;
  for (const [directive, key] of Object.entries(fixed)) {
    if (before[key] === after[key]) continue;
    const change = `from ${before[key]} to ${after[key]}`;
    const reason = `${directive}: cannot change while dexter runs (${change}); stop it and start it again`;
    throw new DexterError("CONFIG_INVALID", { reason });
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
