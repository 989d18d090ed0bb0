/** Tables for people. */
import Table from "cli-table3";
import pc from "picocolors";
import type { NodeStatus, ServerStatus } from "../status.ts";

/** Without borders: they cost width, and do not help reading. */
const PLAIN = {
  chars: {
    top: "",
    "top-mid": "",
    "top-left": "",
    "top-right": "",
    bottom: "",
    "bottom-mid": "",
    "bottom-left": "",
    "bottom-right": "",
    left: "",
    "left-mid": "",
    mid: "",
    "mid-mid": "",
    right: "",
    "right-mid": "",
    middle: "  ",
  },
  style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
};

export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  numeric: readonly number[] = [],
): string {
  const drawn = new Table({
    ...PLAIN,
    head: head.map((title) => pc.bold(title)),
    colAligns: head.map((_, column) => (numeric.includes(column) ? "right" : "left")),
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn.toString().replace(/[ \t]+$/gm, "");
}

export function printFunctions(
  functions: readonly { name: string; version: string; bytes: number; routes: readonly string[] }[],
): void {
  const rows = functions.map((fn) => [fn.name, fn.version, kilobytes(fn.bytes), fn.routes.join(", ")]);
  console.log(`${table(["function", "version", "size", "answers at"], rows, [2])}\n`);
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KB`;
}

const COLOURS: Readonly<Record<string, (text: string) => string>> = {
  _: pc.green,
  W: pc.yellow,
  S: pc.cyan,
  G: pc.magenta,
};

/** The scoreboard in letters, one for every thread slot up to the last one in use. */
function letters({ threads }: ServerStatus): string {
  const slots = Math.max(0, ...threads.map((thread) => thread.slot + 1));
  const bySlot = new Map(threads.map((thread) => [thread.slot, thread.letter]));
  let drawn = "";
  for (let slot = 0; slot < slots; slot++) {
    const letter = bySlot.get(slot) ?? ".";
    drawn += (COLOURS[letter] ?? pc.dim)(letter);
  }
  return drawn;
}

function duration(seconds: number): string {
  const parts = [
    ["d", 86_400],
    ["h", 3_600],
    ["m", 60],
  ] as const;
  for (const [unit, size] of parts) if (seconds >= size) return `${(seconds / size).toFixed(1)}${unit}`;
  return `${Math.round(seconds)}s`;
}

export function statusText(status: NodeStatus): string {
  const { totals } = status;
  const servers = status.servers.map((server) => [
    server.slot,
    server.pid,
    server.generation,
    server.state,
    server.requests,
    `${(server.rssBytes / 1048576).toFixed(0)} MB`,
    letters(server),
  ]);
  const functions = status.functions.map((fn) => [
    fn.name,
    fn.version || "(no build yet)",
    fn.idle,
    fn.busy,
    fn.starting,
    fn.queued,
    fn.routes.join(", "),
  ]);
  return [
    `dexter ${pc.bold(String(status.pid))}, up ${duration(status.uptimeSeconds)}: ${totals.requests} requests, ` +
      `${totals.busy} busy, ${totals.idle} idle, ${totals.starting} starting, ${totals.queued} queued, ${totals.rejected} rejected`,
    "",
    table(
      ["server", "pid", "generation", "state", "requests", "memory", "threads"],
      servers,
      [0, 1, 2, 4, 5],
    ),
    pc.dim("threads: _ idle  W busy  S starting  G retiring  . open slot"),
    "",
    table(
      ["function", "version", "idle", "busy", "starting", "queued", "answers at"],
      functions,
      [2, 3, 4, 5],
    ),
    "",
  ].join("\n");
}
