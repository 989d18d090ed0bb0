/** `dexter dev` and `dexter start`: runs a node until a signal or `dexter stop` ends it. */
import { loadProject } from "../config/load.ts";
import { DexterError } from "../errors.ts";
import type { Logger } from "../logs/logger.ts";
import { Logs } from "../logs/logs.ts";
import { endStderr } from "../logs/stderr.ts";
import { DexterNode } from "../node/node.ts";
import { Notifier } from "../system/notify.ts";
import { banner } from "./banner.ts";
import { Life } from "./life.ts";
import { type CommonOptions, projectOptions, warn } from "./project.ts";
import { tracerFor } from "./tracing.ts";

interface ServeOptions extends CommonOptions {
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

  const life = new Life(logs);
  process.on("SIGTERM", () => life.stop(true));
  process.on("SIGINT", () => life.stop(false));
  const relay = await inspection?.InspectorRelay.open(inspectPort(options), () => life.node?.inspectorPort);
  const node = await DexterNode.start(project, {
    dev,
    inspect: relay !== undefined,
    logs,
    tracer,
    notifier,
    readProject,
    onStop: (graceful) => life.stop(graceful),
    signal: life.givenUp,
    ...(onRequest ? { onRequest } : {}),
  }).catch(async (error) => {
    await logs.close();
    if (life.givenUp.aborted) process.exit(0);
    relay?.close();
    throw error;
  });
  life.serves(node);
  if (relay) life.closeFirst(() => relay.close());
  if (dev) {
    const { HotReload } = await import("../dev/watch.ts");
    const hotReload = new HotReload(node, { log, readProject });
    life.closeFirst(() => hotReload.close());
  }
  obeySignals(node, log);
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

/** Apache's signals, but for those that stop it. */
function obeySignals(node: DexterNode, log: Logger): void {
  const restart = (how: "one by one" | "at once") => {
    log.info("restarting the servers");
    node.reload(how).catch((error) => {
      if (!(error instanceof DexterError)) throw error;
      log.error(error.message);
    });
  };
  process.on("SIGHUP", () => restart("at once"));
  process.on("SIGUSR1", () => restart("one by one"));
  // A terminal sends it when its window changes size, which is no wish to restart.
  if (!process.stdout.isTTY) process.on("SIGWINCH", () => restart("one by one"));
}
