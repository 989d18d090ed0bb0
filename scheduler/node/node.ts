/**
 * A running node: wires listener, router, dispatcher, supervisor, functions and admin socket together, and
 * owns their lives. Who it runs for (argv, signals, exit status) is the business of main.ts and cli/serve.ts.
 */
import { rmSync } from "node:fs";
import { Audience } from "../admin/audience.ts";
import { control } from "../admin/control.ts";
import { deploys } from "../admin/deploys.ts";
import { AdminDoors } from "../admin/doors.ts";
import { health, type Readiness } from "../admin/health.ts";
import { live } from "../admin/live.ts";
import { metrics } from "../admin/metrics.ts";
import { page } from "../admin/page.ts";
import { secrets } from "../admin/secrets.ts";
import { tail } from "../admin/tail.ts";
import { TokenStore } from "../admin/token-store.ts";
import { fitsAllAtOnce } from "../config/threads.ts";
import { Canaries } from "../deploy/canaries.ts";
import { Deployer } from "../deploy/deployer.ts";
import { Deployments } from "../deploy/deployments.ts";
import { type DeployedFunction, FunctionRegistry } from "../deploy/registry.ts";
import { Store } from "../deploy/store.ts";
import { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Exchange } from "../dispatch/exchange.ts";
import { DexterError } from "../errors.ts";
import { Reporter } from "../failures/reporter.ts";
import { RecentFailures } from "../history/failures.ts";
import { History } from "../history/history.ts";
import { type ListenerChange, Listeners } from "../http/listeners.ts";
import { Followers } from "../logs/followers.ts";
import { Journal } from "../logs/journal.ts";
import type { Logs } from "../logs/logs.ts";
import type { RequestRecord } from "../logs/request-record.ts";
import { NodeMetrics } from "../metrics/node-metrics.ts";
import { HELD_MS } from "../policy/pool.ts";
import type { Thread } from "../policy/thread.ts";
import { SecretChanges } from "../secrets/changes.ts";
import { HeldSecrets, NO_SECRETS } from "../secrets/held.ts";
import { SecretStore } from "../secrets/store.ts";
import { LoadError } from "../server/load-error.ts";
import { checkIdentity, needsRestart, startFailure, supervisorSettings } from "../server/settings.ts";
import { Supervisor } from "../server/supervisor.ts";
import { keepScoreboard, writeFileAtomically } from "../status/scoreboard.ts";
import { type NodeStatus, nodeStatus } from "../status/status.ts";
import { takeLock } from "../system/lock.ts";
import type { Notifier } from "../system/notify.ts";
import {
  adminSocket,
  clearSockets,
  prepareDataDirectory,
  runDirectory,
  tokensFile,
} from "../system/paths.ts";
import type { Tracer } from "../tracing/tracer.ts";
import type { NodeConfig, Project } from "../types.ts";
import { Front } from "./front.ts";

/** How often a build of many functions says how far it is. */
const PROGRESS_MS = 2_000;

export interface NodeOptions {
  readonly dev: boolean;
  /** Debuggers may attach; the project is one that `inspectable` made. */
  readonly inspect?: boolean;
  /** Open; they outlive the node. */
  readonly logs: Logs;
  /** Reads the configuration again, as the command line said. */
  readonly readProject: () => Promise<Project>;
  readonly tracer: Tracer;
  /** How long a function may take to load, instead of LOAD_WITHIN_MS. */
  readonly loadWithinMs?: number;
  readonly onRequest?: (request: RequestRecord) => void;
  /** Is told how the node is. */
  readonly notifier?: Notifier;
  /** Somebody asked over the admin socket. */
  readonly onStop: (graceful: boolean) => void;
  /** Gives up a start that is under way. */
  readonly signal?: AbortSignal;
}

export class DexterNode {
  readonly registry: FunctionRegistry;
  readonly deployer: Deployer;
  readonly #options: NodeOptions;
  readonly #dispatcher: Dispatcher;
  readonly #supervisor: Supervisor<Exchange>;
  #project: Project;
  readonly #front: Front;
  readonly #listeners: Listeners;
  readonly deployments: Deployments;
  readonly #secretStore: SecretStore;
  readonly #secrets: HeldSecrets;
  readonly #reporter: Reporter;
  readonly #followers = new Followers();
  readonly #journal: Journal;
  readonly #metrics: NodeMetrics;
  readonly #canaries: Canaries;
  readonly #history: History;
  readonly #failures = new RecentFailures();
  readonly #audience = new Audience();
  readonly #tokens: TokenStore;
  readonly #admin: AdminDoors;
  #releaseLock: (() => void) | undefined;
  #endScoreboard: (() => void) | undefined;
  #recallTimer: NodeJS.Timeout | undefined;
  /** Changes of the project run one after the other. */
  #changes: Promise<unknown> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  private constructor(project: Project, options: NodeOptions) {
    this.#project = project;
    this.#options = options;
    const { node } = project;
    const { dev, logs, onRequest } = options;
    const followers = this.#followers;
    const slotOf = (key: number) => this.#supervisor.slotOf(key);
    this.registry = new FunctionRegistry(options);
    this.#reporter = new Reporter({
      dev,
      log: logs.log,
      registry: this.registry,
      root: () => this.#project.root,
      followers,
      failures: this.#failures,
      slotOf,
      logRate: node.logRate,
    });
    this.#journal = new Journal({ access: () => logs.access, followers, slotOf, onRequest });
    this.#metrics = new NodeMetrics({
      status: () => this.status(),
      limits: () => this.#project.node,
      responsiveSlots: () => this.#responsiveSlots(),
      spans: () => options.tracer.counts,
    });
    this.#history = new History({ counts: () => this.#metrics.functions, status: () => this.status() });
    this.#dispatcher = new Dispatcher(
      {
        socketOf: (thread) => this.#supervisor.member(thread.server)?.process.socketOf(thread.slot),
        load: (thread) => this.#supervisor.load(thread),
        retire: (thread) => this.#supervisor.end(thread),
        suspect: (key) => this.#supervisor.suspect(key),
        full: () => this.#adviseOnce(),
        due: () => this.#supervisor.wake(),
        renderFailure: (exchange, failure) => this.#reporter.exchangeFailed(exchange, failure),
        traceparent: (given) => options.tracer.traceparent(given),
        refused: ({ functionName }, why) => this.#metrics.refused(functionName, why),
        finished: (exchange) => this.#finished(exchange),
      },
      { queue: node.listenBacklog, queueTimeoutMs: node.queueTimeoutMs },
    );
    this.#supervisor = new Supervisor(this.#dispatcher.fleet, supervisorSettings(node, options), {
      payload: (id) => this.registry.payload(id),
      mayReside: (id) => this.registry.mayReside(id),
      onLine: (line, stream, member) => this.#reporter.serverLine(line, stream, member),
      onEvent: (level, event, details) => this.#reporter.serverEvent(level, event, details),
      onRestart: (slot, cause) => this.#metrics.restarted(slot, cause),
      onLoaded: (thread, tookMs) => this.#metrics.loaded(thread, tookMs),
      onLoadFailed: (thread, reason) => this.#loadFailed(thread, reason),
      onExit: (key) => this.#dispatcher.forgetServer(key),
      onPass: () => void options.notifier?.passed(performance.now()),
    });
    this.#secretStore = new SecretStore(node.dataDir, node.secretKeyFile);
    this.#secrets = new HeldSecrets(this.#secretStore);
    this.deployer = new Deployer(
      this.registry,
      this.#dispatcher.fleet,
      this.#supervisor,
      async (name) => (dev ? NO_SECRETS : this.#secrets.of(name)),
      options.loadWithinMs,
    );
    this.#canaries = new Canaries({
      registry: this.registry,
      deployer: this.deployer,
      log: logs.log,
      reroute: (from, to) => this.#dispatcher.reroute(from, to),
      carryOut: (name, verdict) => this.deployments.carryOut(name, verdict),
    });
    this.#front = new Front(node, {
      canaries: this.#canaries,
      registry: this.registry,
      reporter: this.#reporter,
      dispatcher: this.#dispatcher,
      journal: this.#journal,
      answered: (functionName, status) => this.#metrics.answered(functionName, status),
      malformed: () => this.#metrics.malformed(),
    });
    this.#listeners = new Listeners(this.#front, logs.log);
    this.deployments = new Deployments({
      canaries: this.#canaries,
      store: new Store(node.dataDir),
      registry: this.registry,
      deployer: this.deployer,
      textOf: (failure) => this.#reporter.textOf(failure),
      log: logs.log,
      inOrder: (change) => this.#inOrder(change),
      baseDomain: () => this.#project.node.baseDomain,
      keepVersions: () => this.#project.node.keepVersions,
      routesOf: (name) => this.#front.routesOf(name),
      forgetSecrets: (name) => this.#secrets.forget(name),
      changed: () => this.#configureFront(),
      restore: (name) => this.#restore(name),
    });
    this.#tokens = new TokenStore(tokensFile(node.dataDir));
    this.#admin = this.#adminDoors();
  }

  /**
   * Starts a node and resolves when it listens.
   * @throws LOCKED, TOKENS_UNUSABLE, BUILD_FAILED, LOAD_FAILED, SERVER_FAILED, PORT_IN_USE, …, or STOPPING when
   * it was given up; nothing is left running then.
   * In dev a function that fails is reported and served as an error page instead.
   */
  static async start(project: Project, options: NodeOptions): Promise<DexterNode> {
    prepareDataDirectory(project.node.dataDir);
    const release = takeLock(project.node.lockFile);
    let node: DexterNode | undefined;
    try {
      node = new DexterNode(project, options);
      node.#releaseLock = release;
      const giveUp = () => void node?.stop(false);
      options.signal?.addEventListener("abort", giveUp, { once: true });
      await node.#begin();
      options.signal?.removeEventListener("abort", giveUp);
      return node;
    } catch (error) {
      await node?.stop(false);
      release();
      throw startFailure(error);
    }
  }

  get urls(): string[] {
    return this.#listeners.urls;
  }

  /** Where debuggers find the functions now: a port of the loopback. */
  get inspectorPort(): number | undefined {
    return this.#supervisor.inspectorPort;
  }

  get project(): Project {
    return this.#project;
  }

  routesOf(name: string): string[] {
    return this.#front.routesOf(name);
  }

  status(): NodeStatus {
    return nodeStatus({
      fleet: this.#dispatcher.fleet,
      supervisor: this.#supervisor,
      exchanges: this.#dispatcher.exchanges,
      totals: this.#dispatcher.totals,
      functions: [...this.registry.functions].map(([name, { live }]) => {
        const canary = this.#canaries.status(name);
        const routes = this.#front.routesOf(name);
        return { name, version: live?.id ?? "", routes, ...(canary ? { canary } : {}) };
      }),
      connectionStatus: this.#project.node.connectionStatus,
    });
  }

  /**
   * Opens the log files afresh, reads the configuration again and restarts the servers. Rejects, and changes nothing
   * else, when the configuration is wrong: rotated logs must not depend on it.
   */
  async reload(how: "one by one" | "at once" = "one by one"): Promise<void> {
    this.#options.logs.reopen();
    void this.#options.notifier?.reloading();
    try {
      await this.apply(await this.#options.readProject(), { restart: how });
    } finally {
      this.#sayReady();
    }
  }

  /**
   * Takes a new state of the project: new, changed and removed functions, settings, listeners. Servers are
   * restarted when asked, or when a setting of theirs changed. Rejects, and changes nothing, when a setting
   * cannot be taken or (outside dev) a function does not work; in dev that is reported, and the rest taken.
   */
  async apply(project: Project, { restart }: { restart?: "one by one" | "at once" } = {}): Promise<void> {
    await this.#inOrder(async () => {
      checkIdentity(this.#project.node, project.node);
      const servers = supervisorSettings(project.node, this.#options);
      const logs = this.#options.logs.change(project.node);
      const listeners = await this.#changeListeners(project.node).catch((error) => {
        logs.abandon();
        throw error;
      });
      const entries = this.#entriesOf(project);
      const { candidates, failures } = await this.deployer.prepareAll(
        entries,
        this.#progress(entries.length),
      );
      // A deployed function that fails is no reason to refuse the project.
      const deployed = new Set<unknown>(
        entries.flatMap(({ source, failure }) => (source ? [] : (failure ?? []))),
      );
      const fatal = this.#fatal(failures.filter((failure) => !deployed.has(failure)));
      if (fatal.length > 0) {
        listeners.abandon();
        logs.abandon();
        await this.deployer.abandonAll(entries, candidates);
        throw this.#reporter.combined(fatal);
      }
      const changed = needsRestart(supervisorSettings(this.#project.node, this.#options), servers);
      listeners.finish();
      logs.finish();
      this.#project = project;
      this.#reporter.logRate = project.node.logRate;
      for (const entry of entries) this.registry.put(entry);
      for (const candidate of candidates) this.deployer.commit(candidate);
      await this.deployer.removeAllBut(entries.map(({ config }) => config.name));
      this.registry.arrange(entries.map(({ config }) => config.name));
      this.#configureFront();
      this.#supervisor.configure(servers);
      if (restart || changed) this.#supervisor.restart(restart ?? "one by one");
      if (this.#options.inspect) await this.#supervisor.settled();
      for (const failure of failures) this.#reporter.failure(failure);
    });
  }

  /**
   * Builds functions again, as they are on disk now. Failures are logged, and what is live stays.
   * @returns those whose code is new
   */
  rebuild(entries: readonly DeployedFunction[]): Promise<DeployedFunction[]> {
    return this.#inOrder(async () => {
      const startedAtMs = performance.now();
      const broken = entries.filter(({ failure }) => failure);
      const { candidates, failures } = await this.deployer.prepareAll(entries);
      for (const candidate of candidates) this.deployer.commit(candidate);
      if (this.#options.inspect) await this.#supervisor.settled();
      const ms = Math.round(performance.now() - startedAtMs);
      const updated = candidates.map(({ entry }) => entry);
      const { log } = this.#options.logs;
      for (const { config } of updated) log.info(`${config.name} updated in ${ms} ms`);
      for (const entry of broken)
        if (!entry.failure && !updated.includes(entry)) log.info(`${entry.config.name} builds again`);
      for (const failure of failures) this.#reporter.failure(failure);
      return updated;
    });
  }

  /**
   * Stops: gracefully, with requests in progress finishing within `stop_timeout`, or at once. A second call
   * with `graceful` false hurries the first. Resolves when no server is left.
   */
  async stop(graceful: boolean): Promise<void> {
    if (this.#stopping && graceful) return this.#stopping;
    if (!graceful) {
      this.#listeners.destroy();
      void this.#supervisor.stop(false);
    }
    if (!this.#stopping) void this.#options.notifier?.stopping();
    this.#stopping ??= this.#end(graceful);
    return this.#stopping;
  }

  async #begin(): Promise<void> {
    const { node, functions } = this.#project;
    rmSync(runDirectory(node.dataDir), { recursive: true, force: true });
    await this.#tokens.open();
    await this.#secretStore.open();
    for (const config of functions) this.registry.put(this.registry.entryFor(config));
    if (!this.#options.dev)
      for (const given of await this.deployments.load()) this.registry.put(this.registry.entryOf(given));
    this.#configureFront();
    await this.#supervisor.start(this.#firstBuilds());
    // Before the first loads, which may take their time: so long the operator can look on, and stop.
    await this.#admin.openSocket(adminSocket(node.dataDir));
    await this.#inOrder(async () => {
      await this.#firstLoads();
      if (this.#options.inspect) await this.#supervisor.settled();
      this.#throwIfStopping();
      (await this.#changeListeners(node)).finish();
    });
    this.#history.start();
    this.#recallTimer = setInterval(() => this.#dispatcher.recallAhead(), HELD_MS);
    writeFileAtomically("pid_file", node.pidFile, `${process.pid}\n`);
    this.#endScoreboard = keepScoreboard({
      path: () => this.#project.node.scoreBoardFile,
      content: () => `${JSON.stringify(this.status())}\n`,
      onError: (message) => this.#options.logs.log.error(message),
    });
    this.#sayReady();
  }

  #sayReady(): void {
    if (!this.#stopping) void this.#options.notifier?.ready(`serving on ${this.urls.join(", ")}`);
  }

  /** The project's functions, but for those in whose place others were deployed; and these. */
  #entriesOf({ functions }: Project): DeployedFunction[] {
    const deployed = [...this.registry.functions.values()].filter(({ config }) =>
      this.deployments.has(config.name),
    );
    const own = functions.filter(({ name }) => !this.deployments.has(name));
    return [...own.map((config) => this.registry.entryFor(config)), ...deployed];
  }

  /** When the project's own function does not work, it keeps its failure until it is mended and built again. */
  async #restore(name: string): Promise<"serves" | DexterError | undefined> {
    const config = this.#project.functions.find((own) => own.name === name);
    if (config === undefined) return undefined;
    const entry = this.registry.entryFor(config);
    try {
      const candidate = await this.deployer.prepare(entry);
      this.registry.put(entry);
      if (candidate) this.deployer.commit(candidate);
      return "serves";
    } catch (error) {
      if (!(error instanceof DexterError)) throw error;
      this.registry.put(entry);
      this.deployer.suspend(entry, error);
      this.#reporter.failure(error);
      return error;
    }
  }

  #configureFront(): void {
    const functions = [...this.registry.functions.values()].map(({ config }) => config);
    this.#front.configure(functions, this.#project.node);
  }

  /** Opens the addresses that are new, for clients and for the operator: all of them, or none. */
  async #changeListeners(node: NodeConfig): Promise<ListenerChange> {
    const clients = await this.#listeners.change(node);
    const admin = await this.#admin.change(node).catch((error) => {
      clients.abandon();
      throw error;
    });
    return {
      finish: () => {
        clients.finish();
        admin.finish();
      },
      abandon: () => {
        clients.abandon();
        admin.abandon();
      },
    };
  }

  #adminDoors(): AdminDoors {
    return new AdminDoors({
      log: this.#options.logs.log,
      tokens: this.#tokens,
      features: [
        control({
          status: () => this.status(),
          reload: () => this.reload(),
          stop: (graceful) => this.#options.onStop(graceful),
        }),
        deploys({
          deployments: this.deployments,
          functions: () => this.status().functions,
          windowMs: () => this.#project.node.canaryWindowMs,
        }),
        secrets(this.#options.dev ? undefined : this.#secretChanges()),
        tail({
          followers: this.#followers,
          hasFunction: (name) => this.registry.functions.has(name),
        }),
        metrics((sees) => this.#metrics.render(sees)),
        live({
          history: this.#history,
          failures: this.#failures,
          deployments: this.deployments,
          status: () => this.status(),
          slotsPerServer: () => this.#project.node.maxThreadsPerChild,
          audience: this.#audience,
        }),
        page,
        health(() => this.#readiness()),
      ],
    });
  }

  #readiness(): Readiness {
    return {
      stopping: this.#stopping !== undefined,
      listening: this.urls.length > 0,
      responsive: this.#responsiveSlots().size > 0,
    };
  }

  /** Slots whose server takes requests and answers its probes. */
  #responsiveSlots(): Set<number> {
    const servers = [...this.#dispatcher.fleet.servers];
    const able = servers.filter(({ stage, responsive }) => stage === "open" && responsive);
    return new Set(able.map(({ place }) => place.index));
  }

  #finished(exchange: Exchange): void {
    const { tracer } = this.#options;
    this.#metrics.finished(exchange);
    tracer.finished(exchange, (key) => this.#supervisor.slotOf(key));
    this.#journal.finished(exchange);
    this.#canaries.observe(exchange);
  }

  #secretChanges(): SecretChanges {
    return new SecretChanges({
      registry: this.registry,
      secrets: this.#secrets,
      deployer: this.deployer,
      textOf: (failure) => this.#reporter.textOf(failure),
      log: this.#options.logs.log,
      inOrder: (change) => this.#inOrder(change),
    });
  }

  async #firstBuilds(): Promise<void> {
    const entries = [...this.registry.functions.values()];
    const progress = this.#progress(entries.length);
    const { candidates, failures } = await this.deployer.prepareAll(entries, progress, "nowhere");
    this.#throwIfStopping();
    this.#throwOrReport(failures);
    for (const candidate of candidates) this.deployer.commit(candidate);
    const functions = entries.map(({ config }) => config);
    if (!fitsAllAtOnce(functions, this.#project.node)) this.#dispatcher.fleet.deactivateAll();
  }

  /** Says how far it is, now and then; nothing of what is done in no time. */
  #progress(all: number): (done: number) => void {
    let saidMs = performance.now();
    return (done) => {
      if (performance.now() - saidMs < PROGRESS_MS || done === all) return;
      saidMs = performance.now();
      this.#options.logs.log.info(`built ${done} of ${all} functions`);
    };
  }

  /**
   * Waits until a first thread of each active function is ready: a function that cannot load is found now, and one
   * that never ends loading, or of which servers die, is not given to them any more.
   */
  async #firstLoads(): Promise<void> {
    const unfit: DeployedFunction[] = [];
    for (let found = await this.#findUnfit(); found.length > 0; found = await this.#findUnfit()) {
      unfit.push(...found);
      // What was to be loaded after them has still to show itself.
      await this.#supervisor.settled();
    }
    // What has no version has been reported, but for those whose version was taken away.
    const failing = [...this.registry.functions.values()].filter(
      (entry) => entry.failure && (entry.live || unfit.includes(entry)),
    );
    const report = this.#options.dev ? unfit : failing.filter(({ source }) => !source);
    if (!this.#options.dev)
      this.#throwOrReport(failing.flatMap(({ source, failure }) => (source && failure) ?? []));
    // The others of a node must not go without service for a deployed one that has become unable to load.
    for (const { failure } of report) this.#reporter.failure(failure);
  }

  /** Functions of which a server died, or did not get on; they are suspended. */
  async #findUnfit(): Promise<DeployedFunction[]> {
    const starting = this.#firstThreads().filter((thread) => thread.state === "starting");
    const outcomes = await Promise.allSettled(starting.map((thread) => this.deployer.outcome(thread)));
    this.#throwIfStopping();
    const unfit: DeployedFunction[] = [];
    for (const [place, outcome] of outcomes.entries()) {
      const entry = this.registry.functions.get(starting[place]!.functionName);
      if (outcome.status === "fulfilled" || !entry || entry.failure) continue;
      await this.#suspend(entry, outcome.reason as DexterError);
      unfit.push(entry);
    }
    return unfit;
  }

  /** Also the servers that are busy with it, which nobody has waited for, are replaced. */
  async #suspend(entry: DeployedFunction, reason: DexterError): Promise<void> {
    this.deployer.suspend(entry, reason);
    const stuck = [...this.#supervisor.members].filter(
      ({ loader }) => loader.loading?.functionName === entry.config.name,
    );
    await Promise.all(stuck.map(({ key }) => this.#supervisor.kill(key)));
  }

  /** One of each function; they take turns with the servers, each of which loads one after the other. */
  #firstThreads(): Thread[] {
    const servers = [...this.#dispatcher.fleet.servers];
    const first = new Map<string, Thread>();
    for (const [turn, name] of [...this.registry.functions.keys()].entries()) {
      const inTurn = [...servers.slice(turn % servers.length), ...servers.slice(0, turn % servers.length)];
      const threads = inTurn.flatMap((server) => server.threads);
      const thread = threads.find((one) => one?.functionName === name);
      if (thread) first.set(name, thread);
    }
    return [...first.values()];
  }

  #throwIfStopping(): void {
    if (this.#stopping) throw new DexterError("STOPPING");
  }

  /**
   * Failures that a start or a reload must not go on with. In dev there are none; and a function whose secrets
   * cannot be read is not served, but the others are.
   */
  #fatal(failures: readonly unknown[]): unknown[] {
    if (this.#options.dev) return [];
    const ofSecrets = ["SECRETS_DAMAGED", "SECRETS_LOCKED"];
    return failures.filter((one) => !(one instanceof DexterError && ofSecrets.includes(one.code)));
  }

  #throwOrReport(failures: readonly unknown[]): void {
    const fatal = this.#fatal(failures);
    if (fatal.length > 0) throw this.#reporter.combined(fatal);
    for (const failure of failures) this.#reporter.failure(failure);
  }

  /** A version that loaded before can fail later, in a thread that nobody waits for. */
  #loadFailed(thread: Thread, reason: DexterError): void {
    this.#metrics.loadFailed(thread);
    const entry = this.registry.functions.get(thread.functionName);
    if (!entry || entry.live?.id !== thread.version) return;
    const known = entry.failure instanceof LoadError;
    entry.failure = reason;
    if (!known && this.urls.length > 0) this.#reporter.failure(reason);
  }

  #advised = false;

  #adviseOnce(): void {
    if (this.#advised) return;
    this.#advised = true;
    const { maxThreadsPerChild } = this.#project.node;
    this.#options.logs.log.warn(
      `a server has reached max_threads_per_child (${maxThreadsPerChild}); ` +
        "raise it, raise num_servers, or lower the spare threads, so that requests need not wait",
    );
  }

  async #end(graceful: boolean): Promise<void> {
    const { node } = this.#project;
    this.#endScoreboard?.();
    clearInterval(this.#recallTimer);
    let inTime = graceful;
    if (graceful) {
      const late = this.#deadline(node.stopTimeoutMs).then(() => (inTime = false));
      await Promise.race([this.#listeners.close(), late]);
    }
    this.#listeners.destroy();
    await this.#supervisor.stop(inTime);
    await Promise.all([this.registry.dispose(), this.#options.tracer.close(inTime)]);
    this.#history.close();
    this.#metrics.close();
    this.#canaries.close();
    this.#reporter.close();
    await Promise.all([this.#followers.end(), this.#audience.end()]);
    // Until here the operator can look on, or hurry.
    this.#admin.destroy();
    clearSockets(node.dataDir);
    rmSync(node.pidFile, { force: true });
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
