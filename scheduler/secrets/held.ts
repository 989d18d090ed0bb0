/**
 * The secrets of functions in memory, as threads get them. A file is read when its function is first prepared;
 * one that cannot be read is tried again each time, so that a reload takes up its repair.
 */
import { randomBytes } from "node:crypto";
import type { Prepared } from "../system/prepared.ts";
import type { SecretValues } from "../versions/revision.ts";
import type { SecretStore, Secrets } from "./store.ts";

/** Never used twice, so that no server takes other values for these. */
const TAG_BYTES = 8;

interface Held extends SecretValues {
  readonly secrets: Secrets;
}

/** What functions get where the store does not count: in dev. */
export const NO_SECRETS: SecretValues = { tag: "", values: new Map() };

export class HeldSecrets {
  readonly #store: SecretStore;
  readonly #held = new Map<string, Held>();

  constructor(store: SecretStore) {
    this.#store = store;
  }

  /** The function's secrets. Throws SECRETS_DAMAGED, SECRETS_LOCKED. */
  async of(functionName: string): Promise<Held> {
    return this.#held.get(functionName) ?? this.#hold(functionName, await this.#store.read(functionName));
  }

  /** Versions that are prepared from now on get these; nothing is written. Abandoned, it is as it was before. */
  async change(functionName: string, secrets: Secrets): Promise<Prepared> {
    const before = await this.of(functionName);
    this.#hold(functionName, secrets);
    return { finish: () => {}, abandon: () => this.#held.set(functionName, before) };
  }

  #hold(functionName: string, secrets: Secrets): Held {
    const tag = randomBytes(TAG_BYTES).toString("hex");
    const values = new Map([...secrets].map(([name, { value }]) => [name, value]));
    const held = { tag, values, secrets };
    this.#held.set(functionName, held);
    return held;
  }

  /** Writes what is held. Throws STORE_FULL, STORE_FAILED, SECRET_KEY; then the file is as it was. */
  async keep(functionName: string): Promise<void> {
    await this.#store.write(functionName, (await this.of(functionName)).secrets);
  }

  /** Removes the function's file, also one that cannot be read. Throws STORE_FAILED. */
  async forget(functionName: string): Promise<void> {
    await this.#store.remove(functionName);
    this.#held.delete(functionName);
  }
}
