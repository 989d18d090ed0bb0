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
A project's configuration is ${CONFIG_NAMES.join(", ")} in the folder where dexter is called, the first of them that is
there, or the file that --config names. It has wrangler's fields, and a table named dexter:

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

With --env production, what stands in [env.production] overrides what stands above it. --set name=value overrides a
directive of the [dexter] table; it may be repeated, and lists are separated by commas. Directives may also be spelled as
Apache's module spells them, such as MaxSpareThreads.

Whatever is wrong is said at once, with file, line and key; "dexter check" does so without starting anything. "dexter reload"
lets a running dexter take a changed configuration; if the new one is wrong, it keeps the old one. "dexter directives" says
when a change of a directive takes effect. A running dexter refuses a change of ${REFUSED_DIRECTIVES.join(", ")}.

"dexter directives --schema" prints a JSON Schema of the file for editors. "dexter help functions" says where functions are.`,
      width,
    ),
};
