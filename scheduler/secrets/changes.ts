/**
 * Changes of a function's secrets while it runs. A change goes the way of a deploy: the function's live version,
 * with the new values, proves itself in a thread; then the change is stored, and requests go to new threads.
 * A change that would make a function fail is refused, unless it fails already: it may need two of them.
 */
import type { Candidate } from "../deploy/deployer.ts";
import { type ProofPorts, prove } from "../deploy/proof.ts";
import type { DeployedFunction, FunctionRegistry } from "../deploy/registry.ts";
import { DexterError } from "../errors.ts";
import { allOf, orAbandon } from "../system/prepared.ts";
import type { Turns } from "../system/turns.ts";
import type { HeldSecrets } from "./held.ts";
import { isSecretName, type Secret, type Secrets } from "./store.ts";

/** Of one value, in UTF-8. All of a function's vars and secrets may have 1 MiB: workerd's limit. */
export const MAX_SECRET_BYTES = 64 << 10;
const MAX_SECRETS = 100;

interface SecretPorts extends ProofPorts {
  readonly registry: FunctionRegistry;
  readonly secrets: HeldSecrets;
  /** Changes of the node happen one after the other. */
  readonly turns: Turns;
}

/** One secret of `dexter secret list`: anything but its value. */
export interface SecretStatus extends Omit<Secret, "value"> {
  readonly name: string;
}

/** What came of a change. */
export interface SecretChanged {
  readonly function: string;
  readonly name: string;
  /** Whether the value is another than before. */
  readonly changed: boolean;
  /** Whether new threads have it, or the function is not here yet, or it fails still. */
  readonly state: "live" | "waiting" | "failing";
  /** Why it fails. */
  readonly reason?: string;
  /** There is a variable of this name, which a secret goes before. */
  readonly variable: boolean;
}

export class SecretChanges {
  readonly #ports: SecretPorts;

  constructor(ports: SecretPorts) {
    this.#ports = ports;
  }

  /** Throws SECRETS_DAMAGED, SECRETS_LOCKED. */
  list(functionName: string): Promise<SecretStatus[]> {
    return this.#ports.turns.run(async () => {
      const { secrets } = await this.#ports.secrets.of(functionName);
      return [...secrets].map(([name, { updatedAt, by }]) => ({ name, updatedAt, by }));
    });
  }

  /** Sets a secret. Throws SECRET_NAME, SECRET_VALUE, SECRETS_TOO_MANY, SECRETS_DAMAGED, SECRETS_LOCKED, and as `#change`. */
  put(functionName: string, name: string, value: string, by: string): Promise<SecretChanged> {
    checkName(name);
    checkValue(name, value);
    return this.#ports.turns.run(async () => {
      const { secrets } = await this.#ports.secrets.of(functionName);
      const known = secrets.get(name);
      if (known?.value === value) return this.#outcome(functionName, name, false);
      if (known === undefined && secrets.size >= MAX_SECRETS)
        throw new DexterError("SECRETS_TOO_MANY", { function: functionName, most: MAX_SECRETS });
      const secret = { value, updatedAt: new Date().toISOString(), by };
      const after = [...secrets, [name, secret] as const].sort(([a], [b]) => (a < b ? -1 : 1));
      return await this.#change(functionName, name, new Map(after));
    });
  }

  /** Removes a secret. Throws SECRET_NAME, NO_SECRET, and as `put`. */
  delete(functionName: string, name: string): Promise<SecretChanged> {
    checkName(name);
    return this.#ports.turns.run(async () => {
      const { secrets } = await this.#ports.secrets.of(functionName);
      const after = new Map(secrets);
      if (!after.delete(name)) throw new DexterError("NO_SECRET", { function: functionName, name });
      return await this.#change(functionName, name, after);
    });
  }

  /** Throws STORE_FULL, STORE_FAILED, SECRET_KEY, and as `prove`; then all is as it was. */
  async #change(functionName: string, name: string, after: Secrets): Promise<SecretChanged> {
    const { registry, secrets, log } = this.#ports;
    const entry = registry.functions.get(functionName);
    const change = await allOf(
      () => secrets.change(functionName, after),
      () => entry && this.#proved(entry),
    );
    await orAbandon(change, () => secrets.keep(functionName));
    change.finish();
    log.info({ function: functionName, secret: name }, `a secret of ${functionName} has changed: ${name}`);
    return this.#outcome(functionName, name, true);
  }

  /** Undefined when there is nothing to finish, since the function fails as before. Throws as `prove`. */
  async #proved(entry: DeployedFunction): Promise<Candidate | undefined> {
    const works = entry.live !== undefined && entry.failure === undefined;
    try {
      // Of the sources there may be a newer state, which nobody has asked for.
      return await prove(this.#ports, entry, "a change of secrets", entry.live?.built);
    } catch (error) {
      if (!works && error instanceof DexterError) return undefined;
      if (works) delete entry.failure;
      throw error;
    }
  }

  #outcome(functionName: string, name: string, changed: boolean): SecretChanged {
    const { registry, textOf } = this.#ports;
    const entry = registry.functions.get(functionName);
    const vars = entry?.live?.built.env ?? {};
    const state = entry === undefined ? "waiting" : entry.failure ? "failing" : "live";
    return {
      function: functionName,
      name,
      changed,
      state,
      ...(entry?.failure ? { reason: textOf(entry.failure) } : {}),
      variable: Object.hasOwn(vars, name),
    };
  }
}

/** Throws SECRET_NAME. What was given is not repeated: it may be the value. */
function checkName(name: string): void {
  if (!isSecretName(name)) throw new DexterError("SECRET_NAME");
}

/** Throws SECRET_VALUE. */
function checkValue(name: string, value: string): void {
  if (value === "") throw new DexterError("SECRET_VALUE", { name, reason: "is empty" });
  if (Buffer.byteLength(value) > MAX_SECRET_BYTES)
    throw new DexterError("SECRET_TOO_BIG", { most: MAX_SECRET_BYTES >> 10 });
}
