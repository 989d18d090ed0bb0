/**
 * Finds the line of every key in a TOML text. The parser gives values without positions, and an error
 * without a line makes an operator search; this reads just enough of the syntax to know where keys are.
 * The text is known to be valid.
 */
import type { KeyPath } from "./problems.ts";

const KEY = /^\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*(\.|=|$)/;

/** Returns a function that gives the line (from 1) of a key, or of its nearest enclosing key. */
export function tomlLines(text: string): (path: KeyPath) => number | undefined {
  const lines = new Map<string, number>();
  const arrays = new Map<string, number>();
  const scanner = new ValueScanner();
  /** A key begins where it is first named, if only as the parent of another: `[a.b]` begins `a`. */
  const note = (path: KeyPath, from: number, line: number) => {
    for (let length = from; length <= path.length; length++) {
      const key = JSON.stringify(path.slice(0, length));
      if (!lines.has(key)) lines.set(key, line);
    }
  };
  let table: KeyPath = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (scanner.open) {
      scanner.feed(line);
      continue;
    }
    const header = /^\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$/.exec(line);
    if (header) {
      table = tablePath(dottedKeys(header[2]!).keys, header[1] === "[[", arrays);
      note(table, 1, index + 1);
      continue;
    }
    const { keys, rest } = dottedKeys(line);
    if (keys.length === 0) continue;
    note([...table, ...keys], table.length + 1, index + 1);
    scanner.feed(rest);
  }
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const line = lines.get(JSON.stringify(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return undefined;
  };
}

/** Splits `a."b c".d = value` into its keys and the text after the equals sign. */
function dottedKeys(text: string): { keys: string[]; rest: string } {
  const keys: string[] = [];
  let rest = text;
  for (;;) {
    const match = KEY.exec(rest);
    if (!match) return { keys, rest };
    const token = match[1]!;
    keys.push(/^["']/.test(token) ? token.slice(1, -1) : token);
    rest = rest.slice(match[0].length);
    if (match[2] !== ".") return { keys, rest };
  }
}

/** Puts the index of the current element behind each key that is an array of tables. */
function tablePath(keys: readonly string[], isArray: boolean, arrays: Map<string, number>): KeyPath {
  const path: (string | number)[] = [];
  for (const [index, key] of keys.entries()) {
    path.push(key);
    const name = JSON.stringify(path);
    if (isArray && index === keys.length - 1) arrays.set(name, (arrays.get(name) ?? -1) + 1);
    const element = arrays.get(name);
    if (element !== undefined) path.push(element);
  }
  return path;
}

/** Follows strings and brackets over lines, to know whether the next line begins inside a value. */
class ValueScanner {
  #depth = 0;
  #quote: string | undefined;

  get open(): boolean {
    return this.#depth > 0 || this.#quote !== undefined;
  }

  feed(line: string): void {
    for (let index = 0; index < line.length; index++) {
      const char = line[index]!;
      if (this.#quote !== undefined) {
        if (char === "\\" && this.#quote.startsWith('"')) index++;
        else if (line.startsWith(this.#quote, index)) {
          index += this.#quote.length - 1;
          this.#quote = undefined;
        }
      } else if (char === "#") break;
      else if (char === '"' || char === "'") {
        this.#quote = line.startsWith(char.repeat(3), index) ? char.repeat(3) : char;
        index += this.#quote.length - 1;
      } else if ("[{".includes(char)) this.#depth++;
      else if ("]}".includes(char)) this.#depth--;
    }
    // A one-line string cannot go on: only an escape this scanner misread could leave it open.
    if (this.#quote?.length === 1) this.#quote = undefined;
  }
}
