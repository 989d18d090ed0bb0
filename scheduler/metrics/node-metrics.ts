/**
 * The metrics of a node: what its events are counted in, and, when somebody asks, what it looks like at the moment.
 * Nothing here changes what the node does.
 */
import type { IncidentKind } from "../limits/incidents.ts";
import type { RefusalCause } from "../policy/effects.ts";
import type { Thread } from "../policy/thread.ts";
import type { RestartCause } from "../server/supervision.ts";
import type { NodeStatus } from "../status/status.ts";
import { EventLoopDelay } from "./event-loop.ts";
import { type Family, renderExposition, type Sample } from "./exposition.ts";
import { type Counts, type FinishedRequest, FunctionCounts } from "./function-counts.ts";
import { functionFamilies } from "./function-families.ts";
import { Histogram } from "./histogram.ts";
import { ServerCounts } from "./server-counts.ts";
import { stateFamilies } from "./state-families.ts";

interface NodeMetricsSources {
  status(): NodeStatus;
  limits(): { readonly numServers: number; readonly maxThreadsPerChild: number };
  /** Slots of servers that take requests and answer their probes. */
  responsiveSlots(): ReadonlySet<number>;
  /** Spans so far; undefined where none are exported. */
  /** How often each limit was hit: by kind, then by function. */
  incidents(): ReadonlyMap<IncidentKind, ReadonlyMap<string, number>>;
  spans(): { readonly exported: number; readonly dropped: number } | undefined;
}

export class NodeMetrics {
  readonly #sources: NodeMetricsSources;
  readonly #functions = new FunctionCounts();
  readonly #servers = new ServerCounts();
  readonly #loadTimes = new Histogram();
  readonly #delay = new EventLoopDelay();
  #unrouted = 0;
  #malformed = 0;

  constructor(sources: NodeMetricsSources) {
    this.#sources = sources;
  }

  /** What was counted of each function so far. */
  get functions(): Iterable<readonly [functionName: string, counts: Counts]> {
    return this.#functions.entries;
  }

  finished(request: FinishedRequest): void {
    this.#functions.finished(request, performance.now());
  }

  /** A request got its answer before it was dispatched. @param functionName empty when no function answers */
  answered(functionName: string, status: number): void {
    if (functionName === "") this.#unrouted++;
    else this.#functions.answered(functionName, status);
  }

  /** A request was given up, or its body turned out to be none, before it was dispatched. */
  gone(functionName: string): void {
    this.#functions.answered(functionName, 0, "aborted");
  }

  /** What came was no request, or one that no function may see. */
  malformed(): void {
    this.#malformed++;
  }

  refused(functionName: string, why: RefusalCause): void {
    this.#functions.of(functionName).refused[why]++;
  }

  loaded({ functionName }: Thread, tookMs: number): void {
    this.#functions.of(functionName).loads++;
    this.#loadTimes.observe(tookMs / 1_000);
  }

  loadFailed({ functionName }: Thread): void {
    this.#functions.of(functionName).failedLoads++;
  }

  restarted(slot: number, cause: RestartCause): void {
    this.#servers.restarted(slot, cause);
  }

  /** Everything, in Prometheus' text format; of functions, only those that the reader sees. */
  render(sees: (functionName: string) => boolean): string {
    const isSeen = ({ labels }: Sample) => labels.function === undefined || sees(String(labels.function));
    return renderExposition(
      this.#families().map((family) => ({ ...family, samples: family.samples.filter(isSeen) })),
    );
  }

  #families(): Family[] {
    const status = this.#sources.status();
    const known = new Set(status.functions.map(({ name }) => name));
    this.#functions.keep((name) => known.has(name));
    this.#servers.read(status.servers);
    const { numServers, maxThreadsPerChild: threadSlots } = this.#sources.limits();
    const present = status.servers.map(({ slot }) => slot);
    const slots = [...new Set([...Array(numServers).keys(), ...present])].sort((a, b) => a - b);
    return [
      ...functionFamilies(this.#functions.entries),
      ...this.#servers.families(slots),
      ...stateFamilies(status, {
        slots,
        threadSlots,
        responsive: this.#sources.responsiveSlots(),
        counted: new Set([...this.#functions.entries].map(([name]) => name)),
      }),
      ...this.#nodeFamilies(),
    ];
  }

  #nodeFamilies(): Family[] {
    return [
      {
        name: "dexter_unrouted_requests_total",
        help: "Requests that no function answers: 404.",
        type: "counter",
        samples: [{ labels: {}, value: this.#unrouted }],
      },
      {
        name: "dexter_malformed_requests_total",
        help: "What was refused before it was a request that a function may see: most of the 400s, 405, 408, 431, 501.",
        type: "counter",
        samples: [{ labels: {}, value: this.#malformed }],
      },
      {
        name: "dexter_thread_load_seconds",
        help: "How long a server took to load an isolate.",
        type: "histogram",
        samples: this.#loadTimes.samples(),
      },
      {
        name: "dexter_scheduler_event_loop_delay_seconds",
        help: "How late the scheduler came to what was due, looked at ten times a second.",
        type: "histogram",
        samples: this.#delay.histogram.samples(),
      },
      limitFamily(this.#sources.incidents()),
      ...this.#spanFamilies(),
    ];
  }

  #spanFamilies(): Family[] {
    const spans = this.#sources.spans();
    if (spans === undefined) return [];
    const counter = (name: string, help: string, value: number): Family => ({
      name,
      help,
      type: "counter",
      samples: [{ labels: {}, value }],
    });
    return [
      counter("dexter_spans_exported_total", "Spans that the collector has taken.", spans.exported),
      counter("dexter_spans_dropped_total", "Spans that were lost.", spans.dropped),
    ];
  }

  close(): void {
    this.#delay.close();
  }
}

function limitFamily(incidents: ReadonlyMap<IncidentKind, ReadonlyMap<string, number>>): Family {
  const samples = [...incidents].flatMap(([limit, byFunction]) =>
    [...byFunction].map(([name, value]) => ({
      labels: { limit, ...(name === "" ? {} : { function: name }) },
      value,
    })),
  );
  return {
    name: "dexter_limits_total",
    help: "How often a limit refused, ended or killed something.",
    type: "counter",
    samples,
  };
}
