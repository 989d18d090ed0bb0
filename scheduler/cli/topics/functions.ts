/** `dexter help functions` */
import { FUNCTION_DIRECTIVES } from "../../config/directives.ts";
import { filled, listed, type Topic } from "./topic.ts";

const ENTRIES = [
  ["functions/hello.ts", "hello; also .tsx, .mts, .js, .jsx and .mjs"],
  ["functions/hello/index.ts", "hello"],
  ["functions/hello/wrangler.toml", "hello, or its name; entry module main or index.ts"],
] as const;

export const functions: Topic = {
  name: "functions",
  summary: "where functions are, and what a handler looks like",
  text: ({ width }) =>
    [
      filled(
        `
A function is a module that exports a handler:

  export default {
    async fetch(request, env, ctx) {
      return new Response("Hello");
    },
  };

main in the configuration is one function; it gets every path that no other function has. In the folder functions/ (directive
functions) each entry is a function with the name of the entry:`,
        width,
      ),
      listed(ENTRIES, width),
      filled(
        `
Names that begin with _ or ., tests (*.test.*, *.spec.*) and *.d.ts are not functions. A function's own wrangler.toml overrides
the project's, and its [dexter] table may set ${FUNCTION_DIRECTIVES.join(", ")}.

The variables of [vars] are in env. In "dexter dev", .dev.vars overrides them. In "dexter start", the secrets that "dexter
secret put" sets override them.`,
        width,
      ),
    ].join("\n\n"),
};
