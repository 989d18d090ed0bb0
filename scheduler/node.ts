/**
 * A running node: wires listener, router, dispatcher, supervisor, functions and admin socket together, and
 * owns their lives. Who it runs for (argv, signals, exit status) is main.ts's business.
 */
import { rmSync } from "node:fs";
import type { Server as AdminServer } from "node:http";
import type { ExceptionReport } from "../runtime/protocol.ts";
import { resolveAccount } from "./accounts.ts";
import { openAdmin } from "./admin.ts";
import { Deployer } from "./deployer.ts";
import { Dispatcher } from "./dispatch/dispatcher.ts";
import type { Exchange } from "./dispatch/exchange.ts";
import { DexterError } from "./errors.ts";
import { answerFailure, exceptionText, isException } from "./failures.ts";
import { type ClientResolver, createClientResolver } from "./http/client-address.ts";
import { Listener, type ListenerPorts } from "./http/listener.ts";
import { LoadError } from "./load-error.ts";
import { takeLock } from "./lock.ts";
import type { Logger } from "./logger.ts";
import { adminSocket, prepareDataDirectory, runDirectory } from "./paths.ts";
import { createRouter, type Router } from "./policy/routes.ts";
import type { Thread } from "./policy/thread.ts";
import { type DeployedFunction, FunctionRegistry, runtimeModule } from "./registry.ts";
import { writeFileAtomically } from "./scoreboard.ts";
import { parseServerLine } from "./server/output.ts";
import { type NodeStatus, nodeStatus } from "./status.ts";
import { type Member, Supervisor, type SupervisorSettings } from "./supervisor.ts";
import type { FunctionConfig, NodeConfig, Project } from "./types.ts";

export interface NodeOptions {
  readonly dev: boolean;
  readonly log: Logger;
  /** Reads the configuration again, as the command line said. */
  readonly readProject: () => Promise<Project>;
  /** A request is over. */
  readonly onRequest?: (exchange: Exchange) => void;
  /** Somebody asked over the admin socket. */
  readonly onStop: (graceful: boolean) => void;
}

const SCOREBOARD_MS = 1_000;

export class DexterNode {
  readonly registry: FunctionRegistry;
  readonly deployer: Deployer;
  readonly #options: NodeOptions;
  readonly #dispatcher: Dispatcher;
  readonly #supervisor: Supervisor<Exchange>;
  #project: Project;
  #router!: Router;
  #clientOf!: ClientResolver;
  #listeners: Listener[] = [];
  #admin: AdminServer | undefined;
  #releaseLock: (() => void) | undefined;
  #scoreboardTimer: NodeJS.Timeout | undefined;
  /** Changes of the project run one after the other. */
  #changes: Promise<unknown> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  private constructor(project: Project, options: NodeOptions) {
    this.#project = project;
    this.#options = options;
    const { node } = project;
    this.registry = new FunctionRegistry({ dev: options.dev });
    this.#dispatcher = new Dispatcher(
      {
        socketOf: (thread) => this.#supervisor.member(thread.server)?.process.socketOf(thread.slot),
        load: (thread) => this.#supervisor.load(thread),
        retire: (thread) => this.#supervisor.end(thread),
        full: () => this.#adviseOnce(),
        due: () => this.#supervisor.wake(),
        renderFailure: (exchange, failure) => this.#renderFailure(exchange, failure),
        finished: (exchange) => options.onRequest?.(exchange),
      },
      { queue: node.listenBacklog, queueTimeoutMs: node.queueTimeoutMs },
    );
    this.#supervisor = new Supervisor(this.#dispatcher.fleet, supervisorSettings(node), {
      payload: (id) => this.registry.payload(id),
      onLine: (line, stream, member) => this.#logLine(line, stream, member),
      onEvent: (level, event, details) => options.log[level](details, event),
      onLoadFailed: (thread, reason) => this.#loadFailed(thread, reason),
      onExit: (key) => this.#dispatcher.forgetServer(key),
    });
    this.deployer = new Deployer(this.registry, this.#dispatcher.fleet, this.#supervisor);
    this.#configureRequests();
  }

  /**
   * Starts a node and resolves when it listens.
   * @throws LOCKED, BUILD_FAILED, LOAD_FAILED, SERVER_FAILED, PORT_IN_USE, …; nothing is left running then.
   * In dev a function that fails is reported and served as an error page instead.
   */
  static async start(project: Project, options: NodeOptions): Promise<DexterNode> {
    prepareDataDirectory(project.node.dataDir);
    const release = takeLock(project.node.lockFile);
    let node: DexterNode | undefined;
    try {
      node = new DexterNode(project, options);
      node.#releaseLock = release;
      await node.#begin();
      return node;
    } catch (error) {
      await node?.stop(false);
      release();
      throw error;
    }
  }

  get urls(): string[] {
    return this.#listeners.map((listener) => listener.url);
  }

  get project(): Project {
    return this.#project;
  }

  routesOf(name: string): string[] {
    return this.#router.routesOf(name);
  }

  status(): NodeStatus {
    return nodeStatus({
      fleet: this.#dispatcher.fleet,
      supervisor: this.#supervisor,
      exchanges: this.#dispatcher.exchanges,
      totals: this.#dispatcher.totals,
      functions: [...this.registry.functions.values()].map(({ config, live }) => ({
        name: config.name,
        version: live?.id ?? "",
        routes: this.#router.routesOf(config.name),
      })),
      connectionStatus: this.#project.node.connectionStatus,
    });
  }

  /** Reads the configuration again and restarts the servers. Rejects, and changes nothing, when it is wrong. */
  async reload(how: "one by one" | "at once" = "one by one"): Promise<void> {
    await this.apply(await this.#options.readProject(), { restart: how });
  }

  /**
   * Takes a new state of the project: new, changed and removed functions, settings, listeners. Servers are
   * restarted when asked, or when a setting of theirs changed.
   */
  async apply(project: Project, { restart }: { restart?: "one by one" | "at once" } = {}): Promise<void> {
    await this.#inOrder(async () => {
      const failures: DexterError[] = [];
      for (const name of this.registry.functions.keys()) {
        if (!project.functions.some((config) => config.name === name)) await this.deployer.remove(name);
      }
      const before = supervisorSettings(this.#project.node);
      const after = supervisorSettings(project.node);
      await this.#moveListeners(project.node);
      this.#project = project;
      this.#configureRequests();
      this.#supervisor.configure(after);
      await Promise.all(
        project.functions.map(async (config) => {
          try {
            await this.deployer.update(await this.#entryFor(config));
          } catch (error) {
            failures.push(error as DexterError);
          }
        }),
      );
      const changed = JSON.stringify(before) !== JSON.stringify(after);
      if (restart || changed) this.#supervisor.restart(restart ?? "one by one");
      for (const failure of failures) this.#reportFailure(failure);
      if (failures.length > 0 && !this.#options.dev) throw failures[0];
    });
  }

  /** Builds one function again, as it is on disk now. Failures are logged, and what is live stays. */
  async rebuild(entry: DeployedFunction): Promise<void> {
    await this.#inOrder(async () => {
      const startedAtMs = performance.now();
      try {
        const version = await this.deployer.update(entry);
        if (!version) return;
        const ms = Math.round(performance.now() - startedAtMs);
        this.#options.log.info({ function: entry.config.name, version: version.id }, `updated in ${ms} ms`);
      } catch (error) {
        this.#reportFailure(error as DexterError);
      }
    });
  }

  /**
   * Stops: gracefully, with requests in progress finishing within `stop_timeout`, or at once. A second call
   * with `graceful` false hurries the first. Resolves when no server is left.
   */
  async stop(graceful: boolean): Promise<void> {
    if (this.#stopping && graceful) return this.#stopping;
    if (!graceful) {
      for (const listener of this.#listeners) listener.destroy();
      void this.#supervisor.stop(false);
    }
    this.#stopping ??= this.#end(graceful);
    return this.#stopping;
  }

  async #begin(): Promise<void> {
    const { node, functions } = this.#project;
    rmSync(runDirectory(node.dataDir), { recursive: true, force: true });
    const entries = await Promise.all(functions.map((config) => this.registry.add(config)));
    const builds = await Promise.allSettled(entries.map((entry) => this.deployer.update(entry)));
    this.#throwOrReport(builds.flatMap((build) => (build.status === "rejected" ? [build.reason] : [])));
    if (!fitsAllAtOnce(functions, node)) this.#dispatcher.fleet.deactivateAll();
    await this.#supervisor.start();
    await this.#firstLoads();
    await this.#moveListeners(node);
    this.#admin = await openAdmin(adminSocket(node.dataDir), {
      status: () => this.status(),
      reload: () => this.reload(),
      stop: (graceful) => this.#options.onStop(graceful),
    });
    writeFileAtomically(node.pidFile, `${process.pid}\n`);
    this.#scoreboardTimer = setInterval(() => this.#writeScoreboard(), SCOREBOARD_MS);
    this.#writeScoreboard();
  }

  /** Waits until the first thread of each active function is ready: a function that cannot load is found now. */
  async #firstLoads(): Promise<void> {
    const first = new Map<string, Thread>();
    for (const server of this.#dispatcher.fleet.servers) {
      for (const thread of server.threads) {
        if (thread && !first.has(thread.functionName)) first.set(thread.functionName, thread);
      }
    }
    const starting = [...first.values()].filter((thread) => thread.state === "starting");
    await Promise.allSettled(starting.map((thread) => this.#supervisor.outcome(thread)));
    const failures = [...this.registry.functions.values()].flatMap((entry) => entry.failure ?? []);
    if (!this.#options.dev) this.#throwOrReport(failures);
  }

  #throwOrReport(failures: readonly unknown[]): void {
    for (const failure of failures) {
      if (!this.#options.dev || !(failure instanceof DexterError)) throw combined(failures);
      this.#reportFailure(failure);
    }
  }

  async #entryFor(config: FunctionConfig): Promise<DeployedFunction> {
    const known = this.registry.functions.get(config.name);
    if (known && JSON.stringify(known.config) === JSON.stringify(config)) return known;
    return await this.registry.add(config);
  }

  #configureRequests(): void {
    const { node, functions } = this.#project;
    this.#router = createRouter(functions, { baseDomain: node.baseDomain });
    this.#clientOf = createClientResolver(node.trustedProxies);
    this.#dispatcher.configure({ queue: node.listenBacklog, queueTimeoutMs: node.queueTimeoutMs });
  }

  /** Opens new `listen` addresses, then closes those that are no longer wanted. */
  async #moveListeners({ listen, listenBacklog, sendBufferSize }: NodeConfig): Promise<void> {
    const same = (listener: Listener, { host, port }: { host: string; port: number }) =>
      listener.address.host === host && listener.address.port === port;
    const opened: Listener[] = [];
    try {
      for (const address of listen) {
        if (this.#listeners.some((listener) => same(listener, address))) continue;
        opened.push(await Listener.listen(address, this.#ports, { backlog: listenBacklog, sendBufferSize }));
      }
    } catch (error) {
      for (const listener of opened) listener.destroy();
      throw error;
    }
    const unwanted = this.#listeners.filter((listener) => !listen.some((address) => same(listener, address)));
    for (const listener of unwanted) void listener.close();
    this.#listeners = [...this.#listeners.filter((listener) => !unwanted.includes(listener)), ...opened];
  }

  readonly #ports: ListenerPorts = {
    clientOf: (peer, request) => this.#clientOf(peer, request),
    route: (host, path) => this.#router.match(host, path),
    dispatch: (request, about) => {
      const entry = this.registry.functions.get(about.functionName);
      if (entry?.live) return this.#dispatcher.dispatch(request, about);
      const failure = entry?.failure ?? noFunction(about.facts);
      this.#answer({ ...request, ...about, version: undefined }, failure);
    },
    notFound: (req, res, facts, id) =>
      this.#answer({ req, res, id, functionName: "", version: undefined }, noFunction(facts)),
  };

  #answer(request: Parameters<typeof answerFailure>[0], failure: DexterError | ExceptionReport): void {
    answerFailure(request, failure, { dev: this.#options.dev, root: this.#project.root });
  }

  #renderFailure(exchange: Exchange, failure: DexterError | ExceptionReport): void {
    const { thread, functionName, id } = exchange;
    const version = thread
      ? this.registry.version(thread.version)
      : this.registry.functions.get(functionName)?.live;
    const context = { function: functionName, requestId: id };
    if (isException(failure)) this.#options.log.error(context, exceptionText(failure, version));
    else this.#options.log.warn(context, failure.message);
    const shown =
      (failure instanceof DexterError && failure.code === "LOAD_FAILED"
        ? this.registry.functions.get(functionName)?.failure
        : undefined) ?? failure;
    this.#answer({ req: exchange.req, res: exchange.res, id, functionName, version }, shown);
  }

  #logLine(line: string, stream: "stdout" | "stderr", { loader, process }: Member): void {
    const { level, message, thread, requestId } = parseServerLine(line);
    const fn = thread === undefined ? undefined : loader.threadNamed(thread)?.functionName;
    const source = fn === undefined ? { server: process.slot, stream } : { function: fn };
    this.#options.log[level]({ ...source, ...(requestId ? { requestId } : {}) }, message);
  }

  /** A version that loaded before can fail later, in a thread that nobody waits for. */
  #loadFailed(thread: Thread, reason: DexterError): void {
    const entry = this.registry.functions.get(thread.functionName);
    if (!entry || entry.live?.id !== thread.version) return;
    const known = entry.failure instanceof LoadError;
    entry.failure = reason;
    if (!known && this.#listeners.length > 0) this.#reportFailure(reason);
  }

  #reportFailure(failure: DexterError): void {
    if (!(failure instanceof DexterError)) throw failure;
    this.#options.log.error(failureText(failure, this.registry));
  }

  #advised = false;

  #adviseOnce(): void {
    if (this.#advised) return;
    this.#advised = true;
    const { maxThreadsPerChild } = this.#project.node;
    this.#options.log.warn(
      `a server has reached max_threads_per_child (${maxThreadsPerChild}); ` +
        "raise it, raise num_servers, or lower the spare threads, so that requests need not wait",
    );
  }

  #writeScoreboard(): void {
    const { scoreBoardFile } = this.#project.node;
    if (scoreBoardFile === undefined) return;
    try {
      writeFileAtomically(scoreBoardFile, `${JSON.stringify(this.status())}\n`);
    } catch (error) {
      this.#options.log.error(`score_board_file: ${(error as Error).message}`);
    }
  }

  async #end(graceful: boolean): Promise<void> {
    const { node } = this.#project;
    clearInterval(this.#scoreboardTimer);
    this.#admin?.close();
    this.#admin?.closeAllConnections();
    if (graceful) {
      const closed = Promise.all(this.#listeners.map((listener) => listener.close()));
      await Promise.race([closed, this.#deadline(node.stopTimeoutMs)]);
    }
    for (const listener of this.#listeners) listener.destroy();
    await this.#supervisor.stop(graceful);
    await this.registry.dispose();
    for (const path of [runDirectory(node.dataDir), node.pidFile, node.scoreBoardFile]) {
      if (path !== undefined) rmSync(path, { recursive: true, force: true });
    }
    this.#releaseLock?.();
  }

  #deadline(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms).unref());
  }

  #inOrder<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#changes.then(change);
    this.#changes = done.catch(() => {});
    return done;
  }
}

function supervisorSettings(node: NodeConfig): SupervisorSettings {
  const { coreDumpDirectory } = node;
  return {
    numServers: node.numServers,
    maxThreadsPerChild: node.maxThreadsPerChild,
    maxRequestsPerChild: node.maxRequestsPerChild,
    stopTimeoutMs: node.stopTimeoutMs,
    directoryOf: (slot, generation) => `${runDirectory(node.dataDir)}/${slot}.${generation}`,
    server: {
      hostModule: runtimeModule("host"),
      allowNetwork: node.allowNetwork,
      v8Flags: node.v8Flags,
      ...resolveAccount(node.user, node.group),
      ...(coreDumpDirectory === undefined ? {} : { coreDumpDirectory }),
    },
  };
}

/**
 * At start every function counts as active if the start threads of all fit into a server together;
 * otherwise each gets its first thread with its first request.
 */
function fitsAllAtOnce(functions: readonly FunctionConfig[], node: NodeConfig): boolean {
  const wanted = functions.reduce((sum, config) => sum + Math.max(1, config.threads.startThreads), 0);
  return wanted <= node.maxThreadsPerChild;
}

function noFunction({ host, path }: { host: string; path: string }): DexterError {
  return new DexterError("NO_FUNCTION", { host, path });
}

function combined(failures: readonly unknown[]): unknown {
  const expected = failures.filter((failure) => failure instanceof DexterError);
  if (expected.length < 2) return failures[0];
  return new DexterError("BUILD_FAILED", { reason: expected.map((failure) => failure.message).join("\n\n") });
}

/** For the log and the terminal: a load failure with its stack in the sources' positions. */
export function failureText(failure: DexterError, registry: FunctionRegistry): string {
  if (!(failure instanceof LoadError)) return failure.message;
  const name = String(failure.details.function);
  return `${name} cannot be loaded: ${exceptionText(failure.report, registry.latest(name))}`;
}
