/**
 * The store: every deployed function has a folder with its versions, one file each, and a pointer to the one
 * that is live.
 *
 *     <data_dir>/store/<function>/versions/<id>.json
 *     <data_dir>/store/<function>/live.json
 *
 * A version is written before the pointer names it, so whenever the power fails, the pointer names a whole one.
 * The first line of a version's file is the SHA-256 of the rest. It is checked each time before it is loaded.
 */
import { createHash } from "node:crypto";
import { lstat, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { DNS_LABEL } from "../config/values.ts";
import { DexterError } from "../errors.ts";
import { makeFolder, removeDurably, removeLeftovers, syncFolder, writeDurably } from "../system/durable.ts";
import { fileReason } from "../system/file-reason.ts";
import { type FunctionPackage, pack, unpack } from "../versions/package.ts";
import { type Change, changed, formatPointer, type Pointer, parsePointer } from "./pointer.ts";

/** A version that is kept, as its file's name and times tell. */
interface StoredVersion {
  readonly id: string;
  /** When it was first stored, in ms since 1970. */
  readonly storedAtMs: number;
  readonly bytes: number;
}

export class Store {
  readonly #root: string;

  constructor(dataDir: string) {
    this.#root = path.join(dataDir, "store");
  }

  /**
   * Removes what writes, first deploys and deletes that were cut short have left.
   * @throws DATA_DIR when the store is there, but cannot be read: its functions would be 404 and nobody told
   */
  async open(): Promise<void> {
    const entries = await readdir(this.#root, { withFileTypes: true }).catch((cause) => {
      if (cause.code === "ENOENT") return [];
      throw new DexterError("DATA_DIR", { path: this.#root, reason: fileReason(cause) }, { cause });
    });
    const names = await this.functions();
    for (const entry of entries) {
      const { name } = entry;
      if (!entry.isDirectory() || !DNS_LABEL.test(name) || names.includes(name)) continue;
      const absent = await lstat(this.#pointerFile(name)).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === "ENOENT",
      );
      if (absent) await rm(this.#folder(name), { recursive: true, force: true }).catch(() => {});
    }
    for (const name of names) {
      for (const folder of [this.#folder(name), this.#versionsFolder(name)])
        await removeLeftovers(folder).catch(() => {});
    }
  }

  /** Names of all functions with a live version, sorted. */
  async functions(): Promise<string[]> {
    const names: string[] = [];
    for (const entry of await readdir(this.#root, { withFileTypes: true }).catch(() => [])) {
      if (!entry.isDirectory() || !DNS_LABEL.test(entry.name)) continue;
      if (await exists(this.#pointerFile(entry.name))) names.push(entry.name);
    }
    return names.sort();
  }

  /** The function's pointer; undefined when there is none, or one that cannot be read. */
  async pointer(name: string): Promise<Pointer | undefined> {
    return parsePointer(await readFile(this.#pointerFile(name), "utf8").catch(() => ""));
  }

  /** Makes the version that the change names live. Throws STORE_FULL, STORE_FAILED; then nothing has changed. */
  async point(name: string, change: Change): Promise<Pointer> {
    const pointer = changed(await this.pointer(name), change);
    await writeDurably(this.#pointerFile(name), formatPointer(pointer));
    return pointer;
  }

  /** Keeps a version, unless it is there already, whole. Throws STORE_FULL, STORE_FAILED. */
  async add(given: FunctionPackage): Promise<void> {
    const { name } = given.settings;
    const known = await this.read(name, given.version.id).catch(() => undefined);
    if (known !== undefined) return;
    await makeFolder(this.#versionsFolder(name));
    const body = pack(given);
    await writeDurably(this.#versionFile(name, given.version.id), `${digestOf(body)}\n${body}`);
  }

  /** @throws NO_VERSION when it is not kept, VERSION_DAMAGED when it is not what was stored */
  async read(name: string, id: string): Promise<FunctionPackage> {
    const file = this.#versionFile(name, id);
    const text = await readPlainFile(file).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT") throw new DexterError("NO_VERSION", { function: name, version: id });
      throw damaged(file, id, cause.message);
    });
    const end = text.indexOf("\n");
    const body = text.slice(end + 1);
    if (digestOf(body) !== text.slice(0, end)) throw damaged(file, id, "its digest is another");
    try {
      const found = unpack(body);
      if (found.version.id !== id || found.settings.name !== name) throw new Error("it is another version");
      return found;
    } catch (error) {
      throw damaged(file, id, (error as Error).message);
    }
  }

  /** The versions that are kept, the latest first. */
  async versions(name: string): Promise<StoredVersion[]> {
    const found: StoredVersion[] = [];
    const folder = this.#versionsFolder(name);
    for (const file of await readdir(folder).catch(() => [])) {
      const id = /^([0-9a-f]{16})\.json$/.exec(file)?.[1];
      const stat = id && (await lstat(path.join(folder, file)).catch(() => undefined));
      if (id && stat) found.push({ id, storedAtMs: stat.mtimeMs, bytes: stat.size });
    }
    return found.sort((a, b) => b.storedAtMs - a.storedAtMs);
  }

  /** Removes all but the live version, `others`, and those that were live last, `keep` in all. */
  async prune(name: string, keep: number, others: readonly string[] = []): Promise<string[]> {
    const pointer = await this.pointer(name);
    if (pointer === undefined) return [];
    const versions = (await this.versions(name)).map(({ id }) => id);
    const byUse = [pointer.version, ...others, ...pointer.changes.map(({ version }) => version), ...versions];
    const kept = new Set([...new Set(byUse)].filter((id) => versions.includes(id)).slice(0, keep));
    const pruned = versions.filter((id) => !kept.has(id));
    for (const id of pruned) await rm(this.#versionFile(name, id), { force: true });
    return pruned;
  }

  /** Forgets a function and all its versions. The pointer goes first: without it, there is no function. */
  async remove(name: string): Promise<void> {
    await removeDurably(this.#pointerFile(name));
    await rm(this.#folder(name), { recursive: true, force: true });
    await syncFolder(this.#root);
  }

  #folder(name: string): string {
    if (!DNS_LABEL.test(name)) throw new DexterError("NO_DEPLOYED", { function: name });
    return path.join(this.#root, name);
  }

  #versionsFolder(name: string): string {
    return path.join(this.#folder(name), "versions");
  }

  #versionFile(name: string, id: string): string {
    if (!/^[0-9a-f]{16}$/.test(id)) throw new DexterError("NO_VERSION", { function: name, version: id });
    return path.join(this.#versionsFolder(name), `${id}.json`);
  }

  #pointerFile(name: string): string {
    return path.join(this.#folder(name), "live.json");
  }
}

function digestOf(body: string): string {
  return createHash("sha256").update(body).digest("hex");
}

function damaged(file: string, version: string, reason: string): DexterError {
  return new DexterError("VERSION_DAMAGED", { path: file, version, reason });
}

/** A link may lead anywhere, so it is not followed. */
async function readPlainFile(file: string): Promise<string> {
  if (!(await lstat(file)).isFile()) throw new Error("it is not a plain file");
  return await readFile(file, "utf8");
}

async function exists(file: string): Promise<boolean> {
  return (await lstat(file).catch(() => undefined)) !== undefined;
}
