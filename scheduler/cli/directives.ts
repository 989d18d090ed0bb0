/** `dexter directives`: what the [dexter] table takes, from the schema itself. */
import { stripVTControlCharacters } from "node:util";
import { type Directive, effectText, factsOf, valueText } from "../config/directive.ts";
import { directiveTable } from "../config/directives.ts";
import { configurationSchema } from "../config/json-schema.ts";
import { colours } from "./colours.ts";
import { type Cell, prose, table, terminalWidth } from "./table.ts";

export interface DirectivesOptions {
  readonly json?: boolean;
  readonly schema?: boolean;
}

/** What reads well beside five other columns is at least this wide. */
const MIN_MEANING = 40;

export function directives({ json, schema }: DirectivesOptions): void {
  const known = directiveTable();
  if (schema) return console.log(JSON.stringify(configurationSchema(), undefined, 2));
  if (json) return console.log(JSON.stringify(known, undefined, 2));
  console.log(directiveText(known, terminalWidth()));
}

/** One line for each directive where the width allows it; otherwise its name stands beside all the rest. */
export function directiveText(known: readonly Directive[], width: number): string {
  const wide = wideTable(known, width);
  const others = stripVTControlCharacters(wide).indexOf("meaning");
  const text = others + MIN_MEANING <= width ? wide : narrowTable(known, width);
  return `${text}\n\n* A function's own [dexter] table may set these.`;
}

function wideTable(known: readonly Directive[], width: number): string {
  const rows = known.map((one): Cell[] => [
    marked(one),
    one.original,
    valueText(one),
    one.default,
    effectText(one),
    prose(one.description),
  ]);
  return table(["directive", "original", "value", "default", "a change takes effect", "meaning"], rows, {
    width,
  });
}

function narrowTable(known: readonly Directive[], width: number): string {
  const rows = known.map((one): Cell[] => [
    `${marked(one)}\n${colours.dim(one.original)}`,
    (room) => `${filled(one.description, room)}\n${dimmed(filled(factsOf(one), room))}\n`,
  ]);
  return table(["directive", "meaning"], rows, { width }).trimEnd();
}

const marked = ({ name, perFunction }: Directive) => (perFunction ? `${name} *` : name);

/** Line by line: in a table, a line goes on with another cell. */
const dimmed = (text: string) => text.split("\n").map(colours.dim).join("\n");

function filled(text: string, width: number): string {
  const cell = prose(text);
  return typeof cell === "function" ? cell(width) : String(cell);
}
