/** What a node finds in its store when it starts: of each function the version that is live, or the last good one. */
import type { Logger } from "../logs/logger.ts";
import type { FunctionPackage } from "../versions/package.ts";
import { type Change, changed, type Pointer } from "./pointer.ts";
import type { Store } from "./store.ts";

/** A deployed function with a version that is good. */
interface Recovered {
  readonly pointer: Pointer;
  readonly given: FunctionPackage;
}

/**
 * Reads the store. A damaged version is refused by name, and the last good one serves in its place.
 * @returns the functions, those deployed first in front, and the names of those without a version that is good
 */
export async function recover(store: Store, log: Logger): Promise<{ found: Recovered[]; broken: string[] }> {
  await store.open();
  const found: Recovered[] = [];
  const broken: string[] = [];
  for (const name of await store.functions()) {
    const recovered = await recoverOne(store, log, name);
    if (recovered) found.push(recovered);
    else broken.push(name);
  }
  found.sort((a, b) => (a.pointer.since < b.pointer.since ? -1 : 1));
  return { found, broken };
}

async function recoverOne(store: Store, log: Logger, name: string): Promise<Recovered | undefined> {
  const pointer = await store.pointer(name);
  if (pointer === undefined)
    log.error(`${name}: the file that names its live version is damaged; the last good version serves`);
  const versions = (await store.versions(name)).map(({ id }) => id);
  const before = pointer?.changes.map(({ version }) => version) ?? [];
  for (const id of new Set([...(pointer ? [pointer.version] : []), ...before, ...versions])) {
    if (!versions.includes(id)) continue;
    try {
      const given = await store.read(name, id);
      if (pointer && id !== pointer.version) log.error(`${name}: version ${id} serves, the last good one`);
      const at = new Date().toISOString();
      const change: Change = { action: "deploy", version: id, at, by: "repair" };
      if (pointer?.version === id) return { pointer, given };
      return { pointer: changed(pointer, change), given };
    } catch (error) {
      log.error(`${name}: ${(error as Error).message}`);
    }
  }
  log.error(`${name}: no good version is left; deploy it again, or run \`dexter delete ${name}\``);
  return undefined;
}
