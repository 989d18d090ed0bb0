/**
 * The error page of `dexter dev`: one self-contained document, without scripts, in which everything that
 * came from outside is escaped.
 */
import type { CodeFrame, FrameLine } from "../bundle/frame.ts";
import type { BuildProblem } from "../bundle/problems.ts";
import { highlight } from "./highlight.ts";
import { type ErrorPageInput, shownHeaders, shownPath, statusLine, titleOf } from "./input.ts";
import type { MappedException, MappedFrame } from "./stack.ts";
import { STYLE } from "./style.ts";

export { wantsHtml } from "./accept.ts";
export type { ErrorPageInput, PageError } from "./input.ts";
export { renderErrorText, renderProductionError } from "./text.ts";

/** The whole page. */
export function renderErrorPage(input: ErrorPageInput): string {
  const { error, root } = input;
  const title = titleOf(error);
  const where =
    input.functionName === "" ? "" : `<span>in function <b>${escapeHtml(input.functionName)}</b></span>`;
  const body =
    error.kind === "exception"
      ? exceptionSection(error.exception, root)
      : error.kind === "build"
        ? error.problems.map((problem) => problemSection(problem, root)).join("\n")
        : `<p class="message">${escapeHtml(error.message)}</p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml([title, input.functionName].filter(Boolean).join(" · "))}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="status"><strong>${escapeHtml(statusLine(input.status))}</strong> ${where}</p>
<h1>${escapeHtml(title)}</h1>
</header>
<main>
${body}
${requestSection(input)}
</main>
</body>
</html>
`;
}

/** Text as HTML content or as the value of a quoted attribute. */
function escapeHtml(text: string): string {
  // A NUL may not occur in HTML, even escaped.
  return text.replace(/[&<>"'\0]/g, (char) => (char === "\0" ? "\ufffd" : `&#${char.charCodeAt(0)};`));
}

function exceptionSection({ message, stack, cause }: MappedException, root: string | undefined): string {
  const parts = [`<p class="message">${escapeHtml(message)}</p>`];
  if (stack.code) {
    const { file, line, column, frame } = stack.code;
    parts.push(codeSection(placeText(file, line, column, root), frame));
  }
  if (stack.frames.length > 0) parts.push(stackSection(stack.frames, root));
  if (cause) {
    const title = cause.name === "" ? "Caused by" : `Caused by ${cause.name}`;
    parts.push(
      `<section class="cause"><h2>${escapeHtml(title)}</h2>\n${exceptionSection(cause, root)}</section>`,
    );
  }
  return parts.join("\n");
}

function problemSection(problem: BuildProblem, root: string | undefined): string {
  const place = placeText(problem.file, problem.line, problem.column, root);
  const parts = [`<p class="message">${escapeHtml(problem.text)}</p>`];
  if (problem.frame) parts.push(codeSection(place, problem.frame));
  else if (place !== "") parts.push(`<p class="place">${escapeHtml(place)}</p>`);
  parts.push(...problem.notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`));
  return `<section class="problem">${parts.join("\n")}</section>`;
}

function placeText(file: string, line: number, column: number, root: string | undefined): string {
  const shown = shownPath(file, root);
  return line > 0 ? `${shown}:${line}:${column}` : shown;
}

function codeSection(place: string, frame: CodeFrame): string {
  const rows = frame.lines.map(codeRow).join("");
  return `<figure><figcaption>${escapeHtml(place)}</figcaption><pre tabindex="0"><code>${rows}</code></pre></figure>`;
}

function codeRow(line: FrameLine): string {
  const number = `<i>${line.number}</i>`;
  return `<span class="row${line.mark ? " marked" : ""}">${number}${codeLine(line)}\n</span>`;
}

/** The line in colours; tokens are cut where the mark begins and ends. */
function codeLine({ text, mark }: FrameLine): string {
  let at = 0;
  const pieces: string[] = [];
  for (const { text: token, kind } of highlight(text)) {
    const cuts = [mark?.from ?? 0, mark?.to ?? 0].map((cut) => Math.min(Math.max(cut - at, 0), token.length));
    const [from = 0, to = 0] = cuts;
    const parts: [string, boolean][] = [
      [token.slice(0, from), false],
      [token.slice(from, to), true],
      [token.slice(to), false],
    ];
    for (const [part, marked] of parts) if (part !== "") pieces.push(span(part, kind, marked));
    at += token.length;
  }
  if (mark && mark.to > text.length) pieces.push(span(" ", undefined, true));
  return pieces.join("");
}

function span(text: string, kind: string | undefined, marked: boolean): string {
  const colored = kind ? `<span class="${kind}">${escapeHtml(text)}</span>` : escapeHtml(text);
  return marked ? `<mark>${colored}</mark>` : colored;
}

function stackSection(frames: readonly MappedFrame[], root: string | undefined): string {
  const items = frames.map((frame) => {
    const place = placeText(frame.file, frame.line, frame.column, root);
    const name = frame.name === "" ? "(top level)" : frame.name;
    return `<li class="${frame.origin}"><span class="name">${escapeHtml(name)}</span> <span class="place">${escapeHtml(place)}</span></li>`;
  });
  return `<section><h2>Stack</h2><ol class="stack">${items.join("\n")}</ol></section>`;
}

function requestSection(input: ErrorPageInput): string {
  const { request, version, requestId } = input;
  const facts: [string, string][] = [
    ...(input.functionName === "" ? [] : [["Function", input.functionName] as [string, string]]),
    ...(version === undefined ? [] : [["Version", version] as [string, string]]),
    ["Request id", requestId],
  ];
  const list = (entries: readonly (readonly [string, string])[]) =>
    `<dl>${entries.map(([name, value]) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`).join("\n")}</dl>`;
  return `<section><h2>Request</h2>
<p class="request"><b>${escapeHtml(request.method)}</b> ${escapeHtml(request.url)}</p>
${list(shownHeaders(request.headers))}
</section>
<section><h2>Served by</h2>
${list(facts)}
</section>`;
}
