/**
 * Makes the folder of a server and its process in it.
 *
 * The child starts through a shell that leaves a watcher beside it: the watcher blocks on a pipe from the
 * scheduler and kills the server when the pipe ends, which it does however the scheduler dies. The server
 * has a session of its own, so that a terminal's Ctrl-C reaches the scheduler alone.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, closeSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import workerd from "workerd";
import { fileReason } from "../system/file-reason.ts";
import { hasSecrets } from "../versions/revision.ts";
import { withoutCapabilities } from "./capabilities.ts";
import { descriptorPath, openHidden } from "./hidden-file.ts";
import { type Resident, writeModules } from "./residents.ts";
import { renderWorkerdConfig } from "./workerd-config.ts";

/** `$1`: working directory with core dumps, or empty. A byte on descriptor 4 lets the watcher go; 5 is its server's. */
const LAUNCHER = `
if [ -n "$1" ]; then ulimit -c unlimited 2>&- || ulimit -S -c "$(ulimit -H -c)"; cd "$1" || exit 71; fi; shift
{ read _ <&4 || kill -9 $$; } >/dev/null 2>&1 3>&- 5<&- &
exec "$@" 4<&-`;

export type OutputStream = "stdout" | "stderr" | "control";

export interface ServerOptions {
  readonly slot: number;
  readonly generation: number;
  /** Made, with mode 0700, for this generation alone. */
  readonly directory: string;
  readonly threadSlots: number;
  readonly residents: readonly Resident[];
  readonly hostModule: string;
  readonly allowNetwork: readonly string[];
  readonly v8Flags: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
  readonly coreDumpDirectory?: string;
  /** Lets debuggers at its resident threads, on a port of the loopback that the system chooses. */
  readonly inspector: boolean;
  /**
   * Takes every line that the server prints, and those on its control descriptor that cannot be read.
   * @param cut bytes that are missing at the end of a line that was too long
   */
  readonly onLine: (line: string, stream: OutputStream, cut: number) => void;
}

/**
 * Returns what is in the way where there is no process: a disk that is full, say, or no file descriptor left. The
 * process may still turn out not to be there, by its `error`.
 */
export function launch(options: ServerOptions): ChildProcess | Error {
  let hidden: number | undefined;
  try {
    const prepared = prepareDirectory(options);
    hidden = prepared.hidden;
    return spawnServer(options, prepared);
  } catch (error) {
    removeDirectory(options.directory);
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return new Error(`it cannot be started in ${options.directory}: ${fileReason(error)}`, { cause: error });
  } finally {
    if (hidden !== undefined) closeSync(hidden);
  }
}

/** What cannot be removed now is removed when the folder is needed, or with the folder of all generations. */
export function removeDirectory(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    // It costs a little space until then.
  }
}

function spawnServer(options: ServerOptions, { config, hidden }: Prepared): ChildProcess {
  const { uid, gid } = options;
  return spawn(
    "/bin/sh",
    [
      "-c",
      LAUNCHER,
      "sh",
      options.coreDumpDirectory ?? "",
      ...withoutCapabilities(),
      workerd.default,
      "serve",
      "--experimental",
      config,
      "--control-fd=3",
      ...(options.inspector ? ["--inspector-addr=127.0.0.1:0"] : []),
    ],
    {
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", ...(hidden === undefined ? [] : [hidden])],
      detached: true,
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    },
  );
}

/** The child's descriptor of a hidden configuration. */
const HIDDEN = 5;

interface Prepared {
  readonly config: string;
  /** The file that `config` leads to, if that is hidden. */
  readonly hidden?: number;
}

function prepareDirectory(options: ServerOptions): Prepared {
  const config = `${options.directory}/config.capnp`;
  rmSync(options.directory, { recursive: true, force: true });
  // Servers that run as somebody else must get through the folder of all generations to their own.
  mkdirSync(dirname(options.directory), { recursive: true, mode: 0o711 });
  mkdirSync(options.directory, { mode: 0o700 });
  const modules = writeModules(options.directory, options.residents);
  const text = renderWorkerdConfig({ ...options, slots: options.threadSlots });
  const hide = options.residents.some(({ spec }) => hasSecrets(spec));
  if (!hide) writeFileSync(config, text);
  if (options.uid !== undefined || options.gid !== undefined) {
    for (const path of [options.directory, ...(hide ? [] : [config]), ...modules])
      chownSync(path, options.uid ?? -1, options.gid ?? -1);
  }
  if (!hide) return { config };
  // The files that the configuration embeds are found from where the link is.
  symlinkSync(descriptorPath(HIDDEN), config);
  try {
    return { config, hidden: openHidden(text, options) };
  } catch {
    // The link leads nowhere: this start fails, and the next one is without resident threads.
    return { config };
  }
}
