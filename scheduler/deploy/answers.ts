/** What may be asked of a deploy, and what is told of deploys, rollbacks, deletes and versions. */
import type { CanarySettings } from "../policy/canary.ts";
import type { Change } from "./pointer.ts";

/** What came of a delete. */
export interface Removed {
  /** Whether the project's own function serves now. */
  readonly restored: boolean;
  /** Why it does not, though there is one. */
  readonly failure?: string;
}

/** What came of a deploy or a rollback. */
export interface Deployed {
  readonly function: string;
  readonly version: string;
  /** What was live before; absent for a new function. */
  readonly previous?: string;
  /** Whether it is another version than before. */
  readonly changed: boolean;
  readonly routes: readonly string[];
  /** The part of the requests that the version gets, as long as it is on trial. */
  readonly canaryPercent?: number;
}

/** One version of `dexter versions`. */
export interface VersionStatus {
  readonly version: string;
  readonly live: boolean;
  readonly bytes: number;
  readonly storedAt: string;
  /** How it last became live; absent if it never was. */
  readonly last?: Change;
}

export interface DeployOptions {
  /** Who asks, for the history. */
  readonly by: string;
  /** Prove it and say what would happen, nothing more. */
  readonly dryRun?: boolean;
  /** Give it a part of the requests first, and see. */
  readonly canary?: CanarySettings;
}
