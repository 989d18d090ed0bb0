/**
 * Resident threads in a server's configuration: each a service of its own behind its slot's socket, made of
 * the same modules as a loaded one. That saves a request the way through the host worker, which costs more
 * than the whole of a small request. The modules are files that the configuration embeds, once per version.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import {
  THREAD_MODULE,
  threadModule,
  type VersionModule,
  type VersionPayload,
} from "../../runtime/protocol.ts";
import type { FunctionSpec } from "../policy/thread.ts";
import { quote } from "./capnp.ts";

/** A thread that a server is to be born with, in the slot of its place in the list. */
export interface Resident {
  /** Name of the isolate, which no other in the server has, and of its service: debuggers show it. */
  readonly name: string;
  readonly spec: FunctionSpec;
  readonly payload: VersionPayload;
}

/** Names the threads of these functions that a server is to be born with. */
export function prepareResidents(
  specs: readonly FunctionSpec[],
  payloadOf: (revision: string) => VersionPayload,
): Resident[] {
  const payloads = new Map<string, VersionPayload>();
  const counts = new Map<string, number>();
  return specs.map((spec) => {
    const payload = payloads.get(spec.revision) ?? payloadOf(spec.revision);
    payloads.set(spec.revision, payload);
    const count = counts.get(spec.functionName) ?? 0;
    counts.set(spec.functionName, count + 1);
    return { name: `${spec.functionName}-r${count}`, spec, payload };
  });
}

/** Writes the modules of every version into the server's directory. Returns what it made. */
export function writeModules(directory: string, residents: readonly Resident[]): string[] {
  const made: string[] = [];
  for (const [id, payload] of new Map(residents.map(({ spec, payload }) => [spec.revision, payload]))) {
    const folder = `${directory}/${id}`;
    mkdirSync(folder);
    made.push(folder);
    for (const [index, module] of Object.values(payload.modules).entries()) {
      writeFileSync(`${folder}/${index}`, contentOf(module));
      made.push(`${folder}/${index}`);
    }
  }
  return made;
}

/** The name of the thread that workerd, in a line that it prints as it gives up, finds fault with. */
export function blamed(message: string): string | undefined {
  return /^service (\S+): /.exec(message)?.[1];
}

/** The service of one resident thread, in Cap'n Proto's text form. Paths are relative to the configuration. */
export function renderResident(resident: Resident): string {
  const { payload, spec, name } = resident;
  const names = Object.keys(payload.modules);
  const main = names.indexOf(payload.mainModule);
  // The first module is the main one.
  const order = [main, ...[...names.keys()].filter((index) => index !== main)];
  const modules = order.map((index) => {
    const module = payload.modules[names[index]!]!;
    return `(name = ${quote(names[index]!)}, ${kindOf(module)} = embed ${quote(`${spec.revision}/${index}`)})`;
  });
  modules.push(
    `(name = ${quote(THREAD_MODULE)}, esModule = ${quote(threadModule(name, spec.threads.concurrency > 1))})`,
  );
  const bindings = Object.entries(payload.env).map(([key, value]) =>
    typeof value === "string"
      ? `(name = ${quote(key)}, text = ${quote(value)})`
      : `(name = ${quote(key)}, json = ${quote(JSON.stringify(value))})`,
  );
  return `(name = ${quote(name)}, worker = (
      modules = [${modules.join(", ")}],
      compatibilityDate = ${quote(payload.compatibilityDate)},
      compatibilityFlags = [${payload.compatibilityFlags.map(quote).join(", ")}],
      bindings = [${bindings.join(", ")}],
      globalOutbound = "internet"))`;
}

function kindOf(module: VersionModule): string {
  if ("js" in module) return "esModule";
  if ("cjs" in module) return "commonJsModule";
  if ("text" in module) return "text";
  if ("json" in module) return "json";
  return "wasmBase64" in module ? "wasm" : "data";
}

function contentOf(module: VersionModule): string | Buffer {
  if ("js" in module) return module.js;
  if ("cjs" in module) return module.cjs;
  if ("text" in module) return module.text;
  if ("json" in module) return JSON.stringify(module.json);
  return Buffer.from("wasmBase64" in module ? module.wasmBase64 : module.dataBase64, "base64");
}
