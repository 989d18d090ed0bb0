/** What of a project's settings concerns the servers, and what cannot change while they run. */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { REFUSED_DIRECTIVES } from "../config/directives.ts";
import { DexterError } from "../errors.ts";
import { RESIDENTS_AFTER_MS } from "../policy/residency.ts";
import { resolveAccount } from "../system/accounts.ts";
import { runtimeModule } from "../system/built-file.ts";
import { runDirectory } from "../system/paths.ts";
import { isSame } from "../system/same.ts";
import type { NodeConfig } from "../types.ts";
import type { SupervisorSettings } from "./supervision.ts";

/** How the node is run. */
interface Mode {
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
    firstSlot: 0,
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
  // Made anew each time, of the data directory, which stays.
  const { directoryOf: _, ...known } = before;
  const { directoryOf: __, ...wanted } = after;
  return !isSame(known, wanted);
}

/** Throws CONFIG_INVALID when a directive changes by which a running node is found. */
export function checkIdentity(before: NodeConfig, after: NodeConfig): void {
  for (const directive of REFUSED_DIRECTIVES) {
    const key = directive.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    assert(isSetting(key, before), `${directive} has another name in NodeConfig`);
    if (before[key] === after[key]) continue;
    const change = `from ${before[key]} to ${after[key]}`;
    const reason = `${directive}: cannot change while dexter runs (${change}); stop it and start it again`;
    throw new DexterError("CONFIG_INVALID", { reason });
  }
}

function isSetting(key: string, node: NodeConfig): key is keyof NodeConfig {
  return key in node;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
