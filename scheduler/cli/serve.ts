/** `dexter dev` and `dexter start`: runs a node until a signal or `dexter stop` ends it. */
import pc from "picocolors";
import { loadProject } from "../config/load.ts";
import type { Exchange } from "../dispatch/exchange.ts";
import { DexterError } from "../errors.ts";
import { createLogger } from "../logger.ts";
import type { CommonOptions } from "../main.ts";
import { DexterNode } from "../node.ts";
import { projectOptions, warn } from "./project.ts";
import { table } from "./tables.ts";

export async function serve(mode: "dev" | "start", options: CommonOptions): Promise<void> {
  const dev = mode === "dev";
  const readProject = () => loadProject({ ...projectOptions(options), dev });
  const project = await readProject();
  warn(project.warnings);
  const log = createLogger(project.node.logLevel, dev || process.stderr.isTTY === true);
  let stopping = false;
  const node = await DexterNode.start(project, {
    dev,
    log,
    readProject,
    onStop: (graceful) => void stop(graceful),
    ...(dev ? { onRequest: (exchange) => console.log(requestLine(exchange)) } : {}),
  });
  const hotReload = dev
    ? new (await import("../dev/watch.ts")).HotReload(node, { log, readProject })
    : undefined;

  const stop = async (graceful: boolean) => {
    if (!stopping && graceful) log.info("stopping after the requests in progress");
    stopping = true;
    hotReload?.close();
    await node.stop(graceful);
    process.exit(0);
  };
  const restart = (how: "one by one" | "at once") => {
    log.info("restarting the servers");
    node.reload(how).catch((error) => {
      if (!(error instanceof DexterError)) throw error;
      log.error(error.message);
    });
  };
  process.on("SIGTERM", () => void stop(true));
  process.on("SIGINT", () => void stop(false));
  process.on("SIGHUP", () => restart("at once"));
  process.on("SIGUSR1", () => restart("one by one"));
  process.on("SIGWINCH", () => restart("one by one"));
  console.log(banner(node));
}

/** The functions with their URLs, and where to look further. */
function banner(node: DexterNode): string {
  const [url = ""] = node.urls;
  const rows = node.project.functions.map((fn) => {
    const places = node.routesOf(fn.name);
    return [fn.name, urlOf(fn.name, places, url, node.project.node.baseDomain), places.join(", ")];
  });
  return [
    "",
    table(["function", "url", "answers at"], rows),
    "",
    `dexter is ready on ${node.urls.join(", ")}`,
    pc.dim("state of servers and threads: npx dexter status (--watch)"),
    "",
  ].join("\n");
}

/** A link that reaches the function, from its first route. */
function urlOf(name: string, routes: readonly string[], url: string, baseDomain: string): string {
  if (routes.includes("*/*")) return `${url}/`;
  const [first = ""] = routes;
  const base = new URL(url);
  if (first === `${name}.${baseDomain}/*` && routes.includes(`*/${name}/*`)) return `${url}/${name}`;
  const [host = "*", ...path] = first.replace(/\*$/, "").split("/");
  return host === "*" || host === ""
    ? `${url}/${path.join("/")}`
    : `http://${host}:${base.port}/${path.join("/")}`;
}

function requestLine({ req, res, outcome, startedAtMs, functionName, facts }: Exchange): string {
  const ms = performance.now() - startedAtMs;
  const status = outcome === "answered" ? (req.headers.upgrade ? 101 : res.statusCode) : outcome;
  const colour =
    typeof status !== "number" ? pc.yellow : status >= 500 ? pc.red : status >= 400 ? pc.yellow : pc.green;
  const time = ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
  return `${pc.dim(new Date().toTimeString().slice(0, 8))} ${colour(String(status))} ${req.method} ${facts.path} ${pc.dim(`${functionName} ${time}`)}`;
}
