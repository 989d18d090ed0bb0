/** What several commands print in the same form. */

/** A time of a node, whose machine may be elsewhere: `2026-11-25 18:30:05 UTC`. */
export function when(iso: string | undefined): string {
  return iso === undefined ? "" : inUtc(iso, "2026-11-25 18:30:05".length);
}

/** `2026-11-25 18:30 UTC` */
export function toTheMinute(iso: string): string {
  return inUtc(iso, "2026-11-25 18:30".length);
}

function inUtc(iso: string, length: number): string {
  return `${new Date(iso).toISOString().slice(0, length).replace("T", " ")} UTC`;
}

/**
 * How the command was called, for advice on what to call next. What npm runs is not on the shell's path; and where
 * npm has no dexter, `npx dexter` would fetch the stranger of that name.
 */
export function calledAs(): string {
  return process.env.npm_execpath ? "npx dexter" : "dexter";
}

/** Of a node that waits for its first deploy. */
export const NO_FUNCTION_YET = "no functions yet: deploy one with `dexter deploy`";

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, undefined, 2));
}
