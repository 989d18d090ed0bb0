/** How many requests dexter has in progress, looked up in its status. */

import { assertAnswered, type LoadCount } from "../load/generator.ts";
import type { DriveContext } from "./drive.ts";

/** The headings of the figures. */
export const IN_PROGRESS = "most in progress ÷ allowed";
export const MOST_BUSY = "most in progress";
/** How often the status is looked at; so many seconds of load go with it. */
const LOOKS = 3;

/** Under further load, so that looking at the status takes nothing from what is measured. */
export async function inProgress(
  { workload, peer }: DriveContext,
  load: (seconds: number) => Promise<LoadCount>,
): Promise<Record<string, number>> {
  const { dexter } = peer;
  if (!workload.inProgress || !dexter) return {};
  const more = load(LOOKS);
  let most = 0;
  for (let look = 0; look < LOOKS; look++) most = Math.max(most, (await dexter.status()).totals.busy);
  assertAnswered(await more);
  return { [IN_PROGRESS]: most / dexter.law, [MOST_BUSY]: most };
}
