/**
 * Files that survive a power cut with their old content or their new one, never a mixture: the new content is
 * written aside and synced, renamed over the old one, and then the folder, which holds the name, is synced
 * (POSIX promises order only for what was synced; see fsync(2), "Calling fsync() does not necessarily ensure
 * that the entry in the directory containing the file has also reached disk").
 */
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { DexterError } from "../errors.ts";
import { fileReason } from "./file-reason.ts";

/** Ends the names of files that are being written; whatever has it at a start is a leftover. */
const ASIDE = ".tmp";

let count = 0;

/** Writes a file that only its owner can read. Throws STORE_FULL, STORE_FAILED; then the old content is there. */
export async function writeDurably(file: string, content: string | Buffer): Promise<void> {
  const aside = `${file}.${process.pid}-${++count}${ASIDE}`;
  try {
    const handle = await open(aside, "wx", 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, file);
    await syncFolder(path.dirname(file));
  } catch (cause) {
    await rm(aside, { force: true }).catch(() => {});
    throw storeError(file, cause);
  }
}

/** Makes a folder, and those above it, that are there after a power cut too. Throws as `writeDurably`. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    const first = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    // Each new name stands in the folder above it.
    for (let made = folder; made.length >= first.length; made = path.dirname(made))
      await syncFolder(path.dirname(made));
  } catch (cause) {
    throw storeError(folder, cause);
  }
}

/** Removes a file; what is not there is no error. Throws as `writeDurably`. */
export async function removeDurably(file: string): Promise<void> {
  try {
    await rm(file, { force: true });
    await syncFolder(path.dirname(file));
  } catch (cause) {
    throw storeError(file, cause);
  }
}

/** Removes what a write that was cut short has left in the folder, of files whose names begin so. */
export async function removeLeftovers(folder: string, begin = ""): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(begin) && name.endsWith(ASIDE)) await rm(path.join(folder, name));
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function storeError(file: string, cause: unknown): DexterError {
  const isFull = ["ENOSPC", "EDQUOT"].includes((cause as NodeJS.ErrnoException).code ?? "");
  const details = { path: file, reason: fileReason(cause) };
  return new DexterError(isFull ? "STORE_FULL" : "STORE_FAILED", details, { cause });
}
