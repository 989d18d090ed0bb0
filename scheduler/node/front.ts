/**
 * What happens to a request before a thread gets it: who the client is, which function answers, and the
 * refusal where none can.
 */
import type { Canaries } from "../deploy/canaries.ts";
import type { FunctionRegistry } from "../deploy/registry.ts";
import { type Dispatcher, dispatchLimits } from "../dispatch/dispatcher.ts";
import { DexterError } from "../errors.ts";
import type { Reporter } from "../failures/reporter.ts";
import { type Client, type ClientResolver, createClientResolver, trustIn } from "../http/client-address.ts";
import type { ClientRequest } from "../http/client-request.ts";
import { Clients } from "../http/clients.ts";
import type { RefusedRequest } from "../http/connection.ts";
import { IncomingRequest, type IntakePorts } from "../http/incoming-request.ts";
import type { ListenerPorts, RequestContext } from "../http/listener.ts";
import type { LimitsByFunction } from "../limits/function-limits.ts";
import type { Incidents } from "../limits/incidents.ts";
import type { Journal } from "../logs/journal.ts";
import type { NodeMetrics } from "../metrics/node-metrics.ts";
import { createRouter, type Router } from "../policy/routes.ts";
import { descriptorLimit } from "../system/descriptors.ts";
import type { FunctionSettings, NodeConfig } from "../types.ts";
import { clientLimits } from "./descriptors.ts";

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

export class Front implements ListenerPorts, IntakePorts {
  readonly clients: Clients;
  readonly #options: FrontOptions;
  readonly #descriptors = descriptorLimit();
  #router: Router;
  #isTrusted: (address: string) => boolean;
  #clientOf: ClientResolver;

  constructor(node: NodeConfig, options: FrontOptions) {
    this.#options = options;
    this.#router = routerOf([], node);
    this.#clientOf = createClientResolver(node.trustedProxies);
    this.#isTrusted = trustIn(node.trustedProxies);
    const { incidents, dispatcher } = options;
    this.clients = new Clients(clientLimits(node, [], this.#descriptors), {
      note: (kind, details, message) => incidents.note(kind, details, message),
      isShort: () => dispatcher.fleet.queue.size > 0,
      isTrusted: (address) => this.#isTrusted(address),
    });
  }

  /** Requests from now on are treated as these say. */
  configure(functions: readonly FunctionSettings[], node: NodeConfig): void {
    this.#router = routerOf(functions, node);
    this.#clientOf = createClientResolver(node.trustedProxies);
    this.#isTrusted = trustIn(node.trustedProxies);
    this.clients.limits = clientLimits(node, functions, this.#descriptors);
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
    const hasBody = request.body !== "ended";
    const { live } = this.#options.registry.functions.get(functionName) ?? {};
    if (!hasBody || !live) return this.serve(request, context);
    const { maxBodyBytes } = this.#options.limits.of(functionName);
    new IncomingRequest(request, context, maxBodyBytes, this).take();
  }

  /** The request has a body that is whole, or long; or none. */
  serve(request: ClientRequest, context: RequestContext): void {
    const { functionName } = context;
    const entry = this.#options.registry.functions.get(functionName);
    if (entry?.live) {
      const pool = this.#options.canaries.poolFor(functionName, request.head);
      return this.#options.dispatcher.dispatch(
        request,
        pool === functionName ? context : { ...context, pool },
      );
    }
    this.refuse(request, context, entry?.failure ?? this.#noFunction(request));
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
    this.refuse(request, context, failure);
  }

  notFound(request: ClientRequest, id: string, client: Client): void {
    this.refuse(request, { id, client, functionName: "" }, this.#noFunction(request));
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

  /** A request that nobody serves is over. */
  gone(request: ClientRequest, { id, client, functionName }: RequestContext, startedAtMs: number): void {
    const { journal, metrics } = this.#options;
    metrics.gone(functionName);
    const about = { request, id, functionName, clientIp: client.ip, startedAtMs };
    journal.refused({ ...about, responseBytes: 0, isGone: true });
  }

  /** Answers a request that nobody serves. */
  refuse(request: ClientRequest, { id, client, functionName }: RequestContext, failure: DexterError): void {
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
