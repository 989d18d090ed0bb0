/**
 * Files without a name, in memory: what a server must read when it starts, and a disk must not hold. Where
 * the system has no such files, threads with secrets are not resident, and get them over the control socket.
 */
import { closeSync, constants, fchownSync, openSync, writeSync } from "node:fs";

/** A file system in memory that every Linux has; `O_TMPFILE` is not among Node's constants (see open(2)). */
const MEMORY = "/dev/shm";
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** Where a child finds the file that it was given as this descriptor. */
export function descriptorPath(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

/** Makes a file that only this owner may open again; the caller closes it. Throws where that is not possible. */
export function openHidden(content: string, { uid, gid }: { uid?: number; gid?: number }): number {
  const file = openSync(MEMORY, O_TMPFILE | constants.O_RDWR, 0o600);
  try {
    const bytes = Buffer.from(content);
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    if (uid !== undefined || gid !== undefined) fchownSync(file, uid ?? -1, gid ?? -1);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

let possible: boolean | undefined;

/** Whether this system has such files. */
export function canHide(): boolean {
  if (possible === undefined) {
    try {
      closeSync(openHidden("", {}));
      possible = process.platform === "linux";
    } catch {
      possible = false;
    }
  }
  return possible;
}
