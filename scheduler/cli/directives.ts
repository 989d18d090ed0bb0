/** `dexter directives`: the [dexter] table's keys, from the schema itself. */
import { directiveTable } from "../config/directives.ts";
import { prose, table, terminalWidth } from "./table.ts";

export function directives(options: { json?: boolean }): void {
  const known = directiveTable();
  if (options.json) return console.log(JSON.stringify(known, undefined, 2));
  const rows = known.map(({ name, original, default: value, description }) => [
    name,
    original,
    value,
    prose(description),
  ]);
  console.log(table(["directive", "original", "default", "meaning"], rows, { width: terminalWidth() }));
}
