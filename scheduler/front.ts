/**
 * What happens to a request before a thread gets it: who the client is, which function answers, and the
 * refusal where none can.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Dispatcher } from "./dispatch/dispatcher.ts";
import { DexterError } from "./errors.ts";
import { type ClientResolver, createClientResolver } from "./http/client-address.ts";
import type { ListenerPorts } from "./http/listener.ts";
import type { RequestFacts } from "./http/vet.ts";
import { createRouter, type Router } from "./policy/routes.ts";
import type { FunctionRegistry } from "./registry.ts";
import type { Reporter } from "./reporter.ts";
import type { RequestRecord } from "./request-record.ts";
import type { Project } from "./types.ts";

export interface FrontOptions {
  readonly registry: FunctionRegistry;
  readonly reporter: Reporter;
  readonly dispatcher: Dispatcher;
  readonly onRequest?: ((request: RequestRecord) => void) | undefined;
}

type Arrival = {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly facts: RequestFacts;
  readonly id: string;
};

export class Front implements ListenerPorts {
  readonly #options: FrontOptions;
  #router: Router;
  #clientOf: ClientResolver;

  constructor(project: Project, options: FrontOptions) {
    this.#options = options;
    this.#router = routerOf(project);
    this.#clientOf = createClientResolver(project.node.trustedProxies);
  }

  /** Requests from now on are treated as this project says. */
  configure(project: Project): void {
    this.#router = routerOf(project);
    this.#clientOf = createClientResolver(project.node.trustedProxies);
    const { listenBacklog, queueTimeoutMs } = project.node;
    this.#options.dispatcher.configure({ queue: listenBacklog, queueTimeoutMs });
  }

  routesOf(name: string): string[] {
    return this.#router.routesOf(name);
  }

  clientOf: ClientResolver = (peer, request) => this.#clientOf(peer, request);

  route(host: string, path: string): string | undefined {
    return this.#router.match(host, path);
  }

  dispatch(...[request, about]: Parameters<ListenerPorts["dispatch"]>): void {
    const entry = this.#options.registry.functions.get(about.functionName);
    if (entry?.live) return this.#options.dispatcher.dispatch(request, about);
    this.#refuse(
      { ...request, ...about },
      entry?.failure ?? this.#noFunction(about.facts),
      about.functionName,
    );
  }

  notFound(req: IncomingMessage, res: ServerResponse, facts: RequestFacts, id: string): void {
    this.#refuse({ req, res, facts, id }, this.#noFunction(facts));
  }

  #noFunction({ host, path }: RequestFacts): DexterError {
    const places = [...this.#options.registry.functions.keys()].map(
      (name) => `\n  ${name}: ${this.routesOf(name).join(", ")}`,
    );
    return new DexterError("NO_FUNCTION", { host, path, others: `; the functions are${places.join("")}` });
  }

  #refuse({ req, res, facts, id }: Arrival, failure: DexterError, functionName = ""): void {
    const startedAtMs = performance.now();
    this.#options.reporter.answer({ req, res, id, functionName, version: undefined }, failure);
    const ms = performance.now() - startedAtMs;
    const { method = "" } = req;
    this.#options.onRequest?.({
      id,
      method,
      path: facts.path,
      functionName,
      outcome: res.statusCode,
      ms,
    });
  }
}

function routerOf({ functions, node }: Project): Router {
  return createRouter(functions, { baseDomain: node.baseDomain });
}
