/**
 * Which function answers a request, from its host and path. Pure, and on the way of every request: a host
 * is resolved once to the few tables that can answer it (cached), and in each of them the first path
 * segment leads straight to the candidates.
 *
 * Order: exact host, then wildcard hosts from the longest; within a host the longest path, an exact path
 * before a wildcard. Given routes come before default ones that say the same, and the catch-all is last.
 */
import { parseRoute, type Route } from "./route-pattern.ts";

export { parseRoute, type Route } from "./route-pattern.ts";

export interface RoutedFunction {
  readonly name: string;
  /** wrangler's patterns; empty = the default routes by name. */
  readonly routes: readonly string[];
  /** What a project's `main` names: answers the rest, whatever its routes. */
  readonly catchAll: boolean;
}

interface RouterOptions {
  /** A function without routes answers at `<name>.<baseDomain>`. */
  readonly baseDomain: string;
}

export interface Router {
  /** The name of the function that answers, by `Host` value and request target; never throws. */
  match(host: string | undefined, path: string): string | undefined;
  /** The patterns of a function, as shown to people; empty for an unknown name. */
  routesOf(name: string): string[];
}

interface RouteConflict {
  readonly pattern: string;
  /** The functions that claim it; the first one gets it. */
  readonly owners: readonly string[];
}

interface Owned extends Route {
  readonly name: string;
  /** Lower wins between identical patterns: 0 given, 1 by name, 2 catch-all, 3 `index`. */
  readonly rank: number;
  /** Not shown: implied by another one (`*\/hello` by `*\/hello/*`). */
  readonly hidden?: boolean;
}

/** Hosts are chosen by clients, so what is remembered of them is bounded. */
const HOST_CACHE_SIZE = 1024;

/**
 * @throws DexterError CONFIG_INVALID for a pattern that is not one
 */
export function createRouter(functions: readonly RoutedFunction[], options: RouterOptions): Router {
  const owned = functions.flatMap((each) => routesFor(each, options.baseDomain));
  const exact = new Map<string, PathTable>();
  const wildcard = new Map<string, PathTable>();
  for (const route of [...owned].sort(bySpecificity)) {
    const tables = route.hostWildcard ? wildcard : exact;
    const table = tables.get(route.host) ?? new PathTable();
    tables.set(route.host, table);
    table.add(route);
  }
  // Sorted above, so insertion order is longest first.
  const suffixes = [...wildcard];
  const cache = new Map<string, PathTable[]>();

  function tablesOf(rawHost: string): PathTable[] {
    const host = withoutPort(rawHost);
    const own = exact.get(host);
    const tables = own ? [own] : [];
    for (const [suffix, table] of suffixes) if (hostMatches(host, suffix)) tables.push(table);
    if (cache.size >= HOST_CACHE_SIZE) cache.clear();
    cache.set(rawHost, tables);
    return tables;
  }

  return {
    match(host = "", path) {
      const tables = cache.get(host) ?? tablesOf(host);
      for (let i = 0; i < tables.length; i++) {
        const name = (tables[i] as PathTable).match(path);
        if (name !== undefined) return name;
      }
      return undefined;
    },
    routesOf: (name) => [
      ...new Set(owned.filter((route) => route.name === name && !route.hidden).map((r) => r.pattern)),
    ],
  };
}

/** Patterns that several functions claim, default ones included, in the order of the functions. */
export function findConflicts(functions: readonly RoutedFunction[], options: RouterOptions): RouteConflict[] {
  const owners = new Map<string, Owned[]>();
  for (const route of functions.flatMap((each) => routesFor(each, options.baseDomain))) {
    const same = owners.get(route.pattern) ?? [];
    if (!same.some((other) => other.name === route.name)) same.push(route);
    owners.set(route.pattern, same);
  }
  return [...owners]
    .filter(([, routes]) => routes.length > 1 && routes.some((route) => !route.hidden))
    .map(([pattern, routes]) => ({
      pattern,
      owners: routes.sort((a, b) => a.rank - b.rank).map((route) => route.name),
    }));
}

/** As `findConflicts`, without what any function may ask for: all that no other one answers. */
export function hardConflicts(functions: readonly RoutedFunction[], baseDomain: string): RouteConflict[] {
  const routed = functions.map((each) => ({ ...each, catchAll: false }));
  return findConflicts(routed, { baseDomain }).filter(
    ({ pattern, owners }) => pattern !== "*/*" || !owners.includes("index"),
  );
}

function routesFor({ name, routes, catchAll }: RoutedFunction, baseDomain: string): Owned[] {
  const owned: Owned[] = routes.map((pattern) => ({ ...parseRoute(pattern), name, rank: 0 }));
  if (routes.length === 0 && !catchAll) {
    const host = `${name}.${baseDomain}`.toLowerCase();
    owned.push(
      { name, rank: 1, pattern: `${host}/*`, host, hostWildcard: false, path: "/", pathWildcard: true },
      { name, rank: 1, ...anyHost(`/${name}`, false), hidden: true },
      { name, rank: 1, ...anyHost(`/${name}/`, true) },
    );
  }
  if (catchAll || (name === "index" && routes.length === 0)) {
    owned.push({ name, rank: catchAll ? 2 : 3, ...anyHost("/", true) });
  }
  return owned;
}

function anyHost(path: string, pathWildcard: boolean): Route {
  return { pattern: `*${path}${pathWildcard ? "*" : ""}`, host: "", hostWildcard: true, path, pathWildcard };
}

/** Most specific first; a stable sort keeps the order of the functions among equals. */
function bySpecificity(a: Owned, b: Owned): number {
  return (
    Number(a.hostWildcard) - Number(b.hostWildcard) ||
    b.host.length - a.host.length ||
    b.path.length - a.path.length ||
    Number(a.pathWildcard) - Number(b.pathWildcard) ||
    a.rank - b.rank
  );
}

/** As on Cloudflare: `*.a.b` needs a label before the dot, `*a.b` takes `a.b` itself in. */
function hostMatches(host: string, suffix: string): boolean {
  return host.endsWith(suffix) && (!suffix.startsWith(".") || host.length > suffix.length);
}

/** Host name of a `Host` value: no port, lower case, no trailing dot. */
function withoutPort(host: string): string {
  const end = host.startsWith("[") ? host.indexOf("]") + 1 || host.length : host.indexOf(":");
  const name = (end < 0 ? host : host.slice(0, end)).toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

const SLASH = 0x2f;
const QUERY = 0x3f;

/** The routes of one host pattern. They must be added most specific first. */
class PathTable {
  /** By first segment: routes that fix it. They are always longer than loose ones that match the same path. */
  readonly #segments = new Map<string, Owned[]>();
  /** Prefixes that end within the first segment: `/*`, `/foo*`. */
  readonly #loose: Owned[] = [];

  add(route: Owned): void {
    const end = segmentEnd(route.path);
    if (route.pathWildcard && end === route.path.length) {
      this.#loose.push(route);
      return;
    }
    const segment = route.path.slice(1, end);
    const same = this.#segments.get(segment);
    if (same) same.push(route);
    else this.#segments.set(segment, [route]);
  }

  match(path: string): string | undefined {
    if (this.#segments.size > 0) {
      const candidates = this.#segments.get(path.slice(1, segmentEnd(path)));
      const name = candidates && firstMatch(candidates, path);
      if (name !== undefined) return name;
    }
    return firstMatch(this.#loose, path);
  }
}

function firstMatch(routes: readonly Owned[], path: string): string | undefined {
  for (let i = 0; i < routes.length; i++) {
    const route = routes[i] as Owned;
    if (!path.startsWith(route.path)) continue;
    const length = route.path.length;
    if (route.pathWildcard || path.length === length || path.charCodeAt(length) === QUERY) return route.name;
  }
  return undefined;
}

/** Where the first segment of a path ends: at the second slash, the query string or the end. */
function segmentEnd(path: string): number {
  for (let i = 1; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code === SLASH || code === QUERY) return i;
  }
  return path.length;
}
