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

The configuration's main is one function; it gets every path that no other has. In the folder functions/ (directive
functions) each entry is one, named after it:`,
        width,
      ),
      listed(ENTRIES, width),
      filled(
        `
Names that begin with _ or ., tests (*.test.*, *.spec.*) and *.d.ts are none. A function's own file overrides the project's,
and its [dexter] table may set ${FUNCTION_DIRECTIVES.join(", ")}.

Variables of [vars] come as env. In "dexter dev", and only there, .dev.vars overrides them. Elsewhere the secrets that "dexter
secret put" sets do.`,
        width,
      ),
    ].join("\n\n"),
};
