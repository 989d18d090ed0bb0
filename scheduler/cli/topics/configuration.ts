/** `dexter help configuration` */
import { REFUSED_DIRECTIVES } from "../../config/directives.ts";
import { CONFIG_NAMES } from "../../config/document.ts";
import { filled, type Topic } from "./topic.ts";

export const configuration: Topic = {
  name: "configuration",
  summary: "the configuration file, environments and --set",
  text: ({ width }) =>
    filled(
      `
The configuration of a project is the file that --config names. Without --config it is the first of these files that exists in
the current folder: ${CONFIG_NAMES.join(", ")}. It has the fields of wrangler and a table named dexter:

  name = "site"
  main = "src/index.ts"              # or a folder functions/, or both
  compatibility_date = "2026-11-17"

  [vars]
  GREETING = "Hello"

  [dexter]
  listen = "127.0.0.1:8787"
  max_spare_threads = 20

  [env.production.vars]
  GREETING = "Good day"

With --env production, the values in [env.production] override the values above. --set name=value overrides a directive of
the [dexter] table; it may be repeated, and lists are separated by commas. The spelling of Apache's module is accepted, too,
such as MaxSpareThreads.

All errors are reported together, with file, line and key; "dexter check" reports them without starting anything. "dexter
reload" makes a running node read the configuration again; if the new one has errors, the node keeps the old one. "dexter
directives" says when a change of a directive takes effect. A running node refuses a change of
${REFUSED_DIRECTIVES.join(", ")}.

"dexter directives --schema" prints a JSON Schema of the file for editors. "dexter help functions" says where functions are.`,
      width,
    ),
};
