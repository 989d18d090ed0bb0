/** Files that others read while they are rewritten. */
import { renameSync, writeFileSync } from "node:fs";

/** Writes a file so that a reader sees the old content or the new, never a part. */
export function writeFileAtomically(path: string, content: string): void {
  const aside = `${path}.${process.pid}.tmp`;
  writeFileSync(aside, content);
  renameSync(aside, path);
}
