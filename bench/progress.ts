/** Progress goes to stderr, so that stdout holds only the result. */
export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}
