/**
 * Error answers as plain text: for tools in dev, for every client otherwise.
 */
import { type CodeFrame, frameText } from "../bundle/frame.ts";
import { problemText } from "../bundle/problems.ts";
import { type ErrorPageInput, shownHeaders, shownPath, statusLine, titleOf } from "./input.ts";
import { frameLine, type MappedException } from "./stack.ts";

/** The error in full, for a terminal: no colours, no control characters. */
export function renderErrorText(input: ErrorPageInput): string {
  const { error, request, root } = input;
  const parts = [statusLine(input.status)];
  if (error.kind === "exception") parts.push(exceptionText(error.exception, root));
  else if (error.kind === "failure") parts.push(`${error.title}\n${error.message}`);
  else
    parts.push(
      titleOf(error),
      ...error.problems.map((problem) => problemText({ ...problem, file: shownPath(problem.file, root) })),
    );
  const version = input.version === undefined ? "" : `, version ${input.version}`;
  parts.push(
    [
      ...(input.functionName === "" ? [] : [`function ${input.functionName}${version}`]),
      `request id ${input.requestId}`,
      `${request.method} ${request.url}`,
      ...shownHeaders(request.headers).map(([name, value]) => `  ${name}: ${value}`),
    ].join("\n"),
  );
  return `${withoutControls(parts.join("\n\n"))}\n`;
}

function exceptionText({ name, message, stack, cause }: MappedException, root: string | undefined): string {
  const header = stack.header || (name === "" ? message : `${name}: ${message}`);
  const place = (file: string) => shownPath(file, root);
  const frames = stack.frames.map((frame) => frameLine(frame, place));
  const parts = [[header, ...frames].join("\n")];
  if (stack.code) {
    const { file, line, column, frame } = stack.code;
    parts.push(codeText(`${place(file)}:${line}:${column}`, frame));
  }
  if (cause) parts.push(`caused by: ${exceptionText(cause, root)}`);
  return parts.join("\n\n");
}

function codeText(place: string, frame: CodeFrame): string {
  return `${place}\n${frameText(frame)}`;
}

/** An exception's message may hold anything, and a terminal obeys escape sequences. */
function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}

/** What a client gets outside dev: the status, and the id under which the log has the rest. */
export function renderProductionError(error: {
  readonly status: number;
  readonly requestId: string;
  /** Seconds, as in `Retry-After`. */
  readonly retryAfter?: number;
}): string {
  const retry = error.retryAfter === undefined ? "" : `retry after: ${error.retryAfter} s\n`;
  return `${statusLine(error.status)}\n${retry}request id: ${error.requestId}\n`;
}
