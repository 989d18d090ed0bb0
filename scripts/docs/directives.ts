// docs/directives.md and docs/dexter.schema.json, from the schema of the [dexter] table.
import { type Directive, type Effect, effectText, valueText } from "../../scheduler/config/directive.ts";
import { DIRECTIVES, directiveTable } from "../../scheduler/config/directives.ts";
import { configurationSchema } from "../../scheduler/config/json-schema.ts";

const EFFECTS: Readonly<Record<Effect, string>> = {
  "at once": "when the reload is done; requests and connections in progress are not disturbed",
  "with a rolling restart": "in each server that starts after the reload",
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

- **Spelling.** The spelling of Apache's module (column *original*) is accepted too. Upper and lower case are the same, and
  underscores may be left out.
- **Durations** are a number with a unit (\`"250ms"\`, \`"10s"\`, \`"5m"\`, \`"1.5h"\`, \`"2d"\`), or a number of seconds.
- **Paths** start from the folder of the configuration file.
- **Switches** are \`"on"\` and \`"off"\`, or \`true\` and \`false\`.
- **Lists.** A list of one value may be written as the value alone. On the command line, commas separate the values; each
  certificate in \`tls.certificates\` is written as JSON.
- **Functions.** Directives with a \\* may also stand in the \`[dexter]\` table of a function's own configuration file. A
  deployed function keeps the values that it was deployed with.

## When a change takes effect

Change the file, then run \`dexter reload\`. It reads the file and builds the functions again; if anything is wrong, it
says so, and nothing changes. Every reload then replaces the servers one by one (a rolling restart), also when nothing has
changed. No request is lost, unless it takes longer than \`stop_timeout\`. The table says when a new value counts.
\`dexter dev\` reads a changed file by itself, and replaces the servers only when a changed setting needs it.

| a change takes effect | when |
| --- | --- |
${Object.entries(EFFECTS)
  .map((cells) => `| ${cells.join(" | ")} |`)
  .join("\n")}

Commands find a running node through \`data_dir\`. To change \`data_dir\`, \`pid_file\`, \`lock_file\` or
\`secret_key_file\`, stop the node first, then change the file, then start the node. A reload refuses such a change.

## In an editor

[dexter.schema.json](dexter.schema.json) is a JSON Schema of the configuration file: with it an editor completes directives,
shows their meaning and marks mistakes. Even Better TOML (Taplo) takes it from the first line of the file, which
\`dexter init\` writes:

\`\`\`toml
#:schema ./node_modules/dexter/docs/dexter.schema.json
\`\`\`

In \`wrangler.json\` it is \`"$schema": "./node_modules/dexter/docs/dexter.schema.json"\`.

With a global installation there is no \`node_modules\` in the project. Write the schema into a file:

\`\`\`sh
dexter directives --schema > dexter.schema.json
\`\`\`

Then change the first line to \`#:schema ./dexter.schema.json\`.

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
