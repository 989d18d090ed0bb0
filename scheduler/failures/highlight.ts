/**
 * Colours for a few lines of JavaScript or TypeScript. It sees single lines, so the inside of a
 * multi-line comment or string is coloured as code: good enough for a code frame.
 */

export interface Token {
  readonly text: string;
  readonly kind?: "comment" | "string" | "number" | "keyword";
}

const KEYWORDS =
  "as|async|await|break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|export|extends|false|finally|for|from|function|if|implements|import|in|instanceof|interface|let|new|null|of|private|public|readonly|return|satisfies|static|super|switch|this|throw|true|try|type|typeof|undefined|using|var|void|while|yield";

const TOKEN = new RegExp(
  [
    /(?<comment>\/\/.*|\/\*.*?(?:\*\/|$)|^\s*\*(?:\s.*|\/)?$)/,
    /(?<string>"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|`(?:[^`\\]|\\.)*`?)/,
    /(?<number>\b\d[\w.]*)/,
    new RegExp(`(?<keyword>(?<![\\w$.])(?:${KEYWORDS})(?![\\w$]))`),
  ]
    .map(({ source }) => source)
    .join("|"),
  "g",
);

/** Splits a line into tokens that, joined, are the line again. */
export function highlight(line: string): Token[] {
  const tokens: Token[] = [];
  let end = 0;
  for (const match of line.matchAll(TOKEN)) {
    if (match.index > end) tokens.push({ text: line.slice(end, match.index) });
    const [kind] = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined) ?? [];
    tokens.push({ text: match[0], ...(kind ? { kind: kind as NonNullable<Token["kind"]> } : {}) });
    end = match.index + match[0].length;
  }
  if (end < line.length) tokens.push({ text: line.slice(end) });
  return tokens;
}
