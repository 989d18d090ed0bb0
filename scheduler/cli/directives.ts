/** `dexter directives`: the [dexter] table's keys, from the schema itself. */
import { directiveTable } from "../config/directives.ts";
import { table } from "./tables.ts";

export function directives(options: { json?: boolean }): void {
  const known = directiveTable();
  if (options.json) console.log(JSON.stringify(known, undefined, 2));
  else {
    const rows = known.map(({ name, original, default: value, description }) => [
      name,
      original,
      value,
      description,
    ]);
    console.log(table(["directive", "original", "default", "meaning"], rows));
  }
}
