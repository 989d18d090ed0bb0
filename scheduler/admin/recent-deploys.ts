/** The last changes of what is live, over all functions. */
import type { Deploy } from "../../page/wire.ts";
import type { Deployments } from "../deploy/deployments.ts";
import type { Sees } from "../history/history.ts";

const MOST = 50;

/** The latest first. Which versions are kept is read from the store. */
export async function recentDeploys(
  deployments: Pick<Deployments, "pointers" | "versions">,
  sees?: Sees,
): Promise<Deploy[]> {
  const seen = [...deployments.pointers].filter(([name]) => sees === undefined || sees(name));
  const changes = seen.flatMap(([name, { version, changes }]) =>
    changes.map((change) => ({ function: name, ...change, live: change.version === version })),
  );
  const latest = changes.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, MOST);
  const kept = new Set<string>();
  for (const name of new Set(latest.map((change) => change.function))) {
    // It may be deleted meanwhile.
    const versions = await deployments.versions(name).catch(() => []);
    for (const { version } of versions) kept.add(`${name} ${version}`);
  }
  return latest.map((change) => ({ ...change, kept: kept.has(`${change.function} ${change.version}`) }));
}
