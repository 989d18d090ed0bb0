// docs/directives.md and docs/dexter.schema.json, from the schema of the [dexter] table.
import { type Directive, type Effect, effectText, valueText } from "../../scheduler/config/directive.ts";
import { DIRECTIVES, directiveTable } from "../../scheduler/config/directives.ts";
import { configurationSchema } from "../../scheduler/config/json-schema.ts";

const EFFECTS: Readonly<Record<Effect, string>> = {
  "at once": "when the reload is done; requests and connections in progress are not disturbed",
  "with a rolling restart":
    "in each server that starts from then on; a reload replaces the servers one by one",
  "with a new start": "after `dexter stop` and `dexter start`",
};

const INTRO = `# Directives

Directives are dexter's own settings. They stand in the \`[dexter]\` table of the project's \`wrangler.toml\` (or
\`wrangler.json\`, \`wrangler.jsonc\`). \`--set name=value\` on the command line overrides a directive of the file.

\`\`\`toml
[dexter]
listen = ["127.0.0.1:8787", "https://*:443"]
max_spare_threads = 20
queue_timeout = "5s"

[dexter.tls]                  # tls.certificates, tls.redirect, …
certificates = [{ cert = "site.pem", key = "site.key" }]
\`\`\`

- **Spelling.** The original spelling, that of Apache's module, is accepted too; case and underscores do not count.
- **Durations** are a number with a unit (\`"250ms"\`, \`"10s"\`, \`"5m"\`, \`"1.5h"\`, \`"2d"\`), or a number of seconds.
- **Paths** start from the folder of the configuration file.
- **Switches** are \`"on"\` and \`"off"\`, or \`true\` and \`false\`.
- **Lists** may be one value. On the command line they are separated by commas, those of \`tls.certificates\` written as JSON.
- **Functions.** Directives with a \\* may also stand in the \`[dexter]\` table of a function's own configuration file. A
  deployed function keeps the values that it was deployed with.

## When a change takes effect

Change the file, then run \`dexter reload\`. It reads the file and builds the functions again; if anything is wrong, it
says so, and nothing changes. \`dexter dev\` takes a changed file by itself.

| a change takes effect | when |
| --- | --- |
${Object.entries(EFFECTS)
  .map((cells) => `| ${cells.join(" | ")} |`)
  .join("\n")}

A running node is found by some of the directives. It refuses a file that changes one of them.

## In an editor

[dexter.schema.json](dexter.schema.json) is a JSON Schema of the configuration file: with it an editor completes directives,
shows their meaning and marks mistakes. Even Better TOML (Taplo) takes it from the first line of the file, which
\`dexter init\` writes:

\`\`\`toml
#:schema ./node_modules/dexter/docs/dexter.schema.json
\`\`\`

In \`wrangler.json\` it is \`"$schema": "./node_modules/dexter/docs/dexter.schema.json"\`. \`dexter directives --schema\` prints it
for other places.

## All directives

`;

const OUTRO = `
\\* A function's own \`[dexter]\` table may set these.

\`dexter directives\` prints this table, \`dexter directives --json\` with kind, bounds and unit apart. This page is made
from \`scheduler/config/directives.ts\` by \`npm run docs\`.
`;

/** Names of directives, and places such as <data_dir>/dexter.pid, as code. */
function marked(text: string): string {
  return text
    .split(/(\[\S+\]port|<[a-z_]+>[\w./<>]*\w>?|\b[a-z]+(?:_[a-z]+)+\b|"[^"\s]+")/)
    .map((part, place) => (place % 2 === 1 && isCode(part) ? `\`${part}\`` : part))
    .join("")
    .replaceAll("|", "\\|")
    .replaceAll("*", (sign, at, whole: string) => (insideCode(whole, at) ? sign : "\\*"));
}

const isCode = (part: string) => /^[[<"]/.test(part) || DIRECTIVES.includes(part);

const insideCode = (text: string, at: number) => (text.slice(0, at).split("`").length - 1) % 2 === 1;

function row(directive: Directive): string {
  const { name, original, perFunction, default: value, description } = directive;
  const cells = [
    `\`${name}\`${perFunction ? " \\*" : ""}`,
    original === "" ? "–" : `\`${original}\``,
    marked(valueText(directive)),
    marked(value),
    effectText(directive),
    marked(description),
  ];
  return `| ${cells.join(" | ")} |`;
}

export function directivesPage(): string {
  const head = ["directive", "original", "value", "default", "a change takes effect", "meaning"];
  const lines = [`| ${head.join(" | ")} |`, `|${" --- |".repeat(head.length)}`, ...directiveTable().map(row)];
  return `${INTRO}${lines.join("\n")}\n${OUTRO}`;
}

/** As the package has it, for editors. */
export function schemaFile(): string {
  return `${JSON.stringify(configurationSchema(), undefined, 2)}\n`;
}
