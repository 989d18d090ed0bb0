/** The state of a node as people read it. */
import type { SideStatus } from "../policy/canary.ts";
import type { FunctionStatus, NodeStatus, ServerStatus, ThreadStatus } from "../status/status.ts";
import { colours } from "./colours.ts";
import { NO_FUNCTION_YET } from "./print.ts";
import { type Cell, list, table } from "./table.ts";

const COLOURS: Readonly<Record<string, (text: string) => string>> = {
  _: colours.green,
  W: colours.yellow,
  S: colours.cyan,
  G: colours.magenta,
};

const LEGEND = "threads: _ idle  W busy  S starting  G retiring  . open slot";

/** Two tables, of servers and of functions, at most `width` wide. */
export function statusText(status: NodeStatus, width: number): string {
  return [
    ...summary(status, width),
    "",
    serverTable(status.servers, width),
    colours.dim(LEGEND),
    "",
    functionTable(status, width),
    ...status.functions.flatMap(canaryLine),
    "",
  ].join("\n");
}

function summary({ pid, uptimeSeconds, generation, totals }: NodeStatus, width: number): string[] {
  const who = `dexter ${colours.bold(String(pid))}, up ${span(uptimeSeconds)}, generation ${generation}`;
  const counts = (["requests", "busy", "idle", "starting", "queued", "rejected"] as const)
    .map((name) => `${totals[name]} ${name}`)
    .join(", ");
  const line = `${who}: ${counts}`;
  return line.length <= width ? [line] : [who, counts];
}

function serverTable(servers: readonly ServerStatus[], width: number): string {
  const rows = servers.map((server) => [
    server.slot,
    server.pid,
    server.generation,
    server.state,
    server.requests,
    `${(server.rssBytes / 1048576).toFixed(0)} MB`,
    letters(server.threads),
  ]);
  return table(["server", "pid", "gen.", "state", "requests", "memory", "threads"], rows, {
    numeric: [0, 1, 2, 4, 5],
    width,
  });
}

/** The scoreboard in letters, one for every thread slot up to the last one in use. */
function letters(threads: readonly ThreadStatus[]): Cell {
  const bySlot = new Map(threads.map((thread) => [thread.slot, thread.letter]));
  const slots = Math.max(-1, ...bySlot.keys()) + 1;
  const all = Array.from({ length: slots }, (_, slot) => bySlot.get(slot) ?? ".");
  return (width) => {
    const lines: string[] = [];
    for (let from = 0; from < slots; from += width) {
      const part = all.slice(from, Math.min(slots, from + width)).join("");
      lines.push(part.replace(/(.)\1*/g, (run, letter: string) => (COLOURS[letter] ?? colours.dim)(run)));
    }
    return lines.join("\n");
  };
}

function canaryLine({ name, version, canary }: FunctionStatus): string[] {
  if (canary === undefined) return [];
  const side = ({ requests, errorRate, p99Ms }: SideStatus) =>
    `${requests} requests, ${(errorRate * 100).toFixed(1)} % failed${p99Ms === undefined ? "" : `, p99 ${p99Ms} ms`}`;
  const { percent, secondsLeft } = canary;
  const left = secondsLeft > 0 ? `for another ${span(secondsLeft)}` : "until it has had enough of them";
  return [
    "",
    `canary of ${colours.bold(name)}: version ${canary.version} gets ${percent} % of the requests ${left}`,
    `  ${canary.version}: ${side(canary.new)}`,
    `  ${version}: ${side(canary.old)}`,
  ];
}

function functionTable({ functions }: NodeStatus, width: number): string {
  if (functions.length === 0) return NO_FUNCTION_YET;
  const rows = functions.map((fn) => [
    fn.name,
    fn.version || "(no build yet)",
    fn.idle,
    fn.busy,
    fn.starting,
    fn.queued,
    list(fn.routes),
  ]);
  return table(["function", "version", "idle", "busy", "starting", "queued", "answers at"], rows, {
    numeric: [2, 3, 4, 5],
    width,
  });
}

function span(seconds: number): string {
  const parts = [
    ["d", 86_400],
    ["h", 3_600],
    ["m", 60],
  ] as const;
  for (const [unit, size] of parts) if (seconds >= size) return `${(seconds / size).toFixed(1)}${unit}`;
  return `${Math.round(seconds)}s`;
}
