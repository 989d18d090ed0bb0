/** A topic of `dexter help`, and how its text is fitted to the terminal. */
import type { Command } from "commander";
import { prose, table } from "../table.ts";

export interface Topic {
  readonly name: string;
  /** One line, for the list of topics. */
  readonly summary: string;
  /** Paragraphs and tables, in lines of at most `width`. */
  text(about: { readonly program: Command; readonly width: number }): string;
}

/**
 * Fits text: paragraphs, which an empty line ends, are filled; of lines that are indented, the indentation is kept and
 * nothing else is done to them.
 */
export function filled(text: string, width: number): string {
  const paragraphs = text.trim().split(/\n{2,}/);
  return paragraphs
    .map((paragraph) => (/^\s/.test(paragraph) ? paragraph : fill(paragraph, width)))
    .join("\n\n");
}

function fill(paragraph: string, width: number): string {
  const text = paragraph.replace(/\s+/g, " ").trim();
  const cell = prose(text);
  return typeof cell === "function" ? cell(width) : String(cell);
}

/** Names and what they are, in two columns below a paragraph; indented. */
export function listed(rows: readonly (readonly [name: string, meaning: string])[], width: number): string {
  const [, ...lines] = table(
    ["", ""],
    rows.map(([name, meaning]) => [name, prose(meaning)]),
    { width: width - INDENT.length },
  ).split("\n");
  return lines.map((line) => `${INDENT}${line}`.trimEnd()).join("\n");
}

const INDENT = "  ";

/** Those of the commands that this dexter has, with what their own help says of them. */
export function commandList(program: Command, names: readonly string[], width: number): string {
  const commands = names.flatMap((name) => program.commands.find((command) => command.name() === name) ?? []);
  return listed(
    commands.map((command) => [command.name(), command.description()]),
    width,
  );
}
