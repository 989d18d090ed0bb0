/** Cap'n Proto's text form. */

/** A text literal. Its escapes are those of C, not of JSON: there is no \u. */
export function quote(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be escaped
  return `"${text.replace(/["\\\u0000-\u001f\u007f]/g, escaped)}"`;
}

function escaped(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
