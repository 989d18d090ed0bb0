/**
 * The `[dexter]` table: every directive with its bounds, unit, default and the sentence that help texts
 * show. This schema is the only place that knows them.
 */
import { availableParallelism } from "node:os";
import * as z from "zod";
import { squash, unknownKey } from "./problems.ts";
import {
  account,
  addressRange,
  certificateHost,
  duration,
  filePath,
  hostName,
  listenEntry,
  listOf,
  networkRange,
  oneOf,
  onOff,
  onOffAlways,
  sameListen,
  urlPath,
  v8Flag,
  whole,
} from "./values.ts";

/** What a help text says of a directive. */
interface Directive {
  /** The snake_case name. */
  readonly name: string;
  /** Apache's spelling; empty for dexter's own settings. */
  readonly original: string;
  readonly default: string;
  readonly description: string;
}

/**
 * Flags that every server gets unless `v8_flags` is set. Objects that wrap a request's parts survive V8's minor
 * collections, and pile up until a major one; so every one is to be major. ARCHITECTURE has the measurements.
 */
export const DEFAULT_V8_FLAGS: readonly string[] = ["--gc-global"];

const MAX_SERVERS = 256;
const MAX_THREADS = 4096;
const help = z.registry<Omit<Directive, "name">>();

/** A directive with a default, given the way a user would write it. */
function setting<T extends z.ZodType>(
  schema: T,
  value: z.input<T>,
  description: string,
  original = "",
  shown = Array.isArray(value) ? value.join(", ") || "none" : String(value),
) {
  const field = schema.prefault(value as never);
  help.add(field, { original, default: shown, description });
  return field;
}

/** A directive that is unset unless given. */
function optional<T extends z.ZodType>(schema: T, description: string, original = "", shown = "none") {
  const field = schema.optional();
  help.add(field, { original, default: shown, description });
  return field;
}

const listen = listOf(listenEntry).superRefine((addresses, context) => {
  if (addresses.length === 0) context.addIssue("must name at least one [address:]port");
  for (const [index, address] of addresses.entries()) {
    if (addresses.slice(0, index).some((earlier) => sameListen(earlier, address)))
      context.addIssue({
        code: "custom",
        path: [index],
        message: "must differ from the other addresses; this one is already listened on",
      });
  }
});

const certificateShape = {
  cert: filePath,
  key: filePath,
  hosts: listOf(certificateHost)
    .refine((hosts) => hosts.length > 0, "must name at least one host")
    .optional(),
};

/** One table for each certificate. */
const certificate = z.strictObject(certificateShape, {
  error: (issue) => {
    if (issue.code === "unrecognized_keys") {
      const [key = ""] = (issue as { keys?: string[] }).keys ?? [];
      return `"${key}": ${unknownKey(key, Object.keys(certificateShape))}`;
    }
    return 'must be a table with cert and key, such as { cert = "site.pem", key = "site.key" }';
  },
});

/** The settings that a function's own `[dexter]` table may override. */
const threadShape = {
  start_threads: setting(
    whole(0, MAX_THREADS),
    5,
    "threads that each server starts with, per active function",
    "StartThreads",
  ),
  min_spare_threads: setting(
    whole(0, MAX_THREADS),
    5,
    "idle threads kept ready, per active function and server",
    "MinSpareThreads",
  ),
  max_spare_threads: setting(
    whole(1, MAX_THREADS),
    10,
    "idle threads above which threads are retired",
    "MaxSpareThreads",
  ),
  concurrency: setting(whole(1, 10_000), 1, "requests that one thread may serve at once"),
  idle_timeout: setting(duration(1), "300s", "a function without a request for this long keeps no threads"),
};

/** What a function's own table may set beside them. */
const healthPath = optional(
  urlPath,
  "a path that a new version must answer with a status below 400 before it goes live",
);

export const directiveShape = {
  num_servers: setting(
    whole(1, MAX_SERVERS),
    Math.min(MAX_SERVERS, Math.max(2, availableParallelism())),
    "server processes; changed by a graceful restart",
    "NumServers",
    "number of CPUs, at least 2",
  ),
  start_threads: threadShape.start_threads,
  min_spare_threads: threadShape.min_spare_threads,
  max_spare_threads: threadShape.max_spare_threads,
  max_threads_per_child: setting(
    whole(1, MAX_THREADS),
    64,
    "all threads in one server; times num_servers, the most requests in progress at once",
    "MaxThreadsPerChild",
  ),
  max_requests_per_child: setting(
    whole(0, 1_000_000_000),
    10_000,
    "requests after which a server is replaced gracefully, at most once a minute unless set; 0 = never",
    "MaxRequestsPerChild",
  ),
  listen: setting(
    listen,
    "127.0.0.1:8787",
    'one or several [address:]port; a port alone is on 127.0.0.1, "*:80" on all addresses; "https://*:443" is encrypted',
    "Listen",
  ),
  "tls.certificates": setting(
    listOf(certificate),
    [],
    "PEM files { cert, key, hosts } for https; the first is for hosts that none is for",
  ),
  "tls.redirect": setting(onOff, "off", "whether requests that came unencrypted are sent to https"),
  "tls.min_version": setting(oneOf(["1.2", "1.3"]), "1.2", "the oldest version of TLS that is spoken"),
  "tls.http2": setting(onOff, "on", "whether HTTP/2 is offered over https"),
  listen_backlog: setting(
    whole(1, 65_535),
    511,
    "kernel backlog, and the most requests that may wait for a thread",
    "ListenBacklog",
  ),
  user: optional(
    account,
    'whom servers run as when the scheduler runs as root: a name, or "#number"',
    "User",
  ),
  group: optional(account, 'the group that servers run as: a name, or "#number"', "Group"),
  pid_file: optional(filePath, "holds the process id of the scheduler", "PidFile", "<data_dir>/dexter.pid"),
  lock_file: optional(
    filePath,
    "held while a scheduler owns the data directory",
    "LockFile",
    "<data_dir>/dexter.lock",
  ),
  score_board_file: optional(
    filePath,
    "the scoreboard as JSON, rewritten atomically every second",
    "ScoreBoardFile",
  ),
  core_dump_directory: optional(
    filePath,
    "working directory of servers, where they may leave a core dump",
    "CoreDumpDirectory",
  ),
  connection_status: setting(
    onOff,
    "on",
    "per-request detail in the scoreboard: on or off",
    "ConnectionStatus",
  ),
  send_buffer_size: setting(
    whole(0, 2 ** 30),
    0,
    "bytes of the socket write buffer; 0 = the system's",
    "SendBufferSize",
  ),
  data_dir: setting(filePath, ".dexter", "versions, sockets, and the pid and lock files"),
  functions: setting(filePath, "functions", "the folder whose entries are functions"),
  base_domain: setting(hostName, "localhost", "a function without routes answers at <name>.<base_domain>"),
  concurrency: threadShape.concurrency,
  idle_timeout: threadShape.idle_timeout,
  health_path: healthPath,
  canary_window: setting(duration(1_000), "10m", "how long a canary and the live version are compared"),
  keep_versions: setting(
    whole(1, 1_000),
    10,
    "versions of each deployed function that are kept, the live one included",
  ),
  resident_threads: setting(
    onOffAlways,
    "on",
    "whether servers are born with the start threads of hot functions; always: of all active ones",
  ),
  queue_timeout: setting(duration(), "10s", "how long a request may wait for a thread before a 503"),
  stop_timeout: setting(duration(), "30s", "how long a stop waits for requests in progress"),
  trusted_proxies: setting(
    listOf(addressRange),
    [],
    "addresses and ranges whose X-Forwarded-* headers are believed",
  ),
  allow_network: setting(
    listOf(networkRange),
    ["public"],
    'what functions may connect to: "public", "private", "local" or ranges',
  ),
  log_level: setting(
    oneOf(["trace", "debug", "info", "warn", "error", "silent"]),
    "info",
    "the least important messages that are logged",
  ),
  access_log: setting(filePath, "none", 'a line for each request: a file, or "-" for stdout'),
  access_log_format: setting(oneOf(["json", "combined"]), "json", "JSON lines, or Apache's combined format"),
  error_log: setting(
    filePath,
    "none",
    "a file for the log; dexter dev says the same on stderr",
    "",
    "none: stderr",
  ),
  log_rate: setting(
    whole(0, 1_000_000),
    1_000,
    "console lines, and failures, logged per second and function; 0 = no limit",
  ),
  v8_flags: setting(listOf(v8Flag), [...DEFAULT_V8_FLAGS], "flags for V8 in every server"),
  secret_key_file: optional(
    filePath,
    "holds the key that secrets are encrypted with; made with the first secret",
    "",
    "<data_dir>/secret.key",
  ),
  admin_listen: optional(
    listenEntry,
    "[address:]port of the admin API, beside its socket, or https://…; it asks for tokens there",
    "",
    "none: only <data_dir>/admin.sock",
  ),
  admin_hosts: setting(
    listOf(hostName),
    [],
    "names by which the admin API may be asked, beside addresses, localhost and that in admin_listen",
  ),
};

/** The whole table with every default; parsing `{}` gives the defaults. */
export const directiveTableSchema = z.strictObject(directiveShape);

export type DirectiveValues = z.output<typeof directiveTableSchema>;

/** What a function's own `[dexter]` table may set. */
export const FUNCTION_DIRECTIVES = [...Object.keys(threadShape), "health_path"];
export const DIRECTIVES = Object.keys(directiveShape);

/** Tables inside the table; `name.directive` is a directive of one. */
export const DIRECTIVE_TABLES = ["tls"];

/** Directives that take a list: on the command line, one separated by commas. */
export const LIST_DIRECTIVES = ["listen", "trusted_proxies", "allow_network", "v8_flags", "admin_hosts"];

/** The snake_case name of a directive in any spelling: `MaxSpareThreads`, `maxsparethreads`. */
export function canonicalDirective(key: string): string | undefined {
  return DIRECTIVES.find((name) => squash(name) === squash(key));
}

/** Every directive in the order of the documentation, for help texts and README. */
export function directiveTable(): Directive[] {
  return Object.entries(directiveShape).map(([name, schema]) => ({ name, ...help.get(schema)! }));
}
