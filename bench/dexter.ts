/** Runs dexter as a user does: a project in a folder, the built command, its ready line, its status. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child, run } from "./child.ts";
import { freePort, until } from "./http.ts";
import { COMPATIBILITY_DATE, START_TIMEOUT_MS } from "./peers/peer.ts";
import type { Status } from "./status.ts";

export const COMMAND_FILE = fileURLToPath(new URL("../bin/dexter.js", import.meta.url));
const STATUS_TIMEOUT_MS = 10_000;

/** Name → TypeScript, with the function's own `[dexter]` table if it has one. */
export type Functions = Readonly<Record<string, string | { readonly source: string; readonly own: string }>>;

const projectToml = `name = "bench"\ncompatibility_date = "${COMPATIBILITY_DATE}"\n`;

/** Writes a project with these functions into an existing folder. */
export function writeProject(folder: string, functions: Functions): void {
  mkdirSync(join(folder, "functions"), { recursive: true });
  writeFileSync(join(folder, "wrangler.toml"), projectToml);
  for (const [name, fn] of Object.entries(functions)) {
    if (typeof fn === "string") {
      writeFileSync(join(folder, "functions", `${name}.ts`), fn);
      continue;
    }
    mkdirSync(join(folder, "functions", name));
    writeFileSync(join(folder, "functions", name, "index.ts"), fn.source);
    const toml = `name = "${name}"\nmain = "index.ts"\n[dexter]\n${fn.own}`;
    writeFileSync(join(folder, "functions", name, "wrangler.toml"), toml);
  }
}

/** A number among `name=value` settings; the last one counts. */
export function settingOf(set: readonly string[], name: string, fallback: number): number {
  const given = set.findLast((pair) => pair.startsWith(`${name}=`));
  return given === undefined ? fallback : Number(given.slice(name.length + 1));
}

export const OWN_SETTINGS = ["num_servers=2"];

export interface DexterOptions {
  readonly command: "start" | "dev";
  readonly folder: string;
  /** `name=value`; later ones win over the benchmark's own. */
  readonly set: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `bin/dexter.js` of another clone; this one's if it is left out. */
  readonly commandFile?: string;
}

export interface Dexter {
  readonly origin: string;
  readonly child: Child;
  status(): Promise<Status>;
  stop(): Promise<void>;
}

/** Spawns dexter and returns at once, before it serves. */
export async function spawnDexter({
  command,
  folder,
  set,
  env,
  commandFile = COMMAND_FILE,
}: DexterOptions): Promise<Dexter> {
  const origin = `127.0.0.1:${await freePort()}`;
  const settings = [...OWN_SETTINGS, `listen=${origin}`, ...set].flatMap((pair) => ["--set", pair]);
  const child = new Child({
    name: `dexter ${command}`,
    command: commandFile,
    args: [command, ...settings],
    cwd: folder,
    ...(env && { env }),
    dieWithParent: true,
  });
  return {
    origin: `http://${origin}`,
    child,
    async status() {
      const args = [commandFile, "status", "--json"];
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
    await dexter.child.waitForOutput(/dexter is ready on http:\/\//, START_TIMEOUT_MS);
    return dexter;
  } catch (error) {
    await dexter.stop();
    throw error;
  }
}

/** Waits until no thread is starting or busy and the number of idle ones was the same twice. */
export function untilQuiet(dexter: Pick<Dexter, "status">): Promise<Status> {
  let before = -1;
  return until("dexter at rest", START_TIMEOUT_MS, 250, async () => {
    const status = await dexter.status();
    const { busy, idle, starting } = status.totals;
    const steady = busy === 0 && starting === 0 && idle === before;
    before = idle;
    return steady ? status : undefined;
  });
}
