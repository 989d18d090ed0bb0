/** What several commands print in the same form. */

/** A time to the second, as this machine's clock has it. */
export function when(iso: string | undefined): string {
  return iso === undefined ? "" : new Date(iso).toLocaleString("sv-SE");
}

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, undefined, 2));
}
