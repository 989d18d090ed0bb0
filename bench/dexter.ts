/** Runs dexter as a user does: a project in a folder, the built command, its ready line, its status. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child, run } from "./child.ts";
import { freePort, until } from "./http.ts";
import { COMPATIBILITY_DATE, START_TIMEOUT_MS } from "./peers/peer.ts";

const program = fileURLToPath(new URL("../bin/dexter.js", import.meta.url));
const STATUS_TIMEOUT_MS = 10_000;

/** The part of `dexter status --json` that the benchmark reads. */
export interface Status {
  readonly pid: number;
  readonly totals: { readonly busy: number; readonly idle: number; readonly starting: number };
  readonly servers: readonly {
    readonly slot: number;
    readonly pid: number;
    readonly threads: readonly { readonly state: string }[];
  }[];
}

/** Writes a project with these functions (name → TypeScript) into an existing folder. */
export function writeProject(folder: string, functions: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, "functions"), { recursive: true });
  const toml = `name = "bench"\ncompatibility_date = "${COMPATIBILITY_DATE}"\n`;
  writeFileSync(join(folder, "wrangler.toml"), toml);
  for (const [name, source] of Object.entries(functions)) {
    writeFileSync(join(folder, "functions", `${name}.ts`), source);
  }
}

export interface DexterOptions {
  readonly command: "start" | "dev";
  readonly folder: string;
  /** `name=value`; later ones win over the benchmark's own. */
  readonly set: readonly string[];
}

export interface Dexter {
  readonly origin: string;
  readonly child: Child;
  status(): Promise<Status>;
  stop(): Promise<void>;
}

/** Spawns dexter and returns at once, before it serves. */
export async function spawnDexter({ command, folder, set }: DexterOptions): Promise<Dexter> {
  const origin = `127.0.0.1:${await freePort()}`;
  const settings = ["num_servers=2", `listen=${origin}`, ...set].flatMap((pair) => ["--set", pair]);
  const child = new Child({
    name: `dexter ${command}`,
    command: process.execPath,
    args: [program, command, ...settings],
    cwd: folder,
    dieWithParent: true,
  });
  return {
    origin: `http://${origin}`,
    child,
    async status() {
      const args = [program, "status", "--json"];
      const text = await run({
        name: "dexter status",
        command: process.execPath,
        args,
        cwd: folder,
        timeoutMs: STATUS_TIMEOUT_MS,
      });
      return JSON.parse(text) as Status;
    },
    stop: () => child.stop(),
  };
}

/** Spawns dexter and waits for the line that says it is ready. */
export async function startDexter(options: DexterOptions): Promise<Dexter> {
  const dexter = await spawnDexter(options);
  try {
    await dexter.child.waitForOutput(/dexter is ready on http:\/\/\S+/, START_TIMEOUT_MS);
    return dexter;
  } catch (error) {
    await dexter.stop();
    throw error;
  }
}

/** Waits until no thread is starting or busy and the number of idle ones was the same twice. */
export function untilQuiet(dexter: Dexter): Promise<Status> {
  let before = -1;
  return until("dexter at rest", START_TIMEOUT_MS, 250, async () => {
    const status = await dexter.status();
    const { busy, idle, starting } = status.totals;
    const steady = busy === 0 && starting === 0 && idle === before;
    before = idle;
    return steady ? status : undefined;
  });
}
