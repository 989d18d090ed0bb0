/** What serves requests: the dispatcher, the supervisor of the servers, and what each has to know of the other. */
import { type FunctionRegistry, specOf } from "../deploy/registry.ts";
import { Dispatcher, dispatchLimits } from "../dispatch/dispatcher.ts";
import type { Exchange } from "../dispatch/exchange.ts";
import type { RequestObserver } from "../dispatch/exchange-ports.ts";
import { Sockets } from "../dispatch/sockets.ts";
import { SERVICE_RESTART } from "../dispatch/tunnel.ts";
import { DexterError } from "../errors.ts";
import { Blame } from "../limits/blame.ts";
import type { LimitsByFunction } from "../limits/function-limits.ts";
import type { FunctionSpec, Thread } from "../policy/thread.ts";
import { firstSlotOf } from "../server/keys.ts";
import { LoadError } from "../server/load-error.ts";
import type { Member } from "../server/member.ts";
import { supervisorSettings } from "../server/settings.ts";
import type { SupervisorPorts, SupervisorSettings } from "../server/supervision.ts";
import { Supervisor } from "../server/supervisor.ts";
import type { NodeConfig, Project } from "../types.ts";
import { detailsOf, Guard } from "./guard.ts";
import type { NodeOptions } from "./options.ts";
import type { Telemetry } from "./telemetry.ts";
import { Wards } from "./wards.ts";

export interface EnginePorts {
  readonly registry: FunctionRegistry;
  readonly telemetry: Telemetry;
  readonly limits: LimitsByFunction;
  /** As it is now. */
  project(): Project;
  /** Whether the node listens already. */
  isServing(): boolean;
  /** A request is over. */
  finished(exchange: Exchange): void;
}

export class Engine {
  readonly dispatcher: Dispatcher;
  readonly supervisor: Supervisor<Exchange>;
  readonly sockets: Sockets;
  readonly #options: NodeOptions;
  readonly #ports: EnginePorts;
  readonly guard: Guard;
  /** Servers beside those of the supervisor. */
  readonly wards: Wards;
  readonly #supervisorPorts: SupervisorPorts;
  #advised = false;

  constructor(node: NodeConfig, options: NodeOptions, ports: EnginePorts) {
    this.#options = options;
    this.#ports = ports;
    const { telemetry, limits } = ports;
    this.sockets = new Sockets({
      limitsOf: (functionName) => limits.of(functionName),
      clientShare: () => ports.project().node.limits.maxSharePerClient,
      incidents: telemetry.incidents,
      log: options.logs.log,
    });
    this.dispatcher = new Dispatcher(
      {
        socketOf: (thread) => this.member(thread.server)?.process.socketOf(thread.slot),
        load: (thread) => this.#supervisorOf(thread.server)?.load(thread),
        retire: (thread) => this.#supervisorOf(thread.server)?.end(thread),
        full: () => this.#adviseOnce(),
        due: (server) => this.#supervisorOf(server.key)?.wake(),
      },
      this.#observer(),
      dispatchLimits(node),
      (functionName) => limits.of(functionName),
    );
    const { dispatcher } = this;
    this.#supervisorPorts = this.#portsOfSupervisors();
    this.supervisor = new Supervisor(dispatcher.fleet, supervisorSettings(node, options), {
      ...this.#supervisorPorts,
      onPass: () => this.#passed(),
    });
    const blame = new Blame();
    this.wards = new Wards({
      dispatcher,
      blame,
      supervise: (fleet, slot) => new Supervisor(fleet, this.#apart(slot), this.#supervisorPorts),
      specOf: (pool) => this.#liveSpec(pool),
    });
    const { incidents } = telemetry;
    const liveSpec = (name: string) => this.#liveSpec(name);
    this.guard = new Guard({ dispatcher, limits, incidents, blame, wards: this.wards, liveSpec });
  }

  #observer(): RequestObserver<Exchange> {
    const { telemetry, finished } = this.#ports;
    const { metrics, reporter, incidents } = telemetry;
    return {
      sockets: this.sockets,
      suspect: (key) => this.#supervisorOf(key)?.suspect(key),
      suspected: (exchange) => this.guard.suspected(exchange),
      renderFailure: (exchange, failure) => reporter.exchangeFailed(exchange, failure),
      traceparent: (given) => this.#options.tracer.traceparent(given),
      limited: (exchange, kind, message) => incidents.note(kind, detailsOf(exchange), message),
      refused: ({ functionName }, why) => metrics.refused(functionName, why),
      finished: [...telemetry.observers, finished, (exchange) => this.guard.finished(exchange)],
    };
  }

  #portsOfSupervisors(): SupervisorPorts {
    const { registry, telemetry } = this.#ports;
    const { metrics, reporter } = telemetry;
    return {
      payload: (revision) => registry.payload(revision),
      mayReside: (spec) => registry.mayReside(spec),
      onLine: (line, stream, member, cut) => reporter.serverLine(line, stream, member, cut),
      onEvent: (level, event, details) => reporter.serverEvent(level, event, details),
      onRestart: (slot, cause) => metrics.restarted(slot, cause),
      onLoaded: (thread, tookMs) => metrics.loaded(thread, tookMs),
      onLoadFailed: (thread, reason) => this.#loadFailed(thread, reason),
      onCut: (key) => {
        this.sockets.closeAll(SERVICE_RESTART, "the server restarts", key);
        // They had their time: another server would need as long.
        for (const exchange of this.dispatcher.inside(key))
          exchange.verdict ??= new DexterError("SERVER_LOST");
      },
      onExit: (key) => {
        this.sockets.closeAll(SERVICE_RESTART, "the server has ended", key);
        this.dispatcher.forgetServer(key);
      },
      onAlive: (key) => this.dispatcher.alive(key),
      cpuLimitMs: (key) => this.guard.cpuLimitMs(key, this.member(key)?.loader.loading?.functionName),
      onHung: (member, condition) => this.guard.hung(member, condition),
      onCrash: (member) => this.guard.crashed(member),
      onPass: () => {},
    };
  }

  #passed(): void {
    const nowMs = performance.now();
    this.dispatcher.endLate(nowMs);
    this.sockets.sweep(nowMs);
    this.guard.tick(nowMs);
    void this.#options.notifier?.passed(nowMs);
  }

  /** The one server that is kept apart in this slot is started as the others are. */
  #apart(slot: number): SupervisorSettings {
    return { ...this.supervisor.settings, numServers: 1, firstSlot: slot, residents: "none" };
  }

  #supervisorOf(key: number): Supervisor<Exchange> | undefined {
    const slot = firstSlotOf(key);
    if (slot === 0) return this.supervisor;
    return [...this.wards.all].find(({ supervisor }) => supervisor.settings.firstSlot === slot)?.supervisor;
  }

  /** The server that the fleets know by this key. */
  member(key: number): Member | undefined {
    return this.#supervisorOf(key)?.member(key);
  }

  slotOf(key: number): number | undefined {
    return this.#supervisorOf(key)?.slotOf(key);
  }

  #liveSpec(pool: string): FunctionSpec | undefined {
    const { functions, canaries } = this.#ports.registry;
    const entry = [...functions.values(), ...canaries.values()].find((each) => each.pool === pool);
    return entry?.live && specOf(entry, entry.live);
  }

  /** Slots whose server takes requests and answers its probes. */
  get responsiveSlots(): Set<number> {
    const servers = [...this.dispatcher.fleet.servers];
    const able = servers.filter(({ stage, responsive }) => stage === "open" && responsive);
    return new Set(able.map(({ slot }) => slot.index));
  }

  /** A version that loaded before can fail later, in a thread that nobody waits for. */
  #loadFailed(thread: Thread, reason: DexterError): void {
    const { registry, telemetry, isServing } = this.#ports;
    telemetry.metrics.loadFailed(thread);
    const entry = registry.functions.get(thread.functionName);
    if (!entry || entry.live?.revision !== thread.revision) return;
    const known = entry.failure instanceof LoadError;
    entry.failure = reason;
    if (!known && isServing()) telemetry.reporter.failure(reason);
  }

  #adviseOnce(): void {
    if (this.#advised) return;
    this.#advised = true;
    const { maxThreadsPerChild } = this.#ports.project().node;
    this.#options.logs.log.warn(
      `a server has reached max_threads_per_child (${maxThreadsPerChild}); ` +
        "raise it, raise num_servers, or lower the spare threads, so that requests need not wait",
    );
  }
}
