// Finds the test files that start no process: those from which no import leads to a module that could.
import path from "node:path";
import { sources } from "./house.ts";
import { walk } from "./syntax.ts";

/** Modules with which a process is started: by the importer, or by the package itself. */
const STARTERS = new Set(["node:child_process", "node:cluster", "esbuild", "miniflare", "playwright-core"]);

/** Every file is parsed once. */
const loaded = new Map<string, readonly string[]>();

/** What a file loads as it runs: modules of which it takes types only are not among them. */
function loadedBy(file: string): readonly string[] {
  const known = loaded.get(file);
  if (known) return known;
  const found: string[] = [];
  walk(file, (node) => {
    const isTyped = node.importKind === "type" || node.exportKind === "type";
    if (/^(?:Import|Export(?:Named|All))Declaration$/.test(node.type ?? "") && node.source && !isTyped)
      found.push(node.source.value);
    const [first] = node.callee?.type === "Import" ? (node.arguments ?? []) : [];
    if (first?.value !== undefined) found.push(first.value);
  });
  loaded.set(file, found);
  return found;
}

/**
 * The imports that lead from a file to a module with which a process is started.
 * @returns the files on the way and the module, or undefined when there is none
 */
export function wayToProcess(file: string, seen = new Set<string>()): string[] | undefined {
  seen.add(file);
  for (const name of loadedBy(file)) {
    if (STARTERS.has(name)) return [name];
    const next = path.join(path.dirname(file), name);
    if (!name.startsWith(".") || !/\.[jt]s$/.test(name) || seen.has(next)) continue;
    const way = wayToProcess(next, seen);
    if (way !== undefined) return [next, ...way];
  }
  return undefined;
}

export function quickTests(): string[] {
  return sources("test").filter((file) => file.endsWith(".test.ts") && wayToProcess(file) === undefined);
}
