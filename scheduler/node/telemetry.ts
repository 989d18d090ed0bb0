/**
 * What a node tells of itself and of the requests that it serves: the log, the access log, those who follow, metrics,
 * spans, the recent past. None of it changes what the node does.
 */
import type { FunctionRegistry } from "../deploy/registry.ts";
import type { Exchange } from "../dispatch/exchange.ts";
import { Reporter } from "../failures/reporter.ts";
import { RecentFailures } from "../history/failures.ts";
import { History } from "../history/history.ts";
import { Incidents } from "../limits/incidents.ts";
import { Followers } from "../logs/followers.ts";
import { Journal } from "../logs/journal.ts";
import { NodeMetrics } from "../metrics/node-metrics.ts";
import type { NodeStatus } from "../status/status.ts";
import { Audience } from "../system/audience.ts";
import type { Project } from "../types.ts";
import type { NodeOptions } from "./options.ts";

export interface TelemetrySources {
  readonly registry: FunctionRegistry;
  /** As it is now. */
  project(): Project;
  status(): NodeStatus;
  /** The slot of the server with this key. */
  slotOf(serverKey: number): number | undefined;
  /** Slots of servers that take requests and answer their probes. */
  responsiveSlots(): ReadonlySet<number>;
}

export class Telemetry {
  readonly followers = new Followers();
  readonly audience = new Audience();
  readonly failures = new RecentFailures();
  /** What limits have refused and ended. */
  readonly incidents: Incidents;
  readonly reporter: Reporter;
  readonly journal: Journal;
  readonly metrics: NodeMetrics;
  readonly history: History;
  /** Each is told of every request that is over. */
  readonly observers: readonly ((exchange: Exchange) => void)[];

  constructor(project: Project, options: NodeOptions, sources: TelemetrySources) {
    const { dev, logs, tracer, onRequest } = options;
    const { followers, failures } = this;
    const { registry, slotOf } = sources;
    this.incidents = new Incidents(logs.log);
    this.reporter = new Reporter({
      dev,
      log: logs.log,
      registry,
      root: () => sources.project().root,
      followers,
      failures,
      slotOf,
      logRate: project.node.logRate,
      incidents: this.incidents,
    });
    this.journal = new Journal({ access: () => logs.access, followers, slotOf, onRequest });
    this.metrics = new NodeMetrics({
      status: () => sources.status(),
      limits: () => sources.project().node,
      responsiveSlots: () => sources.responsiveSlots(),
      spans: () => tracer.counts,
      incidents: () => this.incidents.counts,
    });
    this.history = new History({ counts: () => this.metrics.functions, status: () => sources.status() });
    this.observers = [
      (exchange) => this.metrics.finished(exchange),
      (exchange) => tracer.finished(exchange, slotOf),
      (exchange) => this.journal.finished(exchange),
    ];
  }

  /** Nothing happens any more. Resolves when those who look have read that, or had the time to. */
  async close(): Promise<void> {
    this.history.close();
    this.metrics.close();
    this.reporter.close();
    await Promise.all([this.followers.end(), this.audience.end()]);
  }
}
