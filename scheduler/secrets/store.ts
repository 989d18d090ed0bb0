/**
 * Secrets on disk: a file for each function that has any, in which every value is encrypted by itself.
 *
 *     <data_dir>/secrets/<function>.json
 *
 * The names of secrets, and who set them when, can be read there; values cannot without the key.
 */
import { access, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import { DNS_LABEL, NAME_RULE } from "../config/values.ts";
import { DexterError } from "../errors.ts";
import { makeFolder, removeDurably, removeLeftovers, writeDurably } from "../system/durable.ts";
import { fileReason } from "../system/file-reason.ts";
import { createKey, keyError, readKey } from "./key-file.ts";
import { keyId, seal, unseal } from "./sealed.ts";

export interface Secret {
  readonly value: string;
  readonly updatedAt: string;
  /** Who set it. */
  readonly by: string;
}

/** By name, in the order of their names. */
export type Secrets = ReadonlyMap<string, Secret>;

export const SECRET_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** Whether a secret may have the name: a property of every object would be hidden, or be the prototype. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !(name in {});
}

const FORMAT = 1;
const schema = z.strictObject({
  format: z.literal(FORMAT),
  function: z.string(),
  /** Which key the values are encrypted with. */
  key: z.string(),
  secrets: z.array(
    z.strictObject({
      name: z.string().refine(isSecretName),
      sealed: z.base64(),
      updatedAt: z.iso.datetime(),
      by: z.string(),
    }),
  ),
});

export class SecretStore {
  readonly #folder: string;
  readonly #keyFile: string;

  constructor(dataDir: string, keyFile: string) {
    this.#folder = path.join(dataDir, "secrets");
    this.#keyFile = keyFile;
  }

  /** Removes what writes that were cut short have left. */
  async open(): Promise<void> {
    await removeLeftovers(this.#folder).catch(() => {});
  }

  /** A function's secrets; none when it has no file. Throws SECRETS_DAMAGED, SECRETS_LOCKED. */
  async read(functionName: string): Promise<Secrets> {
    const file = this.#file(functionName);
    const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT") return undefined;
      throw damaged(file, functionName, `cannot be read: ${fileReason(cause)}`);
    });
    if (text === undefined) return new Map();
    const found = parse(text);
    if (found === undefined) throw damaged(file, functionName, "is not a file of secrets");
    if (found.function !== functionName)
      throw damaged(file, functionName, `holds the secrets of ${JSON.stringify(found.function)}`);
    const key = await this.#keyOf(found.key).catch((cause: DexterError) => {
      throw new DexterError("SECRETS_LOCKED", { function: functionName, reason: cause.message }, { cause });
    });
    const secrets = new Map<string, Secret>();
    for (const { name, sealed, ...rest } of found.secrets) {
      const value = unseal(key, { functionName, name }, sealed);
      if (value === undefined) throw damaged(file, functionName, `holds a changed value for ${name}`);
      secrets.set(name, { value, ...rest });
    }
    return secrets;
  }

  /** Keeps these and no others. Throws STORE_FULL, STORE_FAILED, SECRET_KEY; then nothing has changed. */
  async write(functionName: string, secrets: Secrets): Promise<void> {
    if (secrets.size === 0) return this.remove(functionName);
    const key = await this.#keyToWrite();
    const sealed = [...secrets].map(([name, { value, ...rest }]) => {
      return { name, sealed: seal(key, { functionName, name }, value), ...rest };
    });
    const content = { format: FORMAT, function: functionName, key: keyId(key), secrets: sealed };
    await makeFolder(this.#folder);
    await writeDurably(this.#file(functionName), `${JSON.stringify(content, undefined, 2)}\n`);
  }

  /** Forgets all of a function's secrets, also those that cannot be read. Throws STORE_FAILED. */
  async remove(functionName: string): Promise<void> {
    const file = this.#file(functionName);
    if (await exists(file)) await removeDurably(file);
  }

  async #keyOf(id: string): Promise<Buffer> {
    const key = await readKey(this.#keyFile);
    if (key === undefined)
      throw keyError(this.#keyFile, "is missing, and secrets were encrypted with it; put it back");
    if (keyId(key) === id) return key;
    throw keyError(this.#keyFile, "is another key than secrets were encrypted with; put that one back");
  }

  /** A new key only where nothing needs an old one. */
  async #keyToWrite(): Promise<Buffer> {
    const key = await readKey(this.#keyFile);
    if (key !== undefined) return key;
    const files = await readdir(this.#folder).catch(() => []);
    if (files.length === 0) return await createKey(this.#keyFile);
    throw keyError(this.#keyFile, "is missing, and secrets were encrypted with it; put it back");
  }

  #file(functionName: string): string {
    if (!DNS_LABEL.test(functionName))
      throw new DexterError("CALL_INVALID", { part: "the function's name", reason: NAME_RULE });
    return path.join(this.#folder, `${functionName}.json`);
  }
}

function parse(text: string): z.output<typeof schema> | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function damaged(file: string, functionName: string, reason: string): DexterError {
  return new DexterError("SECRETS_DAMAGED", { path: file, function: functionName, reason });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
