/**
 * A running node: owns the lives of its listeners, servers, functions and admin socket, and starts and ends them in
 * order. Who it runs for (argv, signals, exit status) is the business of main.ts and cli/serve.ts.
 */
import { rmSync } from "node:fs";
import type { FunctionRegistry } from "../deploy/registry.ts";
import { GOING_AWAY } from "../dispatch/tunnel.ts";
import { DexterError } from "../errors.ts";
import { goodbyeBefore } from "../server/member.ts";
import { startFailure } from "../server/settings.ts";
import { keepScoreboard, writeFileAtomically } from "../status/scoreboard.ts";
import { type NodeStatus, nodeStatus } from "../status/status.ts";
import { takeLock } from "../system/lock.ts";
import { adminSocket, clearSockets, prepareDataDirectory, runDirectory } from "../system/paths.ts";
import type { Project } from "../types.ts";
import { assemble, type Parts } from "./assembly.ts";
import { checkDescriptors, watchDescriptors } from "./descriptors.ts";
import type { NodeOptions } from "./options.ts";
import type { ProjectChanges } from "./project-changes.ts";

export class DexterNode {
  readonly #options: NodeOptions;
  readonly #parts: Parts;
  #releaseLock: (() => void) | undefined;
  #endScoreboard: (() => void) | undefined;
  #endDescriptors: (() => void) | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(project: Project, options: NodeOptions) {
    this.#options = options;
    this.#parts = assemble(project, options, this);
  }

  /**
   * Starts a node and resolves when it listens.
   * @throws LOCKED, TOKENS_UNUSABLE, BUILD_FAILED, LOAD_FAILED, SERVER_FAILED, PORT_IN_USE, …, or STOPPING when
   * it was given up; nothing is left running then.
   * In dev a function that fails is reported and served as an error page instead.
   */
  static async start(project: Project, options: NodeOptions): Promise<DexterNode> {
    // One that is aborted already tells nobody.
    if (options.signal?.aborted) throw new DexterError("STOPPING");
    checkDescriptors(project.node);
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
    return this.#parts.listeners.urls;
  }

  get registry(): FunctionRegistry {
    return this.#parts.registry;
  }

  get changes(): ProjectChanges {
    return this.#parts.changes;
  }

  /** Where debuggers find the functions now: a port of the loopback. */
  get inspectorPort(): number | undefined {
    return this.#parts.engine.supervisor.inspectorPort;
  }

  get project(): Project {
    return this.changes.project;
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  routesOf(name: string): string[] {
    return this.#parts.front.routesOf(name);
  }

  status(): NodeStatus {
    const { registry, engine, delivery, front } = this.#parts;
    const { dispatcher, supervisor } = engine;
    return nodeStatus({
      fleet: dispatcher.fleet,
      supervisor,
      apart: engine.wards.all,
      exchanges: dispatcher.exchanges,
      totals: dispatcher.totals,
      functions: [...registry.functions].map(([name, { live }]) => {
        const canary = delivery.canaries.status(name);
        const routes = front.routesOf(name);
        return {
          name,
          version: live?.id ?? "",
          routes,
          pools: registry.poolsOf(name),
          ...(canary ? { canary } : {}),
        };
      }),
      connectionStatus: this.project.node.connectionStatus,
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
      await this.changes.apply(await this.#options.readProject(), { restart: how });
    } finally {
      this.#sayReady();
    }
  }

  /**
   * Stops: gracefully, with requests in progress finishing within `stop_timeout`, or at once. A second call
   * with `graceful` false hurries the first. Resolves when no server is left.
   */
  async stop(graceful: boolean): Promise<void> {
    if (this.#stopping && graceful) return this.#stopping;
    if (!graceful) {
      this.#closeSockets();
      this.#parts.listeners.destroy();
      void this.#parts.engine.supervisor.stop(false);
    }
    if (!this.#stopping) void this.#options.notifier?.stopping();
    this.#stopping ??= this.#end(graceful);
    return this.#stopping;
  }

  async #begin(): Promise<void> {
    const { node } = this.project;
    const { engine, tokens, delivery, admin, firstStart, turns } = this.#parts;
    rmSync(runDirectory(node.dataDir), { recursive: true, force: true });
    await tokens.open();
    await delivery.secretStore.open();
    await this.#findFunctions();
    await engine.supervisor.start(firstStart.build(node));
    // Before the first loads, which may take their time: so long the operator can look on, and stop.
    await admin.openSocket(adminSocket(node.dataDir));
    await turns.run(async () => {
      await firstStart.load();
      if (this.#options.inspect) await engine.supervisor.settled();
      if (this.isStopping) throw new DexterError("STOPPING");
      (await this.changes.openListeners(node)).finish();
    });
    this.#keepUp();
    this.#sayReady();
  }

  /** Those of the project, and those that were deployed in their place or beside them. */
  async #findFunctions(): Promise<void> {
    const { registry, delivery } = this.#parts;
    for (const config of this.project.functions) registry.put(registry.entryFor(config));
    if (!this.#options.dev)
      for (const given of await delivery.deployments.load()) registry.put(registry.entryOf(given));
    this.changes.configureFront();
  }

  /** What is done again and again as long as the node serves. */
  #keepUp(): void {
    const { telemetry, front } = this.#parts;
    telemetry.history.start();
    this.#endDescriptors = watchDescriptors(telemetry.incidents);
    const { maxConnections } = front.clients.limits;
    if (this.project.node.limits.maxConnections > maxConnections)
      this.#options.logs.log.warn(
        `max_connections: the limit of open files leaves ${maxConnections} connections; raise it`,
      );
    writeFileAtomically("pid_file", this.project.node.pidFile, `${process.pid}\n`);
    this.#endScoreboard = keepScoreboard({
      path: () => this.project.node.scoreBoardFile,
      content: () => `${JSON.stringify(this.status())}\n`,
      onError: (message) => this.#options.logs.log.error(message),
    });
  }

  #sayReady(): void {
    if (!this.#stopping) void this.#options.notifier?.ready(`serving on ${this.urls.join(", ")}`);
  }

  async #end(graceful: boolean): Promise<void> {
    const { node } = this.project;
    const { registry, telemetry, engine, delivery, listeners, admin } = this.#parts;
    this.#endScoreboard?.();
    this.#endDescriptors?.();
    let inTime = graceful;
    if (graceful) {
      const late = this.#deadline(node.stopTimeoutMs).then(() => (inTime = false));
      const goodbye = this.#deadline(node.stopTimeoutMs - goodbyeBefore(node.stopTimeoutMs));
      void goodbye.then(() => this.#closeSockets());
      await Promise.race([listeners.close(), late]);
    }
    listeners.destroy();
    await engine.supervisor.stop(inTime);
    await Promise.all([registry.dispose(), this.#options.tracer.close(inTime)]);
    delivery.canaries.close();
    await telemetry.close();
    // Until here the operator can look on, or hurry.
    admin.destroy();
    clearSockets(node.dataDir);
    rmSync(node.pidFile, { force: true });
    this.#releaseLock?.();
  }

  /** Their clients connect again, to another node or when this one is back. */
  #closeSockets(): void {
    this.#parts.engine.sockets.closeAll(GOING_AWAY, "the node stops");
  }

  #deadline(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms).unref());
  }
}
