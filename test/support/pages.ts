/** What the documents show of a terminal: blocks of the language `console`, with commands after `$ ` and what they print. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

export interface Shown {
  /** The page, as a path from the root. */
  readonly page: string;
  readonly command: string;
  readonly output: string;
}

/** The commands of all such blocks of a page, in their order. */
export async function shownIn(page: string): Promise<Shown[]> {
  const text = await readFile(new URL(`../../${page}`, import.meta.url), "utf8");
  return [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) => {
    const [before, ...commands] = block.split(/^\$ /m);
    assert.equal(before, "", `${page}: a block begins with something else than a command`);
    return commands.map((one) => {
      const end = one.indexOf("\n");
      return { page, command: one.slice(0, end), output: one.slice(end + 1) };
    });
  });
}

/** Of what varies from run to run, only the kind is left. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\bdexter_[0-9a-f]{12}_[\w-]+/g, "<token>"],
  [/\b[0-9a-f]{16}\b/g, "<version>"],
  [/\b[0-9a-f]{12}\b/g, "<id>"],
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?/g, "<time>"],
  [/(?<=\b(?:up|another) )[\d.]+[smhd]\b/g, "<duration>"],
  [/(?<=\bafter )\d+(?= ms\b)/g, "<n>"],
  [/\b(?:\d+ {1,2}MB|[\d.]+ KB)\b/g, "<size>"],
  [/(?<=127\.0\.0\.1:)\d+/g, "<port>"],
  [/(?<=^dexter )\d+/gm, "<pid>"],
  // The rows of the servers: slot, process id, generation and state stay in their order.
  [/^( *\d+ +)\d+( +\d+ +running +)\d+( +<size> +)[_SWG.]+$/gm, "$1<pid>$2<n>$3<threads>"],
  // How many threads there are depends on when one looks.
  [/\b\d+(?= (?:idle|starting)\b)/g, "<n>"],
  [/(<version> +)\d+( +0 +)\d+( +0 )/g, "$1<n>$2<n>$3"],
];

/** The text without what varies, without the width of columns, and without empty lines at its ends. */
export function pattern(text: string): string {
  let left = text;
  for (const [varying, kind] of VARYING) left = left.replace(varying, kind);
  const lines = left.split("\n").map((line) => line.replace(/ +/g, " ").trim());
  return lines.join("\n").trim();
}
