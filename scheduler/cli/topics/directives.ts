/** `dexter help directives`: from the schema itself. */
import { directiveTable, FUNCTION_DIRECTIVES, LIST_DIRECTIVES } from "../../config/directives.ts";
import { filled, listed, type Topic } from "./topic.ts";

export const directives: Topic = {
  name: "directives",
  summary: "what the [dexter] table and --set take",
  text: ({ width }) =>
    [
      filled("The keys of the [dexter] table, each with its default:", width),
      listed(
        directiveTable().map(({ name, default: value, description }) => [name, `${description} (${value})`]),
        width,
      ),
      filled(
        `
Durations are given as "300s", "5m", "250ms" or a number of seconds. ${LIST_DIRECTIVES.join(", ")} take one value or a list.
A function's own [dexter] table may set ${FUNCTION_DIRECTIVES.join(", ")}.

"dexter directives" shows all of each: the spelling of Apache's module, which values it takes, when a change takes effect;
with --json for programs, with --schema for editors.`,
        width,
      ),
    ].join("\n\n"),
};
