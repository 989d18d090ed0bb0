/**
 * The functions under test, once as services of a plain workerd and once as a dexter project. The files in
 * `functions/` are single modules (or list theirs here), so that plain workerd runs them as they are.
 */
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NodeStatus } from "../../scheduler/status/status.ts";
import { makeCertificate, writeCertificate } from "../support/certificates.ts";
import { type RunningDexter, startDexter } from "../support/dexter.ts";
import { until } from "../support/node.ts";
import { type PlainModuleKind, type PlainService, startWorkerd } from "../support/workerd.ts";
import type { Protocol, Target } from "./driver.ts";

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

/** A function that is not bundled. */
const asTheyAre: readonly (readonly [file: string, kind: PlainModuleKind])[] = [
  ["lib/half.js", "esModule"],
  ["note.txt", "text"],
  ["old.cjs", "commonJsModule"],
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
  CONTROL: "\u0001 and \u007f",
};

const main = (name: string, file: string) => ({ name: `${name}.js`, kind: "esModule", file }) as const;

function plainServices(): PlainService[] {
  const unbundled = asTheyAre.map(([name, kind]) => ({ name, kind, file: join(folder, "unbundled", name) }));
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
      name: "unbundled",
      modules: [main("index", join(folder, "unbundled", "index.js")), ...unbundled],
      compatibilityFlags: ["nodejs_compat"],
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
  return { name, protocol: "http1", port: workerd.port, output: workerd.output, stop: workerd.stop };
}

export type ThreadKind = "loaded" | "resident";

export interface DexterTarget extends RunningTarget {
  /** The same dexter, by another version of HTTP. */
  over(protocol: Protocol): Target;
  /** How many requests threads of each kind have taken. */
  requests(): Promise<Readonly<Record<ThreadKind, number>>>;
}

/** A dexter whose requests go to threads of one kind. It has two servers, and several isolates of a function. */
export async function startDexterTarget(name: string, kind: ThreadKind): Promise<DexterTarget> {
  const dir = await mkdtemp(join(tmpdir(), "dexter-fidelity-"));
  const remove = () => rm(dir, { recursive: true, force: true });
  try {
    await cp(folder, join(dir, "functions"), { recursive: true });
    await writeFile(join(dir, "wrangler.toml"), projectConfig(DIRECTIVES[kind]));
    await writeCertificate(dir, "site", await makeCertificate(["localhost", "*.localhost"]));
    const dexter = await startDexter({ dir, args: ["--set", "listen=127.0.0.1:0,https://127.0.0.1:0"] });
    if (kind === "resident") await untilAllReside(dexter);
    const securePort = Number(/https:\/\/127\.0\.0\.1:(\d+)/.exec(dexter.output())?.[1]);
    const ports = { http1: dexter.port, https1: securePort, http2: securePort };
    return {
      name,
      protocol: "http1",
      port: () => dexter.port,
      over: (protocol) => ({ name: `${name}, ${protocol}`, protocol, port: () => ports[protocol] }),
      output: dexter.output,
      requests: async () => countByKind(await dexter.status()),
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

/** Few spare threads: every function stays warm. Of resident ones, as many as a case may need at once. */
const DIRECTIVES: Readonly<Record<ThreadKind, readonly string[]>> = {
  loaded: [
    `resident_threads = "off"`,
    `start_threads = 1`,
    `min_spare_threads = 1`,
    `max_spare_threads = 2`,
    `max_threads_per_child = 64`,
  ],
  resident: [
    `resident_threads = "always"`,
    `start_threads = 3`,
    `min_spare_threads = 0`,
    `max_spare_threads = 3`,
    `max_threads_per_child = 128`,
  ],
};

/** Waits for the second generation of both servers: the first is without, so that a version proves itself loaded. */
async function untilAllReside(dexter: RunningDexter): Promise<void> {
  const functions = [...singleModule, "modules", "unbundled", "vars"].length;
  await until(
    "every function has resident threads in every server",
    async () => {
      const { servers } = (await dexter.status()) as NodeStatus;
      const threads = servers.flatMap((server) => server.threads);
      return (
        servers.length === 2 && threads.filter(({ kind }) => kind === "resident").length === 6 * functions
      );
    },
    30_000,
  );
}

function countByKind(status: NodeStatus): Record<ThreadKind, number> {
  const threads = status.servers.flatMap((server) => server.threads);
  const of = (kind: ThreadKind) => threads.filter((thread) => thread.kind === kind);
  const sum = (kind: ThreadKind) => of(kind).reduce((total, { requests }) => total + requests, 0);
  return { loaded: sum("loaded"), resident: sum("resident") };
}

function projectConfig(directives: readonly string[]): string {
  return [
    `name = "fidelity"`,
    `compatibility_date = ${JSON.stringify(COMPATIBILITY_DATE)}`,
    `compatibility_flags = ${JSON.stringify(COMPATIBILITY_FLAGS)}`,
    `[dexter]`,
    `num_servers = 2`,
    // A handler is to see a body before it is whole, as on plain workerd.
    `request_buffer = 2`,
    ...directives,
    `tls.certificates = [{ cert = "site.pem", key = "site.key" }]`,
    `allow_network = ${JSON.stringify(ALLOWED_NETWORK)}`,
    "",
  ].join("\n");
}
