// Measures the house: what lies loose in scheduler/, whether its rooms form a cycle, which file and which function is
// longest, how long the documents are. `npm run house` prints it; test/house-rules.test.ts holds it to its limits.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { walk } from "./syntax.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

/** What is held to the limits of length. */
export const SOURCE_FOLDERS = ["scheduler", "runtime", "page", "bench", "simulate", "scripts", "bin"];

/** Most lines and files, and what may be longer, each with its reason. An exception is a file, or `file:function`. */
export const LIMITS = {
  looseFiles: 4,
  fileLines: 300,
  functionLines: 60,
  readme: 200,
  architecture: 400,
  exceptions: {} as Readonly<Record<string, string>>,
};

/** TypeScript and JavaScript below a folder, as paths from the root. */
export function sources(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true })
    .map((file) => path.join(folder, String(file)))
    .filter((file) => /\.(?:ts|js)$/.test(file) && !file.includes("node_modules"))
    .sort();
}

export const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");

/** Files of the project that a file imports, types included: a cycle of types is a cycle of ideas. */
export function importsOf(file: string): string[] {
  const found = withoutComments(read(file)).matchAll(/\b(?:from|import)\s*\(?\s*["'](\.[^"'\n]*)["']/g);
  return [...found]
    .map(([, target]) => path.join(path.dirname(file), target!))
    .filter((target) => existsSync(path.join(root, target)));
}

/** Files that lie in scheduler/ itself, beside its folders. */
export function looseFiles(): string[] {
  return readdirSync(path.join(root, "scheduler")).filter((name) => /(?<!\.d)\.ts$/.test(name));
}

/** A folder below scheduler/ is a room; a loose file is one of its own. */
const roomOf = (file: string) => {
  const parts = file.split("/");
  return parts.length === 2 ? file : `${parts[0]}/${parts[1]}/`;
};

/** @returns for each room of scheduler/, the rooms that it imports, and the files of other worlds */
export function rooms(): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const file of sources("scheduler")) {
    if (file.endsWith(".d.ts")) continue;
    const from = roomOf(file);
    if (!graph.has(from)) graph.set(from, new Set());
    for (const target of importsOf(file)) {
      const to = target.startsWith("scheduler/") ? roomOf(target) : target;
      if (to !== from) graph.get(from)!.add(to);
    }
  }
  return graph;
}

/**
 * The ways around, one for each that a walk through the graph meets.
 * @returns empty when there is none
 */
export function cycles(nodes: Iterable<string>, next: (node: string) => Iterable<string>): string[][] {
  const found: string[][] = [];
  const finished = new Set<string>();
  const visit = (node: string, way: readonly string[]): void => {
    if (way.includes(node)) return void found.push([...way.slice(way.indexOf(node)), node]);
    if (finished.has(node)) return;
    for (const target of next(node)) visit(target, [...way, node]);
    finished.add(node);
  };
  for (const node of nodes) visit(node, []);
  return found;
}

interface Measured {
  readonly name: string;
  readonly lines: number;
}

/** Every function and method of a file, and every arrow function with a block, under its own name or the nearest one. */
export function functionsOf(file: string): Measured[] {
  const found: Measured[] = [];
  walk(file, ({ type = "", body, loc }, name) => {
    if (/Function|Method/.test(type) && body?.type === "BlockStatement" && loc)
      found.push({ name, lines: loc.end.line - loc.start.line + 1 });
  });
  return found;
}

const linesOf = (file: string) => read(file).split("\n").length - 1;
const longest = (list: readonly Measured[]) =>
  list.reduce((most, each) => (each.lines > most.lines ? each : most));

/** All that `npm run house` prints. */
export function measure() {
  const files = SOURCE_FOLDERS.flatMap(sources);
  const graph = rooms();
  return {
    loose: looseFiles(),
    roomCycles: cycles(graph.keys(), (room) => graph.get(room) ?? []),
    fileCycles: cycles(["scheduler", "runtime", "page"].flatMap(sources), importsOf),
    rooms: [...graph.keys()].filter((room) => room.endsWith("/")),
    files: files.map((file) => ({ name: file, lines: linesOf(file) })),
    functions: files.flatMap((file) =>
      functionsOf(file).map(({ name, lines }) => ({ name: `${file}:${name}`, lines })),
    ),
    readme: linesOf("README.md"),
    architecture: linesOf("ARCHITECTURE.md"),
  };
}

function print() {
  const house = measure();
  const [file, fn] = [longest(house.files), longest(house.functions)];
  const rows: [what: string, now: number, most: number | "", which: string][] = [
    ["loose files in scheduler/", house.loose.length, LIMITS.looseFiles, house.loose.join(" ")],
    ["rooms", house.rooms.length, "", house.rooms.map((room) => room.split("/")[1]).join(" ")],
    [
      "cycles between rooms",
      house.roomCycles.length,
      0,
      house.roomCycles.map((way) => way.join(" → ")).join("; "),
    ],
    ["cycles between files", house.fileCycles.length, 0, ""],
    ["lines of the longest file", file.lines, LIMITS.fileLines, file.name],
    ["lines of the longest function", fn.lines, LIMITS.functionLines, fn.name],
    [
      "exceptions from these",
      Object.keys(LIMITS.exceptions).length,
      3,
      Object.keys(LIMITS.exceptions).join(" "),
    ],
    ["lines of README.md", house.readme, LIMITS.readme, ""],
    ["lines of ARCHITECTURE.md", house.architecture, LIMITS.architecture, ""],
  ];
  console.log(`${"".padEnd(30)} ${"now".padStart(5)} ${"most".padStart(5)}`);
  for (const [what, now, most, which] of rows)
    console.log(
      `${what.padEnd(30)} ${String(now).padStart(5)} ${String(most).padStart(5)}  ${which}`.trimEnd(),
    );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) print();
