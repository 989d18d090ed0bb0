/**
 * Watches folders, not files: so a file that an editor writes aside and renames, or that is deleted and made
 * again, needs no care, and every event counts. (A watcher that looks at files and then reports what it finds
 * has to merge events, and loses a second save that follows the first within its window.)
 */
import { type FSWatcher, watch } from "node:fs";
import path from "node:path";

interface FolderWatcherPorts {
  /** Something happened to the file or folder at `file`; `comesOrGoes` unless only its content changed. */
  onEvent(file: string, comesOrGoes: boolean): void;
  /** A folder cannot be watched. */
  onError(message: string): void;
}

export class FolderWatcher {
  readonly #ports: FolderWatcherPorts;
  readonly #watchers = new Map<string, FSWatcher>();
  #told = false;

  constructor(ports: FolderWatcherPorts) {
    this.#ports = ports;
  }

  /**
   * Watches these folders from now on, as far as they exist, and no others. Returns those that were not
   * watched until now: what happened in them has not been seen.
   */
  watch(folders: ReadonlySet<string>): string[] {
    for (const folder of this.#watchers.keys()) if (!folders.has(folder)) this.#forget(folder);
    return [...folders].filter((folder) => !this.#watchers.has(folder) && this.#add(folder));
  }

  close(): void {
    for (const folder of [...this.#watchers.keys()]) this.#forget(folder);
  }

  #add(folder: string): boolean {
    try {
      const watcher = watch(folder, (event, name) => this.#onEvent(folder, event, name));
      watcher.on("error", () => this.#forget(folder));
      this.#watchers.set(folder, watcher);
      return true;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ENOTDIR") this.#tellOnce(folder, code ?? message);
      return false;
    }
  }

  #onEvent(folder: string, event: string, name: string | null): void {
    const file = name === null ? folder : path.join(folder, name);
    // A folder that is replaced leaves its watcher looking at the old one.
    if (event === "rename") this.#forget(file);
    this.#ports.onEvent(file, event === "rename");
  }

  #forget(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #tellOnce(folder: string, reason: string): void {
    if (this.#told) return;
    this.#told = true;
    const advice =
      reason === "ENOSPC" || reason === "EMFILE"
        ? "raise the system's limits (fs.inotify.max_user_watches, fs.inotify.max_user_instances)"
        : "changes there are not seen";
    this.#ports.onError(`cannot watch ${folder}: ${reason}; ${advice}`);
  }
}
