/**
 * What happens to a request before a thread gets it: who the client is, which function answers, and the
 * refusal where none can.
 */
import type { Canaries } from "../deploy/canaries.ts";
import type { FunctionRegistry } from "../deploy/registry.ts";
import { type Dispatcher, dispatchLimits } from "../dispatch/dispatcher.ts";
import { DexterError } from "../errors.ts";
import type { Reporter } from "../failures/reporter.ts";
import { type Client, type ClientResolver, createClientResolver } from "../http/client-address.ts";
import type { ClientRequest } from "../http/client-request.ts";
import type { RefusedRequest } from "../http/connection.ts";
import type { ListenerPorts, RequestContext } from "../http/listener.ts";
import type { LimitsByFunction } from "../limits/function-limits.ts";
import type { Incidents } from "../limits/incidents.ts";
import type { Journal } from "../logs/journal.ts";
import type { NodeMetrics } from "../metrics/node-metrics.ts";
import { createRouter, type Router } from "../policy/routes.ts";
import type { FunctionSettings, NodeConfig } from "../types.ts";

interface FrontOptions {
  readonly registry: FunctionRegistry;
  readonly reporter: Reporter;
  readonly dispatcher: Dispatcher;
  readonly canaries: Canaries;
  readonly journal: Journal;
  readonly metrics: NodeMetrics;
  readonly limits: LimitsByFunction;
  readonly incidents: Incidents;
}

/** So often a request may come back to a node before it is refused. Each time it holds one more thread. */
const MOST_HOPS = 16;

export class Front implements ListenerPorts {
  readonly #options: FrontOptions;
  #router: Router;
  #clientOf: ClientResolver;

  constructor(node: NodeConfig, options: FrontOptions) {
    this.#options = options;
    this.#router = routerOf([], node);
    this.#clientOf = createClientResolver(node.trustedProxies);
  }

  /** Requests from now on are treated as these say. */
  configure(functions: readonly FunctionSettings[], node: NodeConfig): void {
    this.#router = routerOf(functions, node);
    this.#clientOf = createClientResolver(node.trustedProxies);
    this.#options.limits.configure(functions, node);
    this.#options.dispatcher.configure(dispatchLimits(node));
  }

  routesOf(name: string): string[] {
    return this.#router.routesOf(name);
  }

  clientOf: ClientResolver = (peer, request, scheme) => this.#clientOf(peer, request, scheme);

  route(host: string, path: string): string | undefined {
    return this.#router.match(host, path);
  }

  dispatch(request: ClientRequest, context: RequestContext): void {
    const { functionName } = context;
    const { hops } = request.head.facts;
    if (hops >= MOST_HOPS) return this.#refuseLoop(request, context, hops);
    const entry = this.#options.registry.functions.get(functionName);
    if (entry?.live) {
      const pool = this.#options.canaries.poolFor(functionName, request.head);
      return this.#options.dispatcher.dispatch(
        request,
        pool === functionName ? context : { ...context, pool },
      );
    }
    this.#refuse(request, context, entry?.failure ?? this.#noFunction(request));
  }

  #refuseLoop(request: ClientRequest, context: RequestContext, hops: number): void {
    const { functionName, id, client } = context;
    const details = {
      function: functionName,
      requestId: id,
      path: request.head.facts.path,
      client: client.ip,
    };
    const failure = new DexterError("LOOP_DETECTED", { hops });
    this.#options.incidents.note("self_calls", details, failure.message);
    this.#refuse(request, context, failure);
  }

  notFound(request: ClientRequest, id: string, client: Client): void {
    this.#refuse(request, { id, client, functionName: "" }, this.#noFunction(request));
  }

  refused(refused: RefusedRequest): void {
    this.#options.metrics.malformed();
    this.#options.journal.malformed(refused);
  }

  #noFunction({ head }: ClientRequest): DexterError {
    const { host, path } = head.facts;
    const places = [...this.#options.registry.functions.keys()].map(
      (name) => `\n  ${name}: ${this.routesOf(name).join(", ")}`,
    );
    return new DexterError("NO_FUNCTION", { host, path, others: `; the functions are${places.join("")}` });
  }

  #refuse(request: ClientRequest, { id, client, functionName }: RequestContext, failure: DexterError): void {
    const startedAtMs = performance.now();
    const { reporter, journal, metrics } = this.#options;
    const responseBytes = reporter.answer({ request, id, functionName, version: undefined }, failure);
    metrics.answered(functionName, request.status);
    journal.refused({ request, id, functionName, clientIp: client.ip, startedAtMs, responseBytes });
  }
}

/** Of several functions that would answer all the rest, the first one does. */
function routerOf(functions: readonly FunctionSettings[], { baseDomain }: NodeConfig): Router {
  const first = functions.find(({ catchAll }) => catchAll);
  const routed = functions.map((each) => ({ ...each, catchAll: each === first }));
  return createRouter(routed, { baseDomain });
}
