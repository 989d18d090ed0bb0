/**
 * The lock file: held while a scheduler owns a data directory. It is made with its content in one step (a
 * hard link), so that it never stands there empty, and a lock whose holder is dead is taken over.
 */
import { linkSync, lstatSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { DexterError } from "../errors.ts";
import { fileReason } from "./file-reason.ts";

/** Takes the lock; throws LOCKED while another process holds it. Returns how to let go of it. */
export function takeLock(path: string): () => void {
  const mine = `${path}.${process.pid}`;
  try {
    writeFileSync(mine, identityOf(process.pid));
    for (;;) {
      try {
        linkSync(mine, path);
        return () => release(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        removeIfStale(path);
      }
    }
  } catch (cause) {
    if (cause instanceof DexterError) throw cause;
    throw new DexterError("DATA_DIR", { path, reason: fileReason(cause) }, { cause });
  } finally {
    rmSync(mine, { force: true });
  }
}

function removeIfStale(path: string): void {
  // Whatever else stands there was made by nobody who holds a lock; reading it may fail, or wait, for ever.
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry !== undefined && !entry.isFile()) {
    throw new DexterError("DATA_DIR", { path, reason: "it is no file; remove it, or name another place" });
  }
  const held = readIfThere(path);
  if (held === undefined) return;
  const pid = Number(held.split(" ")[0]);
  if (pid > 0 && held === identityOf(pid)) throw new DexterError("LOCKED", { path, pid });
  moveAway(path, held);
}

/** Two may find a lock stale at once; the slower one puts back what the faster one has made meanwhile. */
function moveAway(path: string, stale: string): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
    if (readIfThere(aside) !== stale) linkSync(aside, path);
  } catch (error) {
    if (!["ENOENT", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function release(path: string): void {
  try {
    if (readIfThere(path) === identityOf(process.pid)) unlinkSync(path);
  } catch {
    // What cannot be read is not ours.
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}

/** Process id and, where /proc tells it, start time: process ids are used again. Empty for no such process. */
function identityOf(pid: number): string {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return "";
  }
  try {
    // Field 22, counted after the command name, which may hold spaces.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie: dead, but its parent has not asked yet.
    return fields[0] === "Z" ? "" : `${pid} ${fields[19]}`;
  } catch {
    return `${pid}`;
  }
}
