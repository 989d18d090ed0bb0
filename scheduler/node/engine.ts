/** What serves requests: the dispatcher, the supervisor of the servers, and what each has to know of the other. */
import type { FunctionRegistry } from "../deploy/registry.ts";
import { Dispatcher, dispatchLimits } from "../dispatch/dispatcher.ts";
import type { Exchange } from "../dispatch/exchange.ts";
import { Sockets } from "../dispatch/sockets.ts";
import { SERVICE_RESTART } from "../dispatch/tunnel.ts";
import type { DexterError } from "../errors.ts";
import type { LimitsByFunction } from "../limits/function-limits.ts";
import type { Thread } from "../policy/thread.ts";
import { LoadError } from "../server/load-error.ts";
import { supervisorSettings } from "../server/settings.ts";
import { Supervisor } from "../server/supervisor.ts";
import type { NodeConfig, Project } from "../types.ts";
import type { NodeOptions } from "./options.ts";
import type { Telemetry } from "./telemetry.ts";

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
  #advised = false;

  constructor(node: NodeConfig, options: NodeOptions, ports: EnginePorts) {
    this.#options = options;
    this.#ports = ports;
    const { notifier, tracer } = options;
    const { registry, telemetry } = ports;
    const { incidents, metrics, reporter } = telemetry;
    this.sockets = new Sockets({
      limitsOf: (functionName) => ports.limits.of(functionName),
      clientShare: () => ports.project().node.limits.maxSharePerClient,
      incidents,
      log: options.logs.log,
    });
    this.dispatcher = new Dispatcher(
      {
        socketOf: (thread) => this.supervisor.member(thread.server)?.process.socketOf(thread.slot),
        load: (thread) => this.supervisor.load(thread),
        retire: (thread) => this.supervisor.end(thread),
        full: () => this.#adviseOnce(),
        due: () => this.supervisor.wake(),
      },
      {
        sockets: this.sockets,
        suspect: (key) => this.supervisor.suspect(key),
        renderFailure: (exchange, failure) => reporter.exchangeFailed(exchange, failure),
        traceparent: (given) => tracer.traceparent(given),
        refused: ({ functionName }, why) => metrics.refused(functionName, why),
        finished: [...telemetry.observers, (exchange) => ports.finished(exchange)],
      },
      dispatchLimits(node),
    );
    this.supervisor = new Supervisor(this.dispatcher.fleet, supervisorSettings(node, options), {
      payload: (revision) => registry.payload(revision),
      mayReside: (spec) => registry.mayReside(spec),
      onLine: (line, stream, member) => reporter.serverLine(line, stream, member),
      onEvent: (level, event, details) => reporter.serverEvent(level, event, details),
      onRestart: (slot, cause) => metrics.restarted(slot, cause),
      onLoaded: (thread, tookMs) => metrics.loaded(thread, tookMs),
      onLoadFailed: (thread, reason) => this.#loadFailed(thread, reason),
      onCut: (key) => this.sockets.closeAll(SERVICE_RESTART, "the server restarts", key),
      onExit: (key) => {
        this.sockets.closeAll(SERVICE_RESTART, "the server has ended", key);
        this.dispatcher.forgetServer(key);
      },
      onPass: () => {
        const nowMs = performance.now();
        this.sockets.sweep(nowMs);
        void notifier?.passed(nowMs);
      },
    });
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
