/**
 * A peer's processes and their CPU time, from Linux's /proc. On other systems there is nothing to read, and
 * every figure of this file is absent.
 *
 * CPU: user and system time of the whole tree, with what a parent has reaped from children that ended
 * meanwhile, so a server recycled during a run still counts.
 */

import { readdirSync, readFileSync } from "node:fs";

/** Which name a process is reported under: those that run workerd with what they start, and the rest. */
export interface GroupNames {
  readonly workerd: string;
  readonly rest: string;
}

export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly command: string;
  readonly cpuMicros: number;
  /** CPU of children that ended and were waited for. */
  readonly reapedMicros: number;
}

const MICROS_PER_TICK = 10_000; // USER_HZ is 100 wherever Node.js and workerd run

/** A file of /proc; undefined if it cannot be read. */
export function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // the process ended since it was listed, or this is not Linux
  }
}

/** Parses /proc/<pid>/stat (see proc(5)); the command may itself hold spaces and parentheses. */
export function parseStat(text: string): ProcessStat {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  const fields = text.slice(close + 2).split(" ");
  const ticks = (first: number) => (Number(fields[first]) + Number(fields[first + 1])) * MICROS_PER_TICK;
  return {
    pid: Number.parseInt(text, 10),
    command: text.slice(open + 1, close),
    parent: Number(fields[1]),
    group: Number(fields[2]),
    cpuMicros: ticks(11),
    reapedMicros: ticks(13),
  };
}

/** The process `root`, its descendants, and all of the process group that it leads. */
export function processTree(root: number): ProcessStat[] {
  let pids: string[] = [];
  try {
    pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    // Not Linux.
  }
  const all = pids.flatMap((pid) => {
    const text = read(`/proc/${pid}/stat`);
    return text === undefined ? [] : [parseStat(text)];
  });
  const kept = new Set([root, ...all.filter((one) => one.group === root).map((one) => one.pid)]);
  for (let before = 0; before !== kept.size; ) {
    before = kept.size;
    for (const one of all) if (kept.has(one.parent)) kept.add(one.pid);
  }
  return all.filter((one) => kept.has(one.pid));
}

/** The tree's processes by group; helpers that a server brings along (a watchdog's shell) are the server's. */
export function grouped(
  root: number,
  names: GroupNames,
): { readonly name: string; readonly process: ProcessStat }[] {
  const tree = processTree(root);
  const byPid = new Map(tree.map((process) => [process.pid, process]));
  const ofWorkerd = (process: ProcessStat | undefined): boolean =>
    process !== undefined && (process.command === "workerd" || ofWorkerd(byPid.get(process.parent)));
  return tree.map((process) => ({ name: ofWorkerd(process) ? names.workerd : names.rest, process }));
}

function add(totals: Map<string, number>, name: string, value: number): void {
  totals.set(name, (totals.get(name) ?? 0) + value);
}

/** CPU time used so far by each group, in microseconds. What was reaped counts as workerd's. */
export function cpuByGroup(root: number, names: GroupNames): Map<string, number> {
  const totals = new Map<string, number>();
  for (const { name, process } of grouped(root, names)) {
    add(totals, name, process.cpuMicros);
    if (process.reapedMicros > 0) add(totals, names.workerd, process.reapedMicros);
  }
  return totals;
}
