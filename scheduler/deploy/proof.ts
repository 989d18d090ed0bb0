/** How a change of a function proves itself before anything of it counts, whoever asked for it. */
import { DexterError } from "../errors.ts";
import type { Logger } from "../logs/logger.ts";
import type { Version } from "../types.ts";
import type { Candidate, Deployer } from "./deployer.ts";
import type { DeployedFunction } from "./registry.ts";

export interface ProofPorts {
  readonly deployer: Deployer;
  readonly log: Logger;
  /** What the failure says; one of the function's own with its stack in the sources' positions. */
  textOf(failure: DexterError): string;
}

/**
 * Loads what the entry's version would be in threads.
 * @param what the change, for the log
 * @param version what the entry is to be made of; what its builder builds, if it is not given
 * @returns what may be finished; undefined when that is live already
 * @throws NOT_PROVED, with the stack in the sources' positions; what the node itself is to blame for, as it is
 */
export async function prove(
  { deployer, log, textOf }: ProofPorts,
  entry: DeployedFunction,
  what: string,
  version?: Version,
): Promise<Candidate | undefined> {
  try {
    return await deployer.prepare(entry, version);
  } catch (cause) {
    if (!(cause instanceof DexterError)) throw cause;
    const reason = textOf(cause);
    log.warn(
      { function: entry.config.name },
      `${what} failed, and the live version has not changed: ${reason}`,
    );
    if (cause.adminStatus === undefined || cause.adminStatus >= 500) throw cause;
    throw new DexterError("NOT_PROVED", { reason }, { cause });
  }
}
