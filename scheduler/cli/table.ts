/** Tables for people: no borders, which cost width and do not help reading. */
import { stripVTControlCharacters } from "node:util";
import { colours } from "./colours.ts";

/** What stands in a cell: a text, or (in the last column) what makes one that fits into a width. */
export type Cell = string | number | ((width: number) => string);

const GAP = "  ";
/** The last column gets at least this much, even if the lines become longer than the terminal is wide. */
const MIN_LAST = 16;

/** How wide the terminal is; what goes elsewhere is not shortened. */
export function terminalWidth(): number {
  return process.stdout.isTTY ? (process.stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
}

/** Draws rows under a head. `numeric` columns are aligned right; a cell may have several lines. */
export function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  options: { readonly numeric?: readonly number[]; readonly width?: number } = {},
): string {
  const { numeric = [], width = Number.POSITIVE_INFINITY } = options;
  const last = head.length - 1;
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (column === last ? 0 : longest(row[column]!)))),
  );
  const before = widths.slice(0, last).reduce((sum, one) => sum + one + GAP.length, 0);
  const room = Math.max(MIN_LAST, width - before);
  const lineOf = (cells: readonly string[]) =>
    cells
      .map((cell, column) => padded(cell, widths[column]!, numeric.includes(column)))
      .join(GAP)
      .trimEnd();
  const lines = [colours.bold(lineOf(head))];
  for (const row of rows) {
    const texts = row.map((cell) => (typeof cell === "function" ? cell(room) : String(cell)).split("\n"));
    const height = Math.max(...texts.map((text) => text.length));
    for (let line = 0; line < height; line++) lines.push(lineOf(texts.map((text) => text[line] ?? "")));
  }
  return lines.join("\n");
}

/** As many of the items as fit, and how many there are more. */
export function list(items: readonly string[]): Cell {
  return (width) => {
    const all = items.join(", ");
    if (all.length <= width) return all;
    for (let count = items.length - 1; count > 0; count--) {
      const shown = `${items.slice(0, count).join(", ")} +${items.length - count}`;
      if (shown.length <= width) return shown;
    }
    const rest = items.length > 1 ? ` +${items.length - 1}` : "";
    return `${shortened(items[0]!, width - rest.length)}${rest}`;
  };
}

/** Prose in as many lines as it takes. */
export function prose(text: string): Cell {
  return (width) => {
    const lines: string[] = [];
    for (const word of text.split(" ")) {
      const line = lines.at(-1);
      if (line !== undefined && line.length + 1 + word.length <= width)
        lines.splice(-1, 1, `${line} ${word}`);
      else lines.push(word);
    }
    return lines.join("\n");
  };
}

/** Leaves the middle out: both ends of a route tell more. */
function shortened(text: string, width: number): string {
  if (text.length <= width) return text;
  const end = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - end)}…${text.slice(text.length - end)}`;
}

function longest(cell: Cell): number {
  return typeof cell === "function" ? 0 : Math.max(...String(cell).split("\n").map(visible));
}

function visible(text: string): number {
  return stripVTControlCharacters(text).length;
}

function padded(text: string, width: number, right: boolean): string {
  const space = " ".repeat(Math.max(0, width - visible(text)));
  return right ? space + text : text + space;
}
