/** `dexter dev` and `dexter start`: runs a node until a signal or `dexter stop` ends it. */
import { loadProject } from "../config/load.ts";
import { DexterError } from "../errors.ts";
import type { Logger } from "../logs/logger.ts";
import { Logs } from "../logs/logs.ts";
import { endStderr } from "../logs/stderr.ts";
import { DexterNode } from "../node/node.ts";
import { Notifier } from "../system/notify.ts";
import { banner } from "./banner.ts";
import { type CommonOptions, projectOptions, warn } from "./project.ts";
import { tracerFor } from "./tracing.ts";

export interface ServeOptions extends CommonOptions {
  /** The port for debuggers, or true for the usual one. */
  readonly inspect?: string | true;
}

const INSPECT_PORT = 9229;

export async function serve(mode: "dev" | "start", options: ServeOptions): Promise<void> {
  const dev = mode === "dev";
  const given = () => loadProject({ ...projectOptions(options), dev, mayBeEmpty: !dev });
  const inspection = options.inspect === undefined ? undefined : await import("../dev/inspect.ts");
  const readProject = inspection ? async () => inspection.inspectable(await given()) : given;
  const project = await readProject();
  warn(project.warnings);
  const isForPeople = dev || process.stderr.isTTY === true;
  // By an exception too.
  process.once("exit", endStderr);
  const logs = new Logs(project.node, {
    dev,
    ...(isForPeople ? { format: (await import("./log-line.ts")).logLine } : {}),
  });
  const { log } = logs;
  // A node that nobody reads any more serves on.
  process.stdout.removeAllListeners("error").on("error", () => {});
  const onRequest = dev ? await requestLog() : undefined;
  const tracer = await tracerFor(process.env, log);
  const notifier = new Notifier(process.env, { onFailure: (reason) => log.warn(reason) });

  const starting = new AbortController();
  const interrupt = () => starting.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, interrupt);
  let stop: (graceful: boolean) => unknown = interrupt;
  let serving: DexterNode | undefined;
  const relay = await inspection?.InspectorRelay.open(inspectPort(options), () => serving?.inspectorPort);
  const node = await DexterNode.start(project, {
    dev,
    inspect: relay !== undefined,
    logs,
    tracer,
    notifier,
    readProject,
    onStop: (graceful) => stop(graceful),
    signal: starting.signal,
    ...(onRequest ? { onRequest } : {}),
  }).catch(async (error) => {
    await logs.close();
    if (starting.signal.aborted) process.exit(0);
    relay?.close();
    throw error;
  });
  serving = node;
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupt);
  const hotReload = dev
    ? new (await import("../dev/watch.ts")).HotReload(node, { log, readProject })
    : undefined;
  stop = stopper(node, logs, () => {
    hotReload?.close();
    relay?.close();
  });
  obeySignals(node, log, stop);
  console.log(banner(node, relay?.address));
}

/** Throws USAGE. */
function inspectPort({ inspect }: ServeOptions): number {
  if (inspect === true || inspect === undefined) return INSPECT_PORT;
  const port = /^\d{1,5}$/.test(inspect) ? Number(inspect) : Number.NaN;
  if (port <= 65_535) return port;
  throw new DexterError("USAGE", {
    option: "--inspect",
    rule: `must be a port from 0 to 65535 (got "${inspect}")`,
  });
}

async function requestLog() {
  const { requestLine } = await import("./request-line.ts");
  return (record: Parameters<typeof requestLine>[0]) => console.log(requestLine(record));
}

/** Stops gracefully or at once, which hurries a stop that is under way, and ends the process. */
function stopper(node: DexterNode, logs: Logs, first: () => void): (graceful: boolean) => Promise<void> {
  let stopping = false;
  return async (graceful) => {
    if (!stopping && graceful) logs.log.info("stopping after the requests in progress");
    stopping = true;
    first();
    await node.stop(graceful);
    await logs.close();
    process.exit(0);
  };
}

/** Apache's signals. */
function obeySignals(node: DexterNode, log: Logger, stop: (graceful: boolean) => unknown): void {
  const restart = (how: "one by one" | "at once") => {
    log.info("restarting the servers");
    node.reload(how).catch((error) => {
      if (!(error instanceof DexterError)) throw error;
      log.error(error.message);
    });
  };
  process.on("SIGTERM", () => stop(true));
  process.on("SIGINT", () => stop(false));
  process.on("SIGHUP", () => restart("at once"));
  process.on("SIGUSR1", () => restart("one by one"));
  // A terminal sends it when its window changes size, which is no wish to restart.
  if (!process.stdout.isTTY) process.on("SIGWINCH", () => restart("one by one"));
}
