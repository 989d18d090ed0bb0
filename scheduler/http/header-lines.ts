/**
 * The header lines of a message, read strictly: one pass over the characters, no folded line, no bare line
 * break, no space around a name (RFC 9112 §5). Requests and responses share it.
 */

const TOKEN = 1;
const VALUE = 2;
/** What each byte may be part of (RFC 9110 §5.6.2 and §5.5). */
const CHARS = new Uint8Array(256);
for (let code = 0; code < 256; code++) {
  const char = String.fromCharCode(code);
  if (/[!#$%&'*+.^_`|~\dA-Za-z-]/.test(char)) CHARS[code]! |= TOKEN;
  if (/[\t -~\x80-\xff]/.test(char)) CHARS[code]! |= VALUE;
}

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;

/**
 * @param text a head without the empty line that ends it, decoded as latin1
 * @param start where its first header line begins
 * @returns names and values in turn, in their order and case; or what is wrong
 */
export function readHeaderLines(
  text: string,
  start: number,
): string[] | "bad header name" | "bad header value" {
  const headers: string[] = [];
  const length = text.length;
  let at = start;
  while (at < length) {
    const nameStart = at;
    while (at < length && CHARS[text.charCodeAt(at)]! & TOKEN) at++;
    if (at === nameStart || text.charCodeAt(at) !== COLON) return "bad header name";
    const name = text.slice(nameStart, at++);
    while (text.charCodeAt(at) === SPACE || text.charCodeAt(at) === TAB) at++;
    const valueStart = at;
    let valueEnd = at;
    for (; at < length; at++) {
      const code = text.charCodeAt(at);
      if (!(CHARS[code]! & VALUE)) break;
      if (code !== SPACE && code !== TAB) valueEnd = at + 1;
    }
    if (at < length) {
      if (text.charCodeAt(at) !== CR || text.charCodeAt(at + 1) !== LF) return "bad header value";
      at += 2;
    }
    headers.push(name, text.slice(valueStart, valueEnd));
  }
  return headers;
}

/** The other way round: each line with its line break. */
export function renderHeaderLines(rawHeaders: readonly string[]): string {
  let lines = "";
  for (let i = 0; i < rawHeaders.length; i += 2) lines += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return lines;
}

/** Whether a line is a header line: trailers are checked, and not passed on. */
export function isHeaderLine(line: string): boolean {
  return Array.isArray(readHeaderLines(line, 0)) && line !== "";
}

/** Index of CR LF CR LF at or after `from`, or -1. Faster than `indexOf`, which leaves JavaScript, for heads. */
export function findHeadEnd(bytes: Buffer, from: number): number {
  let at = from + 3;
  while (at < bytes.length) {
    const byte = bytes[at]!;
    if (byte > CR) at += 4;
    else if (byte === LF && bytes[at - 1] === CR && bytes[at - 2] === LF && bytes[at - 3] === CR)
      return at - 3;
    else at++;
  }
  return -1;
}
