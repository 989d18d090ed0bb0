/**
 * Plain `workerd serve` for tests: what dexter is compared with. One process, one service and one
 * loopback socket per handler, no file and no process left behind.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

export type PlainModuleKind = "esModule" | "commonJsModule" | "text" | "data" | "wasm" | "json";

export interface PlainModule {
  /** What import statements call it; the first module of a service is its main module. */
  readonly name: string;
  readonly kind: PlainModuleKind;
  /** Path of the file that holds it. */
  readonly file: string;
}

export interface PlainService {
  readonly name: string;
  readonly modules: readonly PlainModule[];
  /** Strings become text bindings, anything else JSON bindings. */
  readonly vars?: Readonly<Record<string, unknown>>;
  readonly compatibilityFlags?: readonly string[];
}

export interface PlainOptions {
  readonly services: readonly PlainService[];
  readonly compatibilityDate: string;
  /** What `fetch()` may reach; workerd's default is public addresses only. */
  readonly allowNetwork?: readonly string[];
}

export interface PlainWorkerd {
  readonly pid: number;
  /** The loopback port of a service; throws for an unknown name. */
  port(service: string): number;
  /** Everything the process wrote to stdout and stderr so far. */
  output(): string;
  stop(): Promise<void>;
}

/** The package is CommonJS without types; its default export is the path of the native binary. */
const workerdBinary = (createRequire(import.meta.url)("workerd") as { readonly default: string }).default;

/** Starts the process and resolves when every socket listens. Throws with its output when it does not. */
export async function startWorkerd(options: PlainOptions): Promise<PlainWorkerd> {
  const dir = await mkdtemp(join(tmpdir(), "plain-workerd-"));
  await writeConfig(dir, options);
  const child = spawn(workerdBinary, ["serve", "--experimental", "--control-fd=3", "config.capnp"], {
    cwd: dir,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const killNow = () => child.kill("SIGKILL");
  process.once("exit", killNow);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (output += String(data)));
  const stop = async () => {
    process.removeListener("exit", killNow);
    if (child.exitCode === null && child.signalCode === null && killNow()) await once(child, "exit");
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const ports = await readPorts(child, options.services.length);
    return {
      pid: child.pid!,
      port(service) {
        const port = ports.get(service);
        if (port === undefined) throw new Error(`no service ${service} in this workerd`);
        return port;
      },
      output: () => output,
      stop,
    };
  } catch (error) {
    await stop();
    throw new Error(`workerd did not start: ${output}`, { cause: error });
  }
}

/** Reads `{"event":"listen","socket":…,"port":…}` lines until there are `count`; rejects on exit. */
async function readPorts(child: ChildProcess, count: number): Promise<Map<string, number>> {
  const ports = new Map<string, number>();
  const control = child.stdio[3] as Readable;
  for await (const line of createInterface({ input: control })) {
    const event = JSON.parse(line) as { event: string; socket: string; port: number };
    if (event.event === "listen") ports.set(event.socket, event.port);
    if (ports.size === count) {
      control.resume();
      return ports;
    }
  }
  throw new Error("the control channel closed before every socket was ready");
}

async function writeConfig(dir: string, options: PlainOptions): Promise<void> {
  const { services, compatibilityDate, allowNetwork } = options;
  const entries: string[] = [];
  for (const service of services) entries.push(await renderService(dir, service, compatibilityDate));
  if (allowNetwork) {
    entries.push(`(name = "internet", network = (allow = [${allowNetwork.map(quote).join(", ")}]))`);
  }
  const sockets = services.map(
    ({ name }) =>
      `(name = ${quote(name)}, address = "127.0.0.1:0", http = (), service = (name = ${quote(name)}))`,
  );
  const config = [
    `using Workerd = import "/workerd/workerd.capnp";`,
    `const config :Workerd.Config = (`,
    `  services = [\n    ${entries.join(",\n    ")}\n  ],`,
    `  sockets = [\n    ${sockets.join(",\n    ")}\n  ]`,
    `);`,
  ].join("\n");
  await writeFile(join(dir, "config.capnp"), config);
}

/** One service, its modules copied next to the configuration because `embed` takes relative paths. */
async function renderService(dir: string, service: PlainService, compatibilityDate: string): Promise<string> {
  const folder = join(dir, service.name);
  await mkdir(folder, { recursive: true });
  const modules: string[] = [];
  for (const [index, { name, kind, file }] of service.modules.entries()) {
    await copyFile(file, join(folder, String(index)));
    modules.push(`(name = ${quote(name)}, ${kind} = embed ${quote(`${service.name}/${index}`)})`);
  }
  const bindings = Object.entries(service.vars ?? {}).map(([name, value]) =>
    typeof value === "string"
      ? `(name = ${quote(name)}, text = ${quote(value)})`
      : `(name = ${quote(name)}, json = ${quote(JSON.stringify(value))})`,
  );
  const worker = [
    `modules = [${modules.join(", ")}]`,
    `compatibilityDate = ${quote(compatibilityDate)}`,
    `compatibilityFlags = [${(service.compatibilityFlags ?? []).map(quote).join(", ")}]`,
    `bindings = [${bindings.join(", ")}]`,
  ];
  return `(name = ${quote(service.name)}, worker = (${worker.join(", ")}))`;
}

/** A Cap'n Proto text literal; its escapes are those of C, so every byte outside ASCII goes as \\xHH. */
function quote(text: string): string {
  const escaped = [...Buffer.from(text)].map((byte) => {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    return plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `"${escaped.join("")}"`;
}
