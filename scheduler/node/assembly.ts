/** The parts of a node, and what each of them is given of the others. Nothing of it runs yet. */
import type { AdminDoors } from "../admin/doors.ts";
import { TokenStore } from "../admin/token-store.ts";
import { FunctionRegistry } from "../deploy/registry.ts";
import { Listeners } from "../http/listeners.ts";
import { LimitsByFunction } from "../limits/function-limits.ts";
import type { NodeStatus } from "../status/status.ts";
import { tokensFile } from "../system/paths.ts";
import { Turns } from "../system/turns.ts";
import type { Project } from "../types.ts";
import { Builds } from "./builds.ts";
import { Delivery } from "./delivery.ts";
import { Engine, type EnginePorts } from "./engine.ts";
import { FirstStart } from "./first-start.ts";
import { Front } from "./front.ts";
import { operatorDoors } from "./operator.ts";
import type { NodeOptions } from "./options.ts";
import { ProjectChanges } from "./project-changes.ts";
import { Telemetry, type TelemetrySources } from "./telemetry.ts";

export interface Parts {
  readonly registry: FunctionRegistry;
  readonly telemetry: Telemetry;
  readonly engine: Engine;
  readonly limits: LimitsByFunction;
  readonly delivery: Delivery;
  readonly front: Front;
  readonly listeners: Listeners;
  readonly tokens: TokenStore;
  readonly admin: AdminDoors;
  readonly changes: ProjectChanges;
  readonly firstStart: FirstStart;
  /** Of what changes the project, its functions, their secrets. */
  readonly turns: Turns;
}

/** What parts of a node ask of the whole. */
interface Whole {
  readonly isStopping: boolean;
  status(): NodeStatus;
  reload(): Promise<void>;
}

/** @param given the project as it is first; @param whole is not asked before the node begins */
export function assemble(given: Project, options: NodeOptions, whole: Whole): Parts {
  const { node } = given;
  const { log } = options.logs;
  const project = (): Project => changes.project;
  const status = () => whole.status();
  const turns = new Turns();
  const core = serving(given, options, {
    project,
    status,
    isServing: () => listeners.urls.length > 0,
    finished: (exchange) => canaries.observe(exchange),
  });
  const { registry, telemetry, engine, limits } = core;
  const delivery: Delivery = new Delivery(node, options, {
    ...core,
    turns,
    project,
    routesOf: (name) => front.routesOf(name),
    changed: () => changes.configureFront(),
    restore: (name) => changes.restore(name),
  });
  const { deployer, canaries, deployments } = delivery;
  const { incidents, reporter, journal, metrics } = telemetry;
  const { dispatcher } = engine;
  const front = new Front(node, {
    limits,
    incidents,
    canaries,
    registry,
    reporter,
    dispatcher,
    journal,
    metrics,
  });
  const listeners = new Listeners(front, log, front.clients);
  const tokens = new TokenStore(tokensFile(node.dataDir));
  const admin = operatorDoors({
    ...core,
    log,
    tokens,
    delivery,
    listeners,
    project,
    status,
    isStopping: () => whole.isStopping,
    reload: () => whole.reload(),
    stop: (graceful) => options.onStop(graceful),
  });
  const builds = new Builds(options.dev, log, reporter);
  const parts = { ...core, options, reporter, deployer, deployments, builds, front, listeners, admin, turns };
  const changes: ProjectChanges = new ProjectChanges(given, parts);
  const firstStart = new FirstStart({ ...parts, isStopping: () => whole.isStopping });
  return { ...core, delivery, front, listeners, tokens, admin, changes, firstStart, turns };
}

/** What serves requests, and what tells of them. */
function serving(
  given: Project,
  options: NodeOptions,
  ports: Omit<EnginePorts, "registry" | "telemetry" | "limits"> & Pick<TelemetrySources, "status">,
): Pick<Parts, "registry" | "telemetry" | "engine" | "limits"> {
  const registry = new FunctionRegistry(options);
  const limits = new LimitsByFunction(given.node);
  const telemetry: Telemetry = new Telemetry(given, options, {
    registry,
    project: ports.project,
    status: ports.status,
    slotOf: (key) => engine.slotOf(key),
    responsiveSlots: () => engine.responsiveSlots,
  });
  const engine: Engine = new Engine(given.node, options, { ...ports, registry, telemetry, limits });
  return { registry, telemetry, engine, limits };
}
