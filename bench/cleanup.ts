/**
 * What must be undone however the benchmark ends. A thing registers its undoing when it is made and
 * withdraws it when it was closed in the ordinary way; whatever is left runs, synchronously, at exit.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const pending = new Set<() => void>();

/** Registers `undo` (synchronous) for exit. Returns the function that withdraws it. */
export function onExit(undo: () => void): () => void {
  pending.add(undo);
  return () => pending.delete(undo);
}

/** Runs and forgets all that is registered, the newest first; for the `exit` event. */
export function undoAll(): void {
  for (const undo of [...pending].reverse()) {
    pending.delete(undo);
    try {
      undo();
    } catch {
      // Nothing can be done about it this late, and the next one still needs its turn.
    }
  }
}

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

/** A new empty folder, removed by `remove()` or at exit. */
export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), "dexter-bench-"));
  // A server that was just killed may still be writing a file of its own: hence the retries.
  const erase = () => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  const withdraw = onExit(erase);
  return {
    path,
    remove() {
      withdraw();
      erase();
    },
  };
}
