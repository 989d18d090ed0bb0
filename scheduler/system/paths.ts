/**
 * Where a running node keeps what lives only as long as it does. A unix socket's address holds about 100
 * bytes, so a data directory with a long path gets its sockets in a short one of the system's.
 */
import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { DexterError } from "../errors.ts";
import { fileReason } from "./file-reason.ts";

/** Room for `/run/255.1000000/control`. */
const MAX_DATA_DIR = 75;

function shortDirectory(dataDir: string): string {
  if (Buffer.byteLength(dataDir) <= MAX_DATA_DIR) return dataDir;
  const name = createHash("sha256").update(dataDir).digest("hex").slice(0, 12);
  return `${tmpdir()}/dexter-${ownId()}-${name}`;
}

/** Not `userInfo()`, which throws for a user that has no name. */
function ownId(): number {
  return process.getuid?.() ?? 0;
}

export function adminSocket(dataDir: string): string {
  return `${shortDirectory(dataDir)}/admin.sock`;
}

/** The admin API's tokens. */
export function tokensFile(dataDir: string): string {
  return `${dataDir}/tokens.json`;
}

/** The folder of the generations' socket folders. */
export function runDirectory(dataDir: string): string {
  return `${shortDirectory(dataDir)}/run`;
}

/** Removes what a node that ends has no more use for: all sockets, and their folder outside the data directory. */
export function clearSockets(dataDir: string): void {
  const short = shortDirectory(dataDir);
  rmSync(short === dataDir ? runDirectory(dataDir) : short, { recursive: true, force: true });
}

/** Makes the data directory, which git is to ignore, and the folder for sockets. Throws DATA_DIR. */
export function prepareDataDirectory(dataDir: string): void {
  const short = shortDirectory(dataDir);
  try {
    const made = mkdirSync(dataDir, { recursive: true });
    // It holds secrets, and lies in projects. A folder that was there already is somebody else's to arrange.
    if (made !== undefined) writeFileSync(`${dataDir}/.gitignore`, "*\n", { flag: "wx" });
    if (short === dataDir) return;
    mkdirSync(short, { recursive: true });
    if (lstatSync(short).uid !== ownId()) throw new Error(`${short} belongs to somebody else`);
    // Servers that run as another user must get through; what is in it has modes of its own.
    chmodSync(short, 0o711);
  } catch (cause) {
    throw new DexterError("DATA_DIR", { path: dataDir, reason: fileReason(cause) }, { cause });
  }
}
