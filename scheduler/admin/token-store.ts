/**
 * The tokens of a node, in `<data_dir>/tokens.json`. Of each only a digest is kept. The file is small and changes
 * rarely, so it is written whole.
 */
import { timingSafeEqual } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import * as z from "zod";
import { DexterError } from "../errors.ts";
import { removeLeftovers, writeDurably } from "../system/durable.ts";
import { fileReason } from "../system/file-reason.ts";
import { Turns } from "../system/turns.ts";
import { type Caller, SCOPES } from "./caller.ts";
import type { TokenRequest } from "./token-request.ts";
import { digestOf, idIn, makeToken, TOKEN_ID } from "./token-text.ts";

const recordSchema = z.strictObject({
  id: z.string().regex(TOKEN_ID),
  name: z.string().min(1),
  scope: z.enum(SCOPES),
  functions: z.array(z.string()).min(1).optional(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  /** SHA-256 in hexadecimal. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});
const fileSchema = z.strictObject({ format: z.literal(1), tokens: z.array(recordSchema) });

type TokenRecord = z.output<typeof recordSchema>;

/** What is told of a token. */
export interface TokenInfo extends Omit<TokenRecord, "digest"> {
  readonly expired: boolean;
  /** Since the node started. */
  readonly lastUsedAt?: string;
}

export interface TokenCaller extends Caller {
  readonly tokenId: string;
  /** For so long the token is good; undefined when it does not expire. */
  readonly expiresInMs?: number;
}

/** Compared with when no token has the id, so that both cases take the same way. */
const NO_DIGEST = Buffer.alloc(32);
const WRITABLE_BY_OTHERS = 0o022;

export class TokenStore {
  readonly #path: string;
  readonly #clock: () => number;
  #records: readonly TokenRecord[] = [];
  readonly #usedMs = new Map<string, number>();
  readonly #turns = new Turns();

  constructor(path: string, clock: () => number = Date.now) {
    this.#path = path;
    this.#clock = clock;
  }

  /** Reads the file, if there is one. Throws TOKENS_UNUSABLE, TOKENS_EXPOSED or TOKENS_UNREADABLE. */
  async open(): Promise<void> {
    this.#records = await readTokens(this.#path);
    await removeLeftovers(dirname(this.#path), `${basename(this.#path)}.`);
  }

  list(): TokenInfo[] {
    return this.#records.map((record) => this.#infoOf(record));
  }

  /** Makes a token, which nobody can be told again. Throws TOKEN_EXISTS, STORE_FULL or STORE_FAILED. */
  create({ name, scope, functions, expires }: TokenRequest): Promise<{ token: string; info: TokenInfo }> {
    return this.#turns.run(async () => {
      if (this.#records.some((record) => record.name === name))
        throw new DexterError("TOKEN_EXISTS", { name });
      const { id, token } = makeToken();
      const nowMs = this.#clock();
      const record: TokenRecord = {
        id,
        name,
        scope,
        ...(functions && { functions }),
        createdAt: new Date(nowMs).toISOString(),
        ...(expires !== undefined && { expiresAt: new Date(nowMs + expires).toISOString() }),
        digest: digestOf(token).toString("hex"),
      };
      await this.#save([...this.#records, record]);
      return { token, info: this.#infoOf(record) };
    });
  }

  /** Takes a token back, by id or name. Throws NO_TOKEN, STORE_FULL or STORE_FAILED; then it still works. */
  revoke(idOrName: string): Promise<TokenInfo> {
    return this.#turns.run(async () => {
      const record = this.#records.find(({ id, name }) => id === idOrName || name === idOrName);
      if (!record) throw new DexterError("NO_TOKEN", { token: idOrName });
      const info = this.#infoOf(record);
      await this.#save(this.#records.filter((other) => other !== record));
      this.#usedMs.delete(record.id);
      return info;
    });
  }

  /** Whose token it is. Throws TOKEN_INVALID, TOKEN_UNKNOWN or TOKEN_EXPIRED. */
  verify(token: string): TokenCaller {
    const id = idIn(token);
    if (id === undefined) throw new DexterError("TOKEN_INVALID");
    const record = this.#records.find((one) => one.id === id);
    const expected = record ? Buffer.from(record.digest, "hex") : NO_DIGEST;
    // In constant time: how long it takes tells nothing of how much of a guess was right.
    const isRight = timingSafeEqual(digestOf(token), expected);
    if (!record || !isRight) throw new DexterError("TOKEN_UNKNOWN", { id });
    const { name, scope, functions, expiresAt } = record;
    if (this.#isExpired(record)) throw new DexterError("TOKEN_EXPIRED", { name, expiresAt: expiresAt! });
    this.#usedMs.set(id, this.#clock());
    return {
      tokenId: id,
      name,
      scope,
      ...(functions && { functions }),
      ...(expiresAt !== undefined && { expiresInMs: Date.parse(expiresAt) - this.#clock() }),
    };
  }

  #isExpired({ expiresAt }: TokenRecord): boolean {
    return expiresAt !== undefined && Date.parse(expiresAt) <= this.#clock();
  }

  #infoOf(record: TokenRecord): TokenInfo {
    const { digest: _, ...rest } = record;
    const usedMs = this.#usedMs.get(record.id);
    return {
      ...rest,
      expired: this.#isExpired(record),
      ...(usedMs !== undefined && { lastUsedAt: new Date(usedMs).toISOString() }),
    };
  }

  /** On disk first: what is in force is what a restart would find. */
  async #save(tokens: readonly TokenRecord[]): Promise<void> {
    await writeDurably(this.#path, `${JSON.stringify({ format: 1, tokens }, undefined, 2)}\n`);
    this.#records = tokens;
  }
}

async function readTokens(path: string): Promise<readonly TokenRecord[]> {
  try {
    const text = await readFile(path, "utf8");
    if ((await stat(path)).mode & WRITABLE_BY_OTHERS) throw new DexterError("TOKENS_EXPOSED", { path });
    return parseTokens(path, text);
  } catch (error) {
    if (error instanceof DexterError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new DexterError("TOKENS_UNREADABLE", { path, reason: fileReason(error) }, { cause: error });
  }
}

function parseTokens(path: string, text: string): readonly TokenRecord[] {
  const damaged = (where: string, cause?: unknown) =>
    new DexterError("TOKENS_UNUSABLE", { path, where }, { cause });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw damaged("it is not JSON", cause);
  }
  const { data, error } = fileSchema.safeParse(content);
  if (!data) throw damaged(`at ${error.issues[0]?.path.join(".") || "its top"}`, error);
  const names = data.tokens.flatMap(({ id, name }) => [id, name]);
  if (new Set(names).size < names.length) throw damaged("two tokens have one name or id");
  return data.tokens;
}
