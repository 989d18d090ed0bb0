/**
 * Code frames: the lines around a position, as data, so that the terminal and the error page each draw
 * them in their own way.
 */

/** Lines shown before and after the marked one. */
const CONTEXT_LINES = 3;
/** Longer lines (minified code) are cut to a window around the marked column. */
const MAX_WIDTH = 160;

export interface FrameLine {
  /** 1-based. */
  readonly number: number;
  readonly text: string;
  /** The marked part of the line, as offsets into `text`; only on the line of the position. */
  readonly mark?: { readonly from: number; readonly to: number };
}

export interface CodeFrame {
  readonly lines: readonly FrameLine[];
}

/**
 * Cuts the frame around `line` and `column` (both 1-based) out of `source`; `length` is that of the
 * marked part, or "word" for the identifier there. Undefined when the source has no such line.
 */
export function codeFrame(
  source: string,
  line: number,
  column: number,
  length: number | "word",
): CodeFrame | undefined {
  const all = source.split(/\r\n|[\n\r\u2028\u2029]/);
  if (line < 1 || line > all.length) return undefined;
  const first = Math.max(1, line - CONTEXT_LINES);
  let last = Math.min(all.length, line + CONTEXT_LINES);
  while (last > line && all[last - 1] === "") last--;
  const start = Math.max(0, column - 1 - MAX_WIDTH / 2);
  const lines: FrameLine[] = [];
  for (let number = first; number <= last; number++) {
    const full = all[number - 1] ?? "";
    // One window for all lines keeps their indentation aligned.
    const from = all[line - 1]!.length > MAX_WIDTH ? start : 0;
    const text = full.slice(from, from + MAX_WIDTH);
    if (number !== line) lines.push({ number, text });
    else lines.push({ number, text, mark: markOf(text, column - 1 - from, length) });
  }
  return { lines };
}

function markOf(text: string, column: number, length: number | "word"): { from: number; to: number } {
  const from = Math.min(Math.max(0, column), text.length);
  const wide = length === "word" ? (/^[\w$]+/.exec(text.slice(from))?.[0].length ?? 1) : length;
  return { from, to: Math.max(from + 1, Math.min(from + wide, text.length)) };
}

/** The frame as plain text: `> 12 | code` with a line of carets below. Ends without a line break. */
export function frameText(frame: CodeFrame): string {
  const width = String(frame.lines.at(-1)?.number ?? 0).length;
  return frame.lines
    .flatMap(({ number, text, mark }) => {
      const row = `${mark ? ">" : " "} ${String(number).padStart(width)} | ${text}`.trimEnd();
      if (!mark) return [row];
      // Tabs stay tabs, so that the caret lands under its character at any tab width.
      const indent = text.slice(0, mark.from).replace(/[^\t]/g, " ");
      return [row, `  ${" ".repeat(width)} | ${indent}${"^".repeat(mark.to - mark.from)}`];
    })
    .join("\n");
}
