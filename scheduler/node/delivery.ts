/** How versions of functions, and their secrets, come to be served while the node runs: deploys, canaries, changes. */
import { Canaries } from "../deploy/canaries.ts";
import { Deployer } from "../deploy/deployer.ts";
import { Deployments } from "../deploy/deployments.ts";
import type { FunctionRegistry } from "../deploy/registry.ts";
import { Store } from "../deploy/store.ts";
import type { DexterError } from "../errors.ts";
import { SecretChanges } from "../secrets/changes.ts";
import { HeldSecrets, NO_SECRETS } from "../secrets/held.ts";
import { SecretStore } from "../secrets/store.ts";
import type { Turns } from "../system/turns.ts";
import type { NodeConfig, Project } from "../types.ts";
import type { Engine } from "./engine.ts";
import type { NodeOptions } from "./options.ts";
import type { Telemetry } from "./telemetry.ts";

interface DeliveryPorts {
  readonly registry: FunctionRegistry;
  readonly engine: Engine;
  readonly telemetry: Telemetry;
  readonly turns: Turns;
  /** As it is now. */
  project(): Project;
  /** Where the function answers now. */
  routesOf(name: string): string[];
  /** Functions came, went, or have other routes. */
  changed(): void;
  /** The project's own function of this name is built and serves again; undefined when it has none. */
  restore(name: string): Promise<"serves" | DexterError | undefined>;
}

export class Delivery {
  readonly secretStore: SecretStore;
  readonly deployer: Deployer;
  readonly canaries: Canaries;
  readonly deployments: Deployments;
  /** Undefined in dev, where secrets do not count. */
  readonly secretChanges: SecretChanges | undefined;

  constructor(node: NodeConfig, { dev, logs, loadWithinMs }: NodeOptions, ports: DeliveryPorts) {
    const { registry, turns, project } = ports;
    const { dispatcher, supervisor } = ports.engine;
    this.secretStore = new SecretStore(node.dataDir, node.secretKeyFile);
    const secrets = new HeldSecrets(this.secretStore);
    const secretsOf = async (name: string) => (dev ? NO_SECRETS : secrets.of(name));
    this.deployer = new Deployer(registry, dispatcher.fleet, supervisor, secretsOf, loadWithinMs);
    this.canaries = new Canaries({
      registry,
      log: logs.log,
      reroute: (from, to) => dispatcher.reroute(from, to),
      carryOut: (name, verdict) => this.deployments.carryOut(name, verdict),
    });
    const changes = {
      registry,
      deployer: this.deployer,
      log: logs.log,
      textOf: (failure: DexterError) => ports.telemetry.reporter.textOf(failure),
      turns,
    };
    this.deployments = new Deployments({
      ...changes,
      canaries: this.canaries,
      store: new Store(node.dataDir),
      baseDomain: () => project().node.baseDomain,
      keepVersions: () => project().node.keepVersions,
      forgetSecrets: (name) => secrets.forget(name),
      routesOf: (name) => ports.routesOf(name),
      changed: () => ports.changed(),
      restore: (name) => ports.restore(name),
    });
    this.secretChanges = dev ? undefined : new SecretChanges({ ...changes, secrets });
  }
}
