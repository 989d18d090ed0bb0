/** Files that others read while they are rewritten, above all the scoreboard. */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { DexterError } from "../errors.ts";
import { fileReason } from "../system/file-reason.ts";

const EVERY_MS = 1_000;

/** Writes a file so that a reader sees the old content or the new, never a part. Throws FILE_UNWRITABLE. */
export function writeFileAtomically(directive: string, path: string, content: string): void {
  const aside = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(aside, content);
    renameSync(aside, path);
  } catch (cause) {
    throw new DexterError("FILE_UNWRITABLE", { directive, path, reason: fileReason(cause) }, { cause });
  }
}

interface Scoreboard {
  /** Where; undefined for nowhere. A reload may change it. */
  path(): string | undefined;
  content(): string;
  onError(message: string): void;
}

/**
 * Keeps the scoreboard file up to date. Returns how to end that, which removes the file. Throws
 * FILE_UNWRITABLE when it cannot be written now; later that is told once, until it works again.
 */
export function keepScoreboard({ path, content, onError }: Scoreboard): () => void {
  let written: string | undefined;
  let problem: string | undefined;
  const write = () => {
    const file = path();
    if (written !== undefined && written !== file) rmSync(written, { force: true });
    written = file;
    if (file !== undefined) writeFileAtomically("score_board_file", file, content());
  };
  const writeOrTell = () => {
    try {
      write();
      problem = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== problem) onError(message);
      problem = message;
    }
  };
  write();
  const timer = setInterval(writeOrTell, EVERY_MS);
  return () => {
    clearInterval(timer);
    if (written !== undefined) rmSync(written, { force: true });
  };
}
