/**
 * What is wrong with a build, as data for the error page and as text for a terminal.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Message } from "esbuild";
import { DexterError } from "../errors.ts";
import { type CodeFrame, codeFrame, frameText } from "./frame.ts";

export interface BuildProblem {
  /** Absolute path; empty when the problem has no place (a failed build command). */
  readonly file: string;
  /** 1-based; 0 when the problem is about the whole file. */
  readonly line: number;
  /** 1-based, in UTF-16 units; 0 when the problem is about the whole file. */
  readonly column: number;
  readonly text: string;
  readonly lineText: string;
  /** Hints, such as the setting to change. */
  readonly notes: readonly string[];
  readonly frame?: CodeFrame;
}

/** A failed build: BUILD_FAILED whose message lists the problems, which are here as data too. */
export class BuildError extends DexterError {
  readonly problems: readonly BuildProblem[];

  constructor(problems: readonly BuildProblem[], options?: { cause?: unknown }) {
    super("BUILD_FAILED", { reason: problems.map(problemText).join("\n\n") }, options);
    this.problems = problems;
  }
}

/** A problem with a whole file, or with nothing in particular when `file` is empty. */
export function plainProblem(file: string, text: string, notes: readonly string[] = []): BuildProblem {
  return { file, line: 0, column: 0, text, lineText: "", notes };
}

/** One problem for a terminal: `file:line:column: text`, the code frame, and the hints. */
export function problemText(problem: BuildProblem): string {
  const { line, column, frame, notes } = problem;
  const place = line > 0 ? `${shortPath(problem.file)}:${line}:${column}` : shortPath(problem.file);
  const parts = [place === "" ? problem.text : `${place}: ${problem.text}`];
  if (frame) parts.push(frameText(frame));
  parts.push(...notes.map((note) => `  ${note}`));
  return parts.join("\n");
}

/** A path as people type it: relative when it lies below the current directory. */
function shortPath(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return file === "" || relative.startsWith("..") ? file : relative;
}

/** Translates esbuild's messages; `workingDir` is what their paths are relative to. */
export function problemsFromMessages(messages: readonly Message[], workingDir: string): BuildProblem[] {
  return messages.map((message) => {
    const notes = message.notes.map(({ text, location }) =>
      location ? `${shortPath(path.resolve(workingDir, location.file))}:${location.line}: ${text}` : text,
    );
    const location = message.location;
    if (!location) return plainProblem("", message.text, notes);
    const file =
      location.namespace === "file" || !location.namespace
        ? path.resolve(workingDir, location.file)
        : location.file;
    // esbuild counts columns and lengths in UTF-8 bytes, from 0.
    const bytes = Buffer.from(location.lineText);
    const column = bytes.subarray(0, location.column).toString().length + 1;
    const length = bytes.subarray(location.column, location.column + location.length).toString().length;
    const frame = codeFrame(sourceOf(file) ?? "", location.line, column, length);
    return {
      file,
      line: location.line,
      column,
      text: message.text,
      lineText: location.lineText,
      notes,
      ...(frame ? { frame } : {}),
    };
  });
}

function sourceOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // a virtual module, or gone since the build
  }
}
