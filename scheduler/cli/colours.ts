/** Colours where somebody sees them: on a terminal, unless NO_COLOR is set (no-color.org). */
import pc from "picocolors";

type Stream = { readonly isTTY?: boolean };

export function wantsColours(stream: Stream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== "0";
  return stream.isTTY === true && TERM !== "dumb";
}

export const colours = pc.createColors(wantsColours(process.stdout));
