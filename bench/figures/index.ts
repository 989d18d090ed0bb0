/** The latency section: figures of single requests, and memory at rest. Only dexter is asked. */

import { progress } from "../progress.ts";
import type { Spread } from "../statistics.ts";
import { measureCold } from "./cold.ts";
import { showDensity } from "./density.ts";
import { type DeployFigures, measureDeploy } from "./deploy.ts";
import { type IdleFigures, measureIdle } from "./idle.ts";
import { measureReload } from "./reload.ts";
import { measureStartup } from "./startup.ts";

/** Times in milliseconds. */
export interface LatencyFigures {
  readonly reload: Spread;
  readonly cold: Spread;
  readonly startup: Spread;
  readonly deploy: DeployFigures;
  /** Absent where the system has no /proc. */
  readonly idle?: IdleFigures;
}

/** Measures all of them, one after the other. `set`: directives for dexter, `name=value`. */
export async function measureLatency(set: readonly string[]): Promise<LatencyFigures> {
  progress("latency: save to served in `dexter dev`");
  const reload = await measureReload(set);
  progress("latency: first request to a cold function");
  const cold = await measureCold(set);
  progress("latency: `dexter start` to the first 200");
  const startup = await measureStartup(set);
  progress("latency: deploy of 100 KB to live");
  const deploy = await measureDeploy(set);
  progress("latency: memory at rest");
  const idle = await measureIdle(set);
  await showDensity(set);
  return { reload, cold, startup, deploy, ...(idle && { idle }) };
}
