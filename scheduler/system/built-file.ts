/** Files of the built program that are read as text: what runs inside workerd, and the status page. */
import { readFileSync } from "node:fs";

/** @param path below `dist/` */
export function readBuilt(path: string): string {
  for (const place of [`./${path}`, `../../dist/${path}`]) {
    try {
      return readFileSync(new URL(place, import.meta.url), "utf8");
    } catch {
      // not built into dist/ beside this file: the other place
    }
  }
  throw new Error(`dist/${path} is missing; run \`npm run build\``);
}

/** Reads one of the modules that run inside workerd, from beside the built program. */
export function runtimeModule(name: "host" | "prelude" | "console" | "fetch" | "turn"): string {
  return readBuilt(`runtime/${name}.js`);
}
