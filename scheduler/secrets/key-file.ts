/**
 * The key that secrets are encrypted with: 32 bytes, as they are or in base64, in a file that nobody else may
 * read. It is made with the first secret; one that is missing later is not made anew, which would help nobody.
 */
import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import { DexterError } from "../errors.ts";
import { makeFolder, writeDurably } from "../system/durable.ts";
import { fileReason } from "../system/file-reason.ts";

const KEY_BYTES = 32;

/** More than any key file has; what is longer is not read. */
const MOST_BYTES = 4096;

/** The key; undefined when there is no such file. Throws SECRET_KEY. */
export async function readKey(file: string): Promise<Buffer | undefined> {
  const handle = await open(file, "r").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw keyError(file, `cannot be read: ${fileReason(cause)}`, cause);
  });
  if (handle === undefined) return undefined;
  try {
    return await readFrom(handle, file);
  } finally {
    await handle.close();
  }
}

/** Makes a key, durably. Throws STORE_FULL, STORE_FAILED. */
export async function createKey(file: string): Promise<Buffer> {
  const key = randomBytes(KEY_BYTES);
  await makeFolder(path.dirname(file));
  await writeDurably(file, `${key.toString("base64")}\n`);
  return key;
}

async function readFrom(handle: FileHandle, file: string): Promise<Buffer> {
  const stats = await handle.stat();
  if (!stats.isFile()) throw keyError(file, "is not a file; name one with secret_key_file");
  const problem = permissionProblem(stats);
  if (problem !== undefined) throw keyError(file, problem);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
  const key = keyIn(buffer.subarray(0, bytesRead));
  if (key) return key;
  const reason = `must hold ${KEY_BYTES} bytes, as they are or in base64 (it has ${stats.size}); put the right file there`;
  throw keyError(file, reason);
}

/**
 * Its owner alone may read it. One of root's that was handed to a scheduler that is not root (as systemd and
 * Kubernetes do it) may be readable by the scheduler's group.
 */
function permissionProblem({ mode, uid }: Stats): string | undefined {
  const own = process.getuid?.() ?? uid;
  if (uid !== own && uid !== 0) return "belongs to another user; make it the scheduler's own, with mode 600";
  const forbidden = uid === own ? 0o077 : 0o037;
  if ((mode & forbidden) === 0) return undefined;
  const shown = (mode & 0o777).toString(8);
  return `is open to others (mode ${shown}); run \`chmod 600\` on it, and consider who may have read it`;
}

function keyIn(bytes: Buffer): Buffer | undefined {
  if (bytes.length === KEY_BYTES) return bytes;
  const text = bytes.toString("latin1").trim();
  if (!/^[A-Za-z0-9+/]{43}=?$/.test(text)) return undefined;
  return Buffer.from(text, "base64");
}

export function keyError(file: string, reason: string, cause?: unknown): DexterError {
  return new DexterError("SECRET_KEY", { path: file, reason }, { cause });
}
