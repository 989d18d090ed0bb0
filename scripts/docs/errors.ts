// docs/errors.md, from the catalogue of errors.
import { CATALOGUE, type ErrorCode, GROUPS } from "../../scheduler/errors/catalogue.ts";

const INTRO = `# Errors

Every error that dexter expects has a code and a message. The message says what is wrong, where, and what to do.
\`{name}\` in a message is a place: dexter writes a value there, such as a file or a function.

| who | gets |
| --- | --- |
| the command line | the message on stderr, and exit status 1; bad usage has exit status 2 |
| a caller of the admin API | \`{"error": "<message>", "code": "<code>"}\`, with the status below |
| a client of a function | the status below and a request id, under which the log has the message; with \`dexter dev\` the message, too |

| status of the admin API | cause | the log has |
| --- | --- | --- |
| 4xx | the call is wrong | "the admin API refused a call", level warn |
| 503 | the node cannot do it now: call again later | the same |
| other 5xx | the node has a problem | "a call of the admin API failed", level error; the command line prints "the running dexter failed" |

Where the last column is empty, the message says what to do.
`;

const OUTRO = `
This page is made from the catalogue (\`scheduler/errors/\`) by \`npm run docs\`.
`;

/** The status of the answer that each reader of the error gets. */
function statusOf(code: ErrorCode): string {
  const { status, admin, exit } = CATALOGUE[code];
  return [
    ...(status === undefined ? [] : [String(status)]),
    ...(admin === undefined ? [] : [`admin API ${admin}`]),
    ...(exit === undefined ? [] : [`exit status ${exit}`]),
  ].join(", ");
}

function row(code: ErrorCode): string {
  const { message, advice = "" } = CATALOGUE[code];
  const cells = [`\`${code}\``, statusOf(code), `\`\`${message}\`\``, advice];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`.replaceAll(/ {2,}\|/g, " |");
}

export function errorsPage(): string {
  const sections = Object.entries(GROUPS).map(([title, kinds]) => {
    const rows = (Object.keys(kinds) as ErrorCode[]).map(row);
    return `\n## ${title}\n\n| code | status | message | what to do |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  return `${INTRO}${sections.join("")}${OUTRO}`;
}
