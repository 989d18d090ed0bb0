/** The operator's ways in to a node: every call of the admin API, and what of the node it is given. */
import { control } from "../admin/control.ts";
import { deploys } from "../admin/deploys.ts";
import { AdminDoors } from "../admin/doors.ts";
import { health, type Readiness } from "../admin/health.ts";
import { live } from "../admin/live.ts";
import { metrics } from "../admin/metrics.ts";
import { page } from "../admin/page.ts";
import { secrets } from "../admin/secrets.ts";
import { tail } from "../admin/tail.ts";
import type { TokenStore } from "../admin/token-store.ts";
import type { FunctionRegistry } from "../deploy/registry.ts";
import type { Listeners } from "../http/listeners.ts";
import type { Logger } from "../logs/logger.ts";
import type { NodeStatus } from "../status/status.ts";
import type { Project } from "../types.ts";
import type { Delivery } from "./delivery.ts";
import type { Engine } from "./engine.ts";
import type { Telemetry } from "./telemetry.ts";

interface OperatorPorts {
  readonly log: Logger;
  readonly tokens: TokenStore;
  readonly registry: FunctionRegistry;
  readonly delivery: Delivery;
  readonly telemetry: Telemetry;
  readonly engine: Engine;
  readonly listeners: Listeners;
  /** As it is now. */
  project(): Project;
  status(): NodeStatus;
  isStopping(): boolean;
  reload(): Promise<void>;
  stop(graceful: boolean): void;
}

/** They are closed; a change opens them. */
export function operatorDoors(ports: OperatorPorts): AdminDoors {
  const { log, tokens, registry, delivery, telemetry, project, status } = ports;
  const { deployments, secretChanges } = delivery;
  const { followers, history, failures, audience } = telemetry;
  return new AdminDoors({
    log,
    tokens,
    features: [
      control(ports),
      deploys({
        deployments,
        functions: () => status().functions,
        windowMs: () => project().node.canaryWindowMs,
      }),
      secrets(secretChanges),
      tail({ followers, hasFunction: (name) => registry.functions.has(name) }),
      metrics((sees) => telemetry.metrics.render(sees)),
      live({
        history,
        failures,
        deployments,
        status,
        slotsPerServer: () => project().node.maxThreadsPerChild,
        audience,
      }),
      page,
      health(() => readinessOf(ports)),
    ],
  });
}

function readinessOf({ isStopping, listeners, engine }: OperatorPorts): Readiness {
  return {
    stopping: isStopping(),
    listening: listeners.urls.length > 0,
    responsive: engine.responsiveSlots.size > 0,
  };
}
