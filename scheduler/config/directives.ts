/**
 * The `[dexter]` table: every directive with its kind of value, bounds, unit, default, meaning, and when a change takes
 * effect. This schema is the only place that knows them: help texts, docs/directives.md and the JSON Schema for editors
 * are made of it.
 */
import { availableParallelism } from "node:os";
import * as z from "zod";
import { certificate, listenEntries } from "./compound-values.ts";
import { type Directive, describe, optional, setting } from "./directive.ts";
import { functionLimitShape, nodeLimitShape } from "./limit-directives.ts";
import { squash } from "./nearest.ts";
import { functionShape, maxThreadsPerChild } from "./thread-directives.ts";
import {
  account,
  addressRange,
  duration,
  filePath,
  hostName,
  listenEntry,
  listOf,
  networkRange,
  oneOf,
  onOff,
  onOffAlways,
  v8Flag,
  whole,
} from "./values.ts";

/**
 * Flags that every server gets unless `v8_flags` is set. Objects that wrap a request's parts survive V8's minor
 * collections, and pile up until a major one; so every one is to be major. ARCHITECTURE has the measurements.
 */
export const DEFAULT_V8_FLAGS: readonly string[] = ["--gc-global"];

const MAX_SERVERS = 256;

export const directiveShape = {
  num_servers: setting(
    whole(1, MAX_SERVERS, "servers"),
    Math.min(MAX_SERVERS, Math.max(2, availableParallelism())),
    "with a rolling restart",
    "Server processes. Each runs its threads on one CPU.",
    { original: "NumServers", shown: "number of CPUs, at least 2" },
  ),
  start_threads: functionShape.start_threads,
  min_spare_threads: functionShape.min_spare_threads,
  max_spare_threads: functionShape.max_spare_threads,
  max_threads_per_child: setting(
    maxThreadsPerChild,
    64,
    "with a rolling restart",
    "The most threads in one server, of all functions together. num_servers times this number is the most threads that work at the same time; each serves up to concurrency requests.",
    { original: "MaxThreadsPerChild" },
  ),
  max_requests_per_child: setting(
    whole(0, 1_000_000_000, "requests"),
    10_000,
    "with a rolling restart",
    "Requests after which a server is replaced by a new one; 0 = never. No request is lost. Where the directive is not set, a server is not replaced before it is a minute old.",
    { original: "MaxRequestsPerChild" },
  ),
  listen: setting(
    listenEntries,
    "127.0.0.1:8787",
    "at once",
    'The addresses that take requests. A port alone is on 127.0.0.1; "*:80" is on all IPv4 addresses; "https://*:443" is encrypted.',
    { original: "Listen" },
  ),
  "tls.certificates": setting(
    listOf(certificate),
    [],
    "at once",
    "Certificates for https. cert and key are PEM files. hosts are the host names that the certificate is used for; without it, these are the names in the certificate. The first certificate is also used for all other host names.",
  ),
  "tls.redirect": setting(
    onOff,
    "off",
    "at once",
    "Whether requests that came unencrypted are redirected to https.",
  ),
  "tls.min_version": setting(
    oneOf(["1.2", "1.3"]),
    "1.2",
    "at once",
    "The oldest version of TLS that is accepted.",
  ),
  "tls.http2": setting(onOff, "on", "at once", "Whether HTTP/2 is offered over https."),
  listen_backlog: setting(
    whole(1, 65_535, "requests"),
    511,
    "at once",
    "The most requests that may wait for a thread, in the whole node. It is also the length of the kernel's queue of connections that are not accepted yet. For an address that is already open, this queue changes only with a new start.",
    { original: "ListenBacklog" },
  ),
  user: optional(
    account,
    "with a rolling restart",
    "The user that servers run as. The scheduler must run as root.",
    { original: "User" },
  ),
  group: optional(
    account,
    "with a rolling restart",
    "The group that servers run as; without it, the group of user. The scheduler must run as root.",
    { original: "Group" },
  ),
  // First of those that a running node refuses to change: by default the others change with it, and it is to be named.
  data_dir: setting(
    filePath,
    ".dexter",
    "with a new start",
    "The data directory: deployed versions, secrets and their key, tokens of the admin API; while dexter runs, also its sockets, pid file and lock file.",
    { refused: true },
  ),
  pid_file: optional(filePath, "with a new start", "Holds the process id of the scheduler while it runs.", {
    original: "PidFile",
    shown: "<data_dir>/dexter.pid",
    refused: true,
  }),
  lock_file: optional(
    filePath,
    "with a new start",
    "Held while a scheduler runs, so that no second one uses the data directory.",
    { original: "LockFile", shown: "<data_dir>/dexter.lock", refused: true },
  ),
  score_board_file: optional(
    filePath,
    "at once",
    "Gets the scoreboard as JSON, rewritten atomically every second.",
    { original: "ScoreBoardFile" },
  ),
  core_dump_directory: optional(
    filePath,
    "with a rolling restart",
    "The working directory of servers, where they may leave a core dump. It must exist.",
    { original: "CoreDumpDirectory" },
  ),
  connection_status: setting(
    onOff,
    "on",
    "at once",
    "Whether status and scoreboard show which request each busy thread serves.",
    { original: "ConnectionStatus" },
  ),
  send_buffer_size: setting(
    whole(0, 2 ** 30, "bytes"),
    0,
    "with a new start",
    "How much of an answer may wait for any client, before response_buffer is asked. 0 = Node.js's default. This is not the kernel's socket buffer, and it has no effect over https. An address that a reload adds to listen uses the new value at once.",
    { original: "SendBufferSize" },
  ),
  functions: setting(filePath, "functions", "at once", "The folder whose entries are functions."),
  base_domain: setting(
    hostName,
    "localhost",
    "at once",
    "A function without routes answers at the host <name>.<base_domain>.",
  ),
  concurrency: functionShape.concurrency,
  idle_timeout: functionShape.idle_timeout,
  health_path: functionShape.health_path,
  canary_window: setting(
    duration(1_000),
    "10m",
    "at once",
    "How long a canary is compared with the live version. A canary that has begun keeps its own.",
  ),
  keep_versions: setting(
    whole(1, 1_000, "versions"),
    10,
    "at once",
    "Versions that are kept of each deployed function, the live one included. Older ones are removed by the next deploy.",
  ),
  resident_threads: setting(
    onOffAlways,
    "on",
    "with a rolling restart",
    "Which functions get resident threads when a server is replaced: on = hot functions, always = all active functions, off = none. A request reaches a resident thread directly, without the host worker. dexter dev has none, except with --inspect.",
  ),
  queue_timeout: setting(
    duration(),
    "10s",
    "at once",
    "How long a request may wait for a thread. Then it is answered with 503.",
  ),
  stop_timeout: setting(
    duration(),
    "30s",
    "at once",
    "How long a stop, or a server that is replaced, waits for requests in progress. Then they are cut off.",
  ),
  trusted_proxies: setting(
    listOf(addressRange),
    [],
    "at once",
    "Addresses of proxies whose X-Forwarded-* headers are believed.",
  ),
  allow_network: setting(
    listOf(networkRange),
    ["public"],
    "with a rolling restart",
    "The addresses that functions may connect to.",
  ),
  log_level: setting(
    oneOf(["trace", "debug", "info", "warn", "error", "silent"]),
    "info",
    "at once",
    "The least important messages that are logged; silent = none.",
  ),
  access_log: setting(
    filePath,
    "none",
    "at once",
    'A file that gets a line for each request; "-" = stdout, "none" = no access log.',
  ),
  access_log_format: setting(
    oneOf(["json", "combined"]),
    "json",
    "at once",
    "How the lines of the access log are written: as JSON, or in Apache's combined format.",
  ),
  error_log: setting(
    filePath,
    "none",
    "at once",
    'A file that gets the log instead of stderr; "none" = stderr. dexter dev writes to both.',
    { shown: "none: stderr" },
  ),
  log_rate: setting(
    whole(0, 1_000_000, "lines per second"),
    1_000,
    "at once",
    "The most console lines that are logged of each function in a second, and the most exceptions; 0 = no limit. All of them may come at the same moment.",
  ),
  v8_flags: setting(
    listOf(v8Flag),
    [...DEFAULT_V8_FLAGS],
    "with a rolling restart",
    "Flags for V8 in every server, instead of the default.",
  ),
  secret_key_file: optional(
    filePath,
    "with a new start",
    "Holds the key that secrets are encrypted with. dexter makes it with the first secret.",
    { shown: "<data_dir>/secret.key", refused: true },
  ),
  admin_listen: optional(
    listenEntry,
    "at once",
    "The address of the admin API over TCP, beside its socket. Callers need a token there.",
    { shown: "none: only <data_dir>/admin.sock" },
  ),
  admin_hosts: setting(
    listOf(hostName),
    [],
    "at once",
    "Host names by which the admin API may be called over TCP, beside IP addresses, localhost and the name in admin_listen.",
  ),
  ...functionLimitShape,
  ...nodeLimitShape,
};

/** The whole table with every default; parsing `{}` gives the defaults. */
export const directiveTableSchema = z.strictObject(directiveShape);

export type DirectiveValues = z.output<typeof directiveTableSchema>;

/** What a function's own `[dexter]` table may set. */
export const FUNCTION_DIRECTIVES = Object.keys(functionShape);
export const DIRECTIVES = Object.keys(directiveShape);

/** Tables inside the table; `name.directive` is a directive of one. */
export const DIRECTIVE_TABLES = ["tls"];

/** Directives that take a list: on the command line, one separated by commas. */
export const LIST_DIRECTIVES = ["listen", "trusted_proxies", "allow_network", "v8_flags", "admin_hosts"];

/** The snake_case name of a directive in any spelling: `MaxSpareThreads`, `maxsparethreads`. */
export function canonicalDirective(key: string): string | undefined {
  return DIRECTIVES.find((name) => squash(name) === squash(key));
}

/** Every directive in the order of the documentation. */
export function directiveTable(): Directive[] {
  return Object.entries(directiveShape).map(([name, field]) =>
    describe(name, field, FUNCTION_DIRECTIVES.includes(name)),
  );
}

/** What a running node is found by, and told apart from others. It refuses a configuration that changes one. */
export const REFUSED_DIRECTIVES = directiveTable().flatMap(({ name, refused }) => (refused ? [name] : []));
