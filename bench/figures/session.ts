/** Runs one piece of work against a dexter in a folder of its own, and clears both away. */

import { temporaryFolder } from "../cleanup.ts";
import {
  type Dexter,
  type DexterOptions,
  type Functions,
  spawnDexter,
  startDexter,
  writeProject,
} from "../dexter.ts";
import { Connection } from "../http.ts";

export interface Session {
  readonly dexter: Dexter;
  readonly connection: Connection;
  readonly folder: string;
  /** `performance.now()` just before the process was spawned. */
  readonly spawnedAt: number;
}

export interface SessionOptions extends Omit<DexterOptions, "folder"> {
  readonly functions: Functions;
  /** Begin the work before dexter says that it is ready. */
  readonly early?: boolean;
}

/** Throws what the work throws, and if dexter ends before the work does. */
export async function withDexter<T>(
  options: SessionOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const scratch = temporaryFolder();
  const connection = new Connection();
  let dexter: Dexter | undefined;
  try {
    writeProject(scratch.path, options.functions);
    const spawnedAt = performance.now();
    dexter = await (options.early ? spawnDexter : startDexter)({ ...options, folder: scratch.path });
    const session = { dexter, connection, folder: scratch.path, spawnedAt };
    return await Promise.race([work(session), dexter.child.untilExit()]);
  } finally {
    connection.close();
    await dexter?.stop();
    scratch.remove();
  }
}
