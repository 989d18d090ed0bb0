/**
 * Functions for tests of the builder: the configuration of one in a temporary folder, and a version run by plain
 * workerd.
 */
import path from "node:path";
import type { BuildSettings, FunctionConfig, Version, VersionModule } from "../../scheduler/types.ts";
import { makeFolder } from "./folder.ts";
import { type PlainWorkerd, startWorkerd } from "./workerd.ts";

export { type Folder, makeFolder } from "./folder.ts";

/** The configuration of the function in `dir`: `main` is `main.ts`, everything else the default. */
export function functionConfig(
  dir: string,
  over: Partial<Omit<FunctionConfig, "build">> & { readonly build?: Partial<BuildSettings> } = {},
): FunctionConfig {
  const { build, main = "main.ts", ...rest } = over;
  return {
    name: "test",
    main: path.resolve(dir, main),
    root: dir,
    compatibilityDate: "2026-11-01",
    compatibilityFlags: [],
    vars: {},
    routes: [],
    catchAll: true,
    threads: { startThreads: 1, minSpareThreads: 1, maxSpareThreads: 1, concurrency: 1, idleTimeoutMs: 1000 },
    ...rest,
    build: { rules: [], define: {}, alias: {}, minify: false, keepNames: true, noBundle: false, ...build },
  };
}

/** The script of a module, "" for one that is none. */
export function scriptOf(version: Version, name: string = version.mainModule): string {
  const module = version.modules[name];
  if (!module) throw new Error(`the version has no module ${name}`);
  return "js" in module ? module.js : "cjs" in module ? module.cjs : "";
}

function contentOf(module: VersionModule) {
  if ("js" in module) return { kind: "esModule", content: module.js } as const;
  if ("cjs" in module) return { kind: "commonJsModule", content: module.cjs } as const;
  if ("text" in module) return { kind: "text", content: module.text } as const;
  if ("json" in module) return { kind: "json", content: JSON.stringify(module.json) } as const;
  if ("dataBase64" in module)
    return { kind: "data", content: Buffer.from(module.dataBase64, "base64") } as const;
  return { kind: "wasm", content: Buffer.from(module.wasmBase64, "base64") } as const;
}

/** Runs a version by itself in plain workerd, without dexter's prelude; `fetch` reaches it. */
export async function runVersion(
  version: Version,
): Promise<{ fetch(path?: string): Promise<Response>; stop(): Promise<void> }> {
  const folder = await makeFolder();
  const names = [
    version.mainModule,
    ...Object.keys(version.modules).filter((name) => name !== version.mainModule),
  ];
  const modules = [];
  for (const [index, name] of names.entries()) {
    const { kind, content } = contentOf(version.modules[name]!);
    await folder.write({ [String(index)]: content });
    modules.push({ name, kind, file: path.join(folder.dir, String(index)) });
  }
  let workerd: PlainWorkerd;
  try {
    workerd = await startWorkerd({
      compatibilityDate: version.compatibilityDate,
      services: [{ name: "f", modules, vars: version.env, compatibilityFlags: version.compatibilityFlags }],
    });
  } finally {
    await folder.remove();
  }
  return {
    fetch: (target = "/") => fetch(`http://127.0.0.1:${workerd.port("f")}${target}`),
    stop: () => workerd.stop(),
  };
}
