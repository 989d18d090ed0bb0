/**
 * Which form of an error a client wants.
 */

/**
 * Whether to answer in HTML: only when the client names it and does not prefer text or JSON. `*\/*` alone
 * is a tool (curl, fetch), and gets text.
 */
export function wantsHtml(accept: string | undefined): boolean {
  const html = Math.max(quality(accept, "text/html"), quality(accept, "application/xhtml+xml"));
  const other = Math.max(quality(accept, "text/plain"), quality(accept, "application/json"));
  return html > 0 && html >= other;
}

/** The weight that the header gives to exactly this type; 0 when it is not named. */
function quality(accept = "", type: string): number {
  for (const entry of accept.split(",")) {
    const [name, ...parameters] = entry.split(";").map((part) => part.trim().toLowerCase());
    if (name !== type) continue;
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    const value = weight === undefined ? 1 : Number(weight.slice(2));
    return value >= 0 && value <= 1 ? value : 0;
  }
  return 0;
}
