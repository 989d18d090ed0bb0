/** Renders the result for people: as text, or as Markdown. `--json` prints the same `Result` as it is. */

import CliTable from "cli-table3";
import pc from "picocolors";
import { beforeTables } from "./before.ts";
import { controlTable } from "./control/table.ts";
import type { ForwardingResult } from "./figures/forwarding.ts";
import type { LatencyFigures } from "./figures/index.ts";
import type { Machine } from "./machine.ts";
import type { LoadFigures } from "./rounds.ts";
import {
  fixed,
  forwardingTable,
  latencyTables,
  loadTables,
  overview,
  type Table,
  targetTable,
} from "./tables.ts";
import type { Verdict } from "./targets.ts";

export interface Result {
  readonly machine: Machine;
  /** When the run began, UTC. */
  readonly date: string;
  /** What was typed. */
  readonly command: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly generator?: string;
  readonly load?: readonly LoadFigures[];
  readonly latency?: LatencyFigures;
  readonly forwarding?: ForwardingResult;
  readonly control?: readonly LoadFigures[];
  readonly targets: readonly Verdict[];
  /** What has to be said of the run, such as peers that did not take part. */
  readonly notes: readonly string[];
}

function describe({ cpus, model, kernel, node, workerd, wrangler, loadAverage }: Machine): string {
  const versions = [`Linux ${kernel}`, `Node.js ${node}`, `workerd ${workerd}`];
  if (wrangler !== undefined) versions.push(`wrangler ${wrangler}`);
  return `${cpus} × ${model}, ${versions.join(", ")}, load average ${fixed(loadAverage, 2)} at the start`;
}

function method({ generator, options }: Result): string[] {
  if (generator === undefined) return [];
  const of = `medians of as many rounds as are given, of ${options.seconds} s or half of it`;
  return [`Load by ${generator}; ${of}; every peer started afresh for each turn.`];
}

function sections({ load, latency, forwarding, control, targets }: Result): Table[] {
  return [
    ...(load ? [overview(load), ...beforeTables(load)] : []),
    ...(targets.length > 0 ? [targetTable(targets)] : []),
    ...(load ?? []).flatMap(loadTables),
    ...(latency ? latencyTables(latency) : []),
    ...(forwarding ? [forwardingTable(forwarding)] : []),
    ...(control ? [controlTable(control)] : []),
  ];
}

function textTable({ head, rows, notes }: Table): string {
  const columns: ("left" | "right")[] = head.map((_, index) => (index === 0 ? "left" : "right"));
  const made = new CliTable({ head: [...head], style: { head: [], border: [] }, colAligns: columns });
  const coloured = (cell: string) =>
    cell.replace(/\bmet$/, pc.green("met")).replace(/MISSED$/, pc.red("MISSED"));
  made.push(...rows.map((row) => row.map(coloured)));
  return [made.toString(), ...(notes ?? [])].join("\n");
}

/** The whole report as text. */
export function renderText(result: Result): string {
  const head = [describe(result.machine), ...method(result), ...result.notes].join("\n");
  return [head, ...sections(result).map(textTable)].join("\n\n");
}

function markdownTable({ head, rows, notes }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = line(head.map((_, index) => (index === 0 ? "---" : "---:")));
  const table = [line(head), rule, ...rows.map(line)].join("\n");
  return [table, ...(notes ?? [])].join("\n\n");
}

/** The whole report as a Markdown document. */
export function renderMarkdown(result: Result): string {
  const list = [
    `- Machine: ${describe(result.machine)}`,
    `- Date: ${result.date}`,
    `- Command: \`${result.command}\``,
    ...[...method(result), ...result.notes].map((line) => `- ${line}`),
  ];
  const intro = "Written by the benchmark; a new run replaces it. CONTRIBUTING.md says how to measure.";
  const parts = ["# Benchmarks", intro, list.join("\n"), ...sections(result).map(markdownTable)];
  return `${parts.join("\n\n")}\n`;
}
