/** What several commands print in the same form. */

/** A time to the second, as this machine's clock has it. */
export function when(iso: string | undefined): string {
  return iso === undefined ? "" : new Date(iso).toLocaleString("sv-SE");
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
