/** `dexter help directives`: from the schema itself. */
import { directiveTable, FUNCTION_DIRECTIVES, LIST_DIRECTIVES } from "../../config/directives.ts";
import { filled, listed, type Topic } from "./topic.ts";

export const directives: Topic = {
  name: "directives",
  summary: "the directives of the [dexter] table and of --set",
  text: ({ width }) =>
    [
      filled("The directives of the [dexter] table, with their defaults:", width),
      listed(
        directiveTable().map(({ name, default: value, description }) => [name, `${description} (${value})`]),
        width,
      ),
      filled(
        `
A duration is "300s", "5m", "250ms" or a number of seconds. ${LIST_DIRECTIVES.join(", ")} take one value or a list.
A function's own [dexter] table may set ${FUNCTION_DIRECTIVES.join(", ")}.

"dexter directives" shows each with the spelling of Apache's module, its values, and when a change takes effect; --json is
for programs, --schema for editors.`,
        width,
      ),
    ].join("\n\n"),
};
