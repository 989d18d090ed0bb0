/** From the `[dexter]` table and the `--set` options to the node's checked settings. */
import { resolve } from "node:path";
import type { FunctionDirectives, NodeConfig, ThreadSettings } from "../types.ts";
import {
  canonicalDirective,
  DIRECTIVE_TABLES,
  DIRECTIVES,
  type DirectiveValues,
  directiveShape,
  directiveTableSchema,
  FUNCTION_DIRECTIVES,
  LIST_DIRECTIVES,
} from "./directives.ts";
import { parseEntries } from "./entries.ts";
import { ownLimits, resolveLimits } from "./limits.ts";
import { didYouMean, squash } from "./nearest.ts";
import { type Entries, type Entry, formatPath, formatValue, type Problems, type Source } from "./problems.ts";
import { checkThreads, resolveThreads } from "./threads.ts";
import { checkTls, tlsOf } from "./tls.ts";
import { formatListen, sameListen } from "./values.ts";

/** Where nothing that is known looks like the key. */
const LISTED = "; `dexter directives` lists those that there are";

const COMMAND_LINE: Source = { at: (path) => ["--set", formatPath(path)].join(" ").trim() };

/**
 * Gathers directives under their snake_case names. Later tables override earlier ones; within one table a
 * directive given in two spellings is an error, as is an unknown one.
 */
export function collectDirectives(tables: readonly Entry[], problems: Problems): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const { value, source, path } of tables) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      problems.error(source, path, `must be a table of directives (got ${formatValue(value)})`);
      continue;
    }
    collectTable({ value, source, path }, "", entries, problems);
  }
  return entries;
}

/** @param prefix what comes before the names: nothing, or `tls.` */
function collectTable(
  { value, source, path }: Entry,
  prefix: string,
  entries: Map<string, Entry>,
  problems: Problems,
): void {
  const spellings = new Map<string, string>();
  const known = DIRECTIVES.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  for (const [key, inner] of Object.entries(value as object)) {
    const table = prefix === "" ? DIRECTIVE_TABLES.find((name) => squash(name) === squash(key)) : undefined;
    const name = table ?? canonicalDirective(`${prefix}${key}`)?.slice(prefix.length);
    const earlier = name === undefined ? undefined : spellings.get(name);
    if (name === undefined)
      problems.error(source, [...path, key], `unknown key${didYouMean(key, known) || LISTED}`);
    else if (earlier !== undefined)
      problems.error(source, [...path, key], `is the same directive as "${earlier}"; keep one of them`);
    else {
      spellings.set(name, key);
      const entry = { value: inner, source: spelled(source, path.length, name, key), path: [...path, name] };
      if (table === undefined) entries.set(`${prefix}${name}`, entry);
      else if (typeof inner !== "object" || inner === null || Array.isArray(inner))
        problems.error(entry.source, entry.path, `must be a table (got ${formatValue(inner)})`);
      else collectTable(entry, `${table}.`, entries, problems);
    }
  }
}

/** Shows the directive's own name in messages, but looks for the line under the spelling in the file. */
function spelled(source: Source, index: number, name: string, key: string): Source {
  if (name === key) return source;
  return {
    at: (path) => {
      const written = source.at(path.with(index, key));
      return written.replace(formatPath(path.with(index, key)), () => formatPath(path));
    },
  };
}

/** Puts the `--set name=value` options over the directives of the files. */
export function applySet(options: readonly string[], entries: Map<string, Entry>, problems: Problems): void {
  for (const option of options) {
    const [, key, text] = /^\s*(?:dexter\.)?([^=]*?)\s*=(.*)$/s.exec(option) ?? [];
    if (key === undefined || text === undefined || key === "") {
      problems.error(COMMAND_LINE, [option], "must be written name=value, such as num_servers=4");
      continue;
    }
    const name = canonicalDirective(key);
    if (name === undefined)
      problems.error(COMMAND_LINE, [key], `unknown key${didYouMean(key, DIRECTIVES) || LISTED}`);
    else entries.set(name, { value: optionValue(name, text), source: COMMAND_LINE, path: [name] });
  }
}

/** JSON where it is JSON and the directive takes it; otherwise the text, or a list at its commas. */
function optionValue(name: string, text: string): unknown {
  const words = LIST_DIRECTIVES.includes(name) ? text.split(",").map((word) => word.trim()) : text;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return words;
  }
  const schema = directiveShape[name as keyof typeof directiveShape];
  return !schema.safeParse(value).success && schema.safeParse(text).success ? text : value;
}

/**
 * Where `max_requests_per_child` is not set, servers are replaced no more often than this: the successor costs as
 * much CPU time as 2,000 small requests, and a node can serve its default number in a second.
 */
const DEFAULT_RECYCLE_AFTER_MS = 60_000;

/**
 * Checks the directives and fills in defaults; paths start from `root`. Problems are collected, and the
 * result is complete in any case, so that the rest of the project can be checked as well.
 */
export function parseNode(entries: Entries, root: string, problems: Problems): NodeConfig {
  const given = parseEntries(directiveShape, entries, problems);
  const all: DirectiveValues = { ...directiveTableSchema.parse({}), ...given };
  checkThreads(given, entries, all.max_threads_per_child, problems);
  const dataDir = resolve(root, all.data_dir);
  const node: NodeConfig = {
    ...resolveThreads(given, threadsOf(all), all.max_threads_per_child),
    limits: resolveLimits(all),
    numServers: all.num_servers,
    maxThreadsPerChild: all.max_threads_per_child,
    maxRequestsPerChild: all.max_requests_per_child,
    recycleAfterMs: given.max_requests_per_child === undefined ? DEFAULT_RECYCLE_AFTER_MS : 0,
    listen: all.listen,
    tls: tlsOf(all, root),
    listenBacklog: all.listen_backlog,
    ...(all.user !== undefined && { user: all.user }),
    ...(all.group !== undefined && { group: all.group }),
    pidFile: all.pid_file === undefined ? resolve(dataDir, "dexter.pid") : resolve(root, all.pid_file),
    lockFile: all.lock_file === undefined ? resolve(dataDir, "dexter.lock") : resolve(root, all.lock_file),
    ...(all.score_board_file !== undefined && { scoreBoardFile: resolve(root, all.score_board_file) }),
    ...(all.core_dump_directory !== undefined && {
      coreDumpDirectory: resolve(root, all.core_dump_directory),
    }),
    connectionStatus: all.connection_status,
    residentThreads: all.resident_threads,
    sendBufferSize: all.send_buffer_size,
    dataDir,
    functionsDir: resolve(root, all.functions),
    baseDomain: all.base_domain,
    ...(all.health_path !== undefined && { healthPath: all.health_path }),
    canaryWindowMs: all.canary_window,
    keepVersions: all.keep_versions,
    queueTimeoutMs: all.queue_timeout,
    stopTimeoutMs: all.stop_timeout,
    trustedProxies: all.trusted_proxies,
    allowNetwork: all.allow_network,
    logLevel: all.log_level,
    ...logFile("accessLog", root, all.access_log),
    accessLogFormat: all.access_log_format,
    ...(all.error_log !== "-" && logFile("errorLog", root, all.error_log)),
    logRate: all.log_rate,
    v8Flags: all.v8_flags,
    secretKeyFile:
      all.secret_key_file === undefined ? resolve(dataDir, "secret.key") : resolve(root, all.secret_key_file),
    ...(all.admin_listen !== undefined && { adminListen: all.admin_listen }),
    adminHosts: all.admin_hosts,
  };
  checkNode(node, entries, problems);
  checkTls(node, entries, problems);
  return node;
}

/** `none` is a way to unset, on the command line, what the file sets; `-` is no file. */
function logFile<K extends string>(key: K, root: string, given: string): Partial<Record<K, string>> {
  if (given === "none") return {};
  return { [key]: given === "-" ? given : resolve(root, given) } as Record<K, string>;
}

/** Reports settings that are right by themselves and wrong together. */
function checkNode(node: NodeConfig, entries: Entries, problems: Problems): void {
  const report = (name: string, message: string) => {
    const entry = entries.get(name);
    if (entry) problems.error(entry.source, entry.path, message);
  };
  const { adminListen } = node;
  if (adminListen && node.listen.some((address) => sameListen(address, adminListen)))
    report(
      "admin_listen",
      `must differ from listen (got ${formatListen(adminListen)}, which takes requests)`,
    );
  const files = {
    secret_key_file: node.secretKeyFile,
    pid_file: node.pidFile,
    lock_file: node.lockFile,
    score_board_file: node.scoreBoardFile,
    access_log: node.accessLog,
    error_log: node.errorLog,
  };
  const seen = new Map<string, string>();
  for (const [name, path] of Object.entries(files)) {
    if (path === undefined) continue;
    const other = seen.get(path);
    if (other !== undefined)
      report(
        entries.has(name) ? name : other,
        `must be another file than that of ${entries.has(name) ? other : name} (got ${formatValue(path)})`,
      );
    seen.set(path, name);
  }
}

/**
 * The settings of a function: what its own `[dexter]` tables give, otherwise the node's.
 * A directive there that concerns the node is an error.
 */
export function parseFunctionDirectives(
  tables: readonly Entry[],
  node: NodeConfig,
  nodeFile: string,
  problems: Problems,
): FunctionDirectives {
  const entries = collectDirectives(tables, problems);
  for (const [name, entry] of entries) {
    if (FUNCTION_DIRECTIVES.includes(name)) continue;
    entries.delete(name);
    problems.error(
      entry.source,
      entry.path,
      `belongs in the node's file (${nodeFile}); a function may set ${FUNCTION_DIRECTIVES.join(", ")}`,
    );
  }
  const given = parseEntries(directiveShape, entries, problems);
  checkThreads(given, entries, node.maxThreadsPerChild, problems);
  const healthPath = given.health_path ?? node.healthPath;
  return {
    threads: resolveThreads(given, node, node.maxThreadsPerChild),
    ...ownLimits(given),
    ...(healthPath !== undefined && { healthPath }),
  };
}

/** The settings of a function without directives of its own. */
export function nodeDirectives(node: NodeConfig): FunctionDirectives {
  const { startThreads, minSpareThreads, maxSpareThreads, concurrency, idleTimeoutMs, healthPath } = node;
  return {
    threads: { startThreads, minSpareThreads, maxSpareThreads, concurrency, idleTimeoutMs },
    ...(healthPath !== undefined && { healthPath }),
  };
}

function threadsOf(values: DirectiveValues): ThreadSettings {
  return {
    startThreads: values.start_threads,
    minSpareThreads: values.min_spare_threads,
    maxSpareThreads: values.max_spare_threads,
    concurrency: values.concurrency,
    idleTimeoutMs: values.idle_timeout,
  };
}
