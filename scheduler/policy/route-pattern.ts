/**
 * wrangler's route patterns: `[scheme://]host[/path]`, with `*` only at the start of the host and at the
 * end of the path. A pattern without a path means the root path. The scheme is accepted and ignored: TLS
 * ends in front of dexter, so a function cannot be told apart by it.
 */
import { DexterError } from "../errors.ts";

export interface Route {
  /** The pattern as it is shown: without scheme, host in lower case, path always there. */
  readonly pattern: string;
  /** Exact host, or what the host must end with (`""` = any host). */
  readonly host: string;
  readonly hostWildcard: boolean;
  /** Exact path, or what the path must start with. */
  readonly path: string;
  readonly pathWildcard: boolean;
}

const SCHEME = /^(?:(https?|\*):)?\/\//i;
const HOST = /^(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])$/;
const HOST_SUFFIX = /^(?:\.?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)?$/;
const PATH = /^\/[!-~]*$/;

/**
 * Reads one pattern.
 * @throws DexterError CONFIG_INVALID, which names the pattern and what is wrong with it
 */
export function parseRoute(pattern: string): Route {
  const { host, path } = split(pattern);
  const reason = routeProblem(pattern);
  if (reason !== undefined)
    throw new DexterError("CONFIG_INVALID", { reason: `route "${pattern}": ${reason}` });

  const hostWildcard = host.startsWith("*");
  const pathWildcard = path.endsWith("*");
  return {
    pattern: host + path,
    host: hostWildcard ? host.slice(1) : host,
    hostWildcard,
    path: pathWildcard ? path.slice(0, -1) : path,
    pathWildcard,
  };
}

function split(pattern: string): { rest: string; host: string; path: string } {
  const rest = pattern.replace(SCHEME, "");
  const slash = rest.indexOf("/");
  const host = (slash < 0 ? rest : rest.slice(0, slash)).toLowerCase().replace(/\.$/, "");
  return { rest, host, path: slash < 0 ? "/" : rest.slice(slash) };
}

/** What is wrong with a pattern, if anything. */
export function routeProblem(pattern: string): string | undefined {
  const { rest, host, path } = split(pattern);
  if (rest.includes("://")) return "the scheme must be http:// or https://";
  if (host === "") return 'the host is missing; write "example.com/*", or "*/*" for any host';
  if (host.lastIndexOf("*") > 0) return "a wildcard in the host may only be its first character";
  if (/:\d*$/.test(host) && !host.endsWith("]")) return "a route has no port; leave it out";
  const wildcard = host.startsWith("*");
  if (host.includes("..") || !(wildcard ? HOST_SUFFIX.test(host.slice(1)) : HOST.test(host))) {
    return `"${host}" is not a host name`;
  }
  if (path.includes("?")) return "a route matches the path only; leave the query string out";
  if (path.includes("#")) return "a route matches the path only; leave the fragment out";
  const star = path.indexOf("*");
  if (star >= 0 && star < path.length - 1) return "a wildcard in the path may only be its last character";
  if (!PATH.test(path)) return "the path must be percent-encoded ASCII";
  return undefined;
}
