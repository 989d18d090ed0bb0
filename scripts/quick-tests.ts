// Finds the test files that start no process: those from which no import leads to a module that could.
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "@babel/parser";
import { sources } from "./house.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Modules with which a process is started: by the importer, or by the package itself. */
const STARTERS = new Set(["node:child_process", "node:cluster", "esbuild", "miniflare", "playwright-core"]);

/** Every file is parsed once. */
const loaded = new Map<string, readonly string[]>();

interface Node {
  readonly type: string;
  readonly importKind?: string;
  readonly exportKind?: string;
  readonly source?: { readonly value: string } | null;
  readonly callee?: { readonly type: string };
  readonly arguments?: readonly { readonly value?: string }[];
}

/** What a file loads as it runs: modules of which it takes types only are not among them. */
function loadedBy(file: string): readonly string[] {
  const known = loaded.get(file);
  if (known) return known;
  const { program } = parse(readFileSync(path.join(root, file), "utf8"), {
    sourceType: "module",
    plugins: ["typescript"],
    errorRecovery: true,
  });
  const found: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const node = value as Node;
    const isTyped = node.importKind === "type" || node.exportKind === "type";
    if (/^(?:Import|Export(?:Named|All))Declaration$/.test(node.type) && node.source && !isTyped)
      found.push(node.source.value);
    const [first] = node.callee?.type === "Import" ? (node.arguments ?? []) : [];
    if (first?.value !== undefined) found.push(first.value);
    for (const [key, child] of Object.entries(node)) if (key !== "loc") visit(child);
  };
  visit(program.body);
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
