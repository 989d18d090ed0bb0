/**
 * The functions under test, once as services of a plain workerd and once as a dexter project. The files in
 * `functions/` are single modules (or list theirs here), so that plain workerd runs them as they are.
 */
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startDexter } from "../support/dexter.ts";
import { type PlainModuleKind, type PlainService, startWorkerd } from "../support/workerd.ts";
import type { Target } from "./driver.ts";

export const COMPATIBILITY_DATE = "2026-11-01";

/** Without it `request.signal` never aborts. */
const COMPATIBILITY_FLAGS = ["enable_request_signal"];

/** The witness listens on 127.0.0.1, which is thereby allowed; 127.0.0.2 is the origin that is not. */
export const ALLOWED_NETWORK = ["127.0.0.1/32"];

const folder = fileURLToPath(new URL("functions", import.meta.url));

const singleModule = [
  "crypto",
  "echo",
  "entry",
  "fail",
  "field",
  "frozen",
  "instance",
  "life",
  "nodejs",
  "outbound",
  "respond",
  "shape",
  "socket",
  "stream",
  "upload",
  "web",
] as const;

/** Functions of several modules: the kinds are those that DESIGN's bundling rules give the extensions. */
const imported: readonly (readonly [file: string, kind: PlainModuleKind])[] = [
  ["bytes.bin", "data"],
  ["data.json", "json"],
  ["page.html", "text"],
  ["query.sql", "text"],
  ["add.wasm", "wasm"],
  ["note.txt", "text"],
];

/** The same values as in `functions/vars/wrangler.toml`. */
const vars = {
  TEXT: "a text",
  EMPTY: "",
  UNICODE: 'caf\u00e9 "quoted" \\ \u2713\nnext line',
  NUMBER: 42,
  FLAG: true,
  LIST: [1, "two", [3]],
  OBJECT: { a: 1, list: ["x"], deep: { er: { still: "here" } } },
};

const main = (name: string, file: string) => ({ name: `${name}.js`, kind: "esModule", file }) as const;

function plainServices(): PlainService[] {
  const modules = imported.map(([name, kind]) => ({ name, kind, file: join(folder, "modules", name) }));
  return [
    ...singleModule.map((name) => ({
      name,
      modules: [main(name, join(folder, `${name}.js`))],
      compatibilityFlags: COMPATIBILITY_FLAGS,
    })),
    {
      name: "modules",
      modules: [main("index", join(folder, "modules", "index.js")), ...modules],
      compatibilityFlags: COMPATIBILITY_FLAGS,
    },
    {
      name: "vars",
      modules: [main("index", join(folder, "vars", "index.js"))],
      vars,
      compatibilityFlags: ["nodejs_compat"],
    },
  ];
}

/** A target with what it takes to end it and to explain a failure. */
export interface RunningTarget extends Target {
  output(): string;
  stop(): Promise<void>;
}

export async function startPlainTarget(name: string): Promise<RunningTarget> {
  const workerd = await startWorkerd({
    services: plainServices(),
    compatibilityDate: COMPATIBILITY_DATE,
    allowNetwork: ALLOWED_NETWORK,
  });
  return { name, port: workerd.port, output: workerd.output, stop: workerd.stop };
}

/** A dexter of two servers with few spare threads: every function stays warm, and isolates do differ. */
export async function startDexterTarget(name: string): Promise<RunningTarget> {
  const dir = await mkdtemp(join(tmpdir(), "dexter-fidelity-"));
  const remove = () => rm(dir, { recursive: true, force: true });
  try {
    await cp(folder, join(dir, "functions"), { recursive: true });
    await writeFile(join(dir, "wrangler.toml"), projectConfig());
    const dexter = await startDexter({ dir });
    return {
      name,
      port: () => dexter.port,
      output: dexter.output,
      async stop() {
        await dexter.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

function projectConfig(): string {
  return [
    `name = "fidelity"`,
    `compatibility_date = ${JSON.stringify(COMPATIBILITY_DATE)}`,
    `compatibility_flags = ${JSON.stringify(COMPATIBILITY_FLAGS)}`,
    `[dexter]`,
    `num_servers = 2`,
    `start_threads = 1`,
    `min_spare_threads = 1`,
    `max_spare_threads = 2`,
    `max_threads_per_child = 64`,
    `allow_network = ${JSON.stringify(ALLOWED_NETWORK)}`,
    "",
  ].join("\n");
}
