/** What `dexter dev` and `dexter start` say when they are ready. */
import { logEntry } from "../logs/logger.ts";
import type { DexterNode } from "../node/node.ts";
import { colours } from "./colours.ts";
import { calledAs, NO_FUNCTION_YET } from "./print.ts";
import { list, table, terminalWidth } from "./table.ts";

/** The functions with their URLs, and where to look further. */
export function banner(node: DexterNode, inspector?: string): string {
  const functions = functionsOf(node);
  const rows = functions.map(({ name, url, routes }) => [name, url, list(routes)]);
  return [
    "",
    functions.length > 0
      ? table(["function", "url", "answers at"], rows, { width: terminalWidth() })
      : `${NO_FUNCTION_YET} (dexter help deploy)`,
    "",
    isReady(node),
    ...(inspector === undefined ? [] : debuggers(functions, inspector)),
    colours.dim(`state of servers and threads: ${calledAs()} status (--watch)`),
    "",
  ].join("\n");
}

/** The same for programs: a line in the form of the log, at whatever level that is. */
export function readyEntry(node: DexterNode): string {
  return logEntry("info", isReady(node), { addresses: node.urls, functions: functionsOf(node) });
}

const isReady = ({ urls }: DexterNode) => `dexter is ready on ${urls.join(", ")}`;

function functionsOf(node: DexterNode) {
  const { tls, baseDomain } = node.project.node;
  const first = firstUrl(node.urls, tls.redirect);
  return [...node.registry.functions.keys()].map((name) => {
    const routes = node.routesOf(name);
    return { name, url: urlOf(name, routes, first, baseDomain), routes };
  });
}

/** Where debuggers find the functions. */
function debuggers(functions: readonly { readonly name: string }[], inspector: string): string[] {
  const links = functions.map(({ name }) => [
    name,
    `devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws=${inspector}/${name}-r0`,
  ]);
  return [
    `debuggers: ${inspector} (in Chrome: chrome://inspect, Configure…; or one of these addresses)`,
    "",
    table(["function", "DevTools"], links, { width: Number.POSITIVE_INFINITY }),
    "",
  ];
}

/** Where requests are answered: not where they are only sent on to https. */
function firstUrl(urls: readonly string[], redirect: boolean): string {
  const [first = ""] = urls;
  return redirect ? (urls.find((url) => url.startsWith("https:")) ?? first) : first;
}

/** A link that reaches the function, from its first route. */
function urlOf(name: string, routes: readonly string[], url: string, baseDomain: string): string {
  const { origin, port, protocol } = reachable(url);
  if (routes.includes("*/*")) return `${origin}/`;
  const [first = ""] = routes;
  if (first === `${name}.${baseDomain}/*` && routes.includes(`*/${name}/*`)) return `${origin}/${name}`;
  const [host = "", ...path] = first.replace(/\*$/, "").split("/");
  const below = path.join("/");
  return host.startsWith("*") || host === ""
    ? `${origin}/${below}`
    : `${protocol}//${host}${port === "" ? "" : `:${port}`}/${below}`;
}

/** Nobody can open the address that means all of them. */
function reachable(url: string): URL {
  return new URL(url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:"));
}
