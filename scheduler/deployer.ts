/**
 * Brings new code to life: build, prove it in a thread of every server, then switch. Whatever fails on the
 * way leaves the version that is live serving.
 */

import type { Exchange } from "./dispatch/exchange.ts";
import { DexterError } from "./errors.ts";
import type { Fleet } from "./policy/fleet.ts";
import { type DeployedFunction, type FunctionRegistry, specOf } from "./registry.ts";
import type { Supervisor } from "./supervisor.ts";
import type { FunctionConfig, Version } from "./types.ts";

export class Deployer {
  readonly #registry: FunctionRegistry;
  readonly #fleet: Fleet<Exchange>;
  readonly #supervisor: Supervisor<Exchange>;

  constructor(registry: FunctionRegistry, fleet: Fleet<Exchange>, supervisor: Supervisor<Exchange>) {
    this.#registry = registry;
    this.#fleet = fleet;
    this.#supervisor = supervisor;
  }

  /**
   * Builds a function and makes the result live, if it differs from what is.
   * @returns the new version, or undefined when nothing changed
   * @throws BuildError, LoadError; the function's `failure` keeps it
   */
  async update(entry: DeployedFunction): Promise<Version | undefined> {
    try {
      const version = await entry.builder.build();
      if (version.id === entry.live?.id) {
        delete entry.failure;
        return undefined;
      }
      this.#registry.keep(version);
      await this.#prove(entry.config, version);
      this.#switchTo(entry, version);
      return version;
    } catch (error) {
      if (!(error instanceof DexterError)) throw error;
      entry.failure = error;
      throw error;
    }
  }

  /** Forgets a function, and refuses what waits for it. */
  async remove(name: string): Promise<void> {
    await this.#registry.remove(name);
    for (const ticket of this.#fleet.drop(name)) {
      ticket.request.fail(new DexterError("NO_FUNCTION", { host: name, path: "" }));
    }
  }

  /** Loads one thread of the version in every server; without servers there is nothing to prove it in. */
  async #prove(config: FunctionConfig, version: Version): Promise<void> {
    const spec = specOf(config, version);
    try {
      await Promise.all(this.#fleet.stage(spec).map((thread) => this.#supervisor.outcome(thread)));
    } catch (error) {
      this.#fleet.unstage(spec);
      throw error;
    }
  }

  #switchTo(entry: DeployedFunction, version: Version): void {
    const nowMs = performance.now();
    entry.live = version;
    delete entry.failure;
    this.#fleet.promote(specOf(entry.config, version), nowMs);
    this.#fleet.activate(version.functionName, nowMs);
    for (const id of this.#registry.prune()) this.#supervisor.forget(id);
  }
}
