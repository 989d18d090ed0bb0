/** A bad project, and what must be said of it. */
import type { TestContext } from "node:test";
import type { Folder } from "../support/function.ts";

export interface Bad {
  readonly title: string;
  /** Beside a good wrangler.toml and functions/hello.js, unless they are here. `null` leaves a file out. */
  readonly files?: Readonly<Record<string, string | Uint8Array | null>>;
  /** Lines of the [dexter] table. */
  readonly dexter?: string;
  readonly args?: readonly string[];
  /** The commands that must find it; `check` by default. */
  readonly by?: readonly ("check" | "start" | "dev")[];
  /** All must be in what is said. */
  readonly says: readonly (string | RegExp)[];
  /** Run by a user who may do nothing special. */
  readonly unprivileged?: boolean;
  readonly skip?: string | false;
  /** Runs in the folder before the commands; gives further arguments. */
  readonly prepare?: (folder: Folder, test: TestContext) => Promise<readonly string[] | undefined>;
}

export const GOOD = "export default { fetch() { return new Response('hello'); } };\n";
export const DATE = 'compatibility_date = "2026-11-01"\n';
