/** Every bad configuration gives one clear message: which file, which line, which key, and what to do. */
import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type LoadOptions, loadProject } from "../../scheduler/config/load.ts";
import type { ErrorCode } from "../../scheduler/errors.ts";
import { DATE, type Files, HANDLER, HEAD, refused, writeProject } from "../fixtures/config/project.ts";

interface BadCase {
  readonly title: string;
  readonly files: Files;
  readonly options?: Partial<LoadOptions>;
  readonly code?: ErrorCode;
  /** The whole message. */
  readonly message: string | RegExp;
}

const oneFunction = (toml: string): Files => ({ "wrangler.toml": HEAD + toml, "index.ts": HANDLER });

/** A bad line in the `[dexter]` table: line 4 of the file. */
const dexter = (title: string, line: string, message: string): BadCase => ({
  title,
  files: oneFunction(`[dexter]\n${line}`),
  message: `wrangler.toml:4: dexter.${message}`,
});

/** A bad wrangler field: line 3 of the file. */
const wrangler = (title: string, line: string, message: string): BadCase => ({
  title,
  files: oneFunction(line),
  message: `wrangler.toml:3: ${message}`,
});

/** A bad option on the command line. */
const set = (title: string, option: string, message: string): BadCase => ({
  title,
  files: oneFunction(""),
  options: { set: [option] },
  message: `--set ${message}`,
});

/** A folder of functions that is wrong. */
const folder = (title: string, files: Files, message: string | RegExp): BadCase => ({
  title,
  files: { "wrangler.toml": DATE, ...files },
  message,
});

const DURATION = 'must be a duration such as "300s", "5m", "250ms" or a number of seconds';
const LISTEN =
  'must be [address:]port, such as 8787, "127.0.0.1:8787", "[::1]:8787", "*:80" or "https://*:443"';
const PROXY = 'must be an IP address or a range such as "10.0.0.0/8" or "fd00::/8"';
const NAME = 'must be lower-case letters, digits and "-", at most 63, with no "-" at either end';
const ROUTE = 'must be a pattern such as "example.com/api/*", or a table with one as its "pattern"';
const THREADS =
  "start_threads, min_spare_threads, max_spare_threads, concurrency, idle_timeout, health_path, cpu_limit, response_timeout, request_timeout, retry, max_body_bytes, max_sockets, idle_socket_timeout";

const cases: readonly BadCase[] = [
  dexter(
    "a slip in a key",
    "max_spare_thread = 3",
    'max_spare_thread: unknown key; did you mean "max_spare_threads"?',
  ),
  dexter(
    "a slip in the original spelling",
    "NumServer = 3",
    'NumServer: unknown key; did you mean "num_servers"?',
  ),
  {
    title: "a key unlike any",
    files: oneFunction("[dexter]\nwibble = 3"),
    message: "wrangler.toml:4: dexter.wibble: unknown key; `dexter directives` lists those that there are",
  },
  dexter("too few servers", "num_servers = 0", "num_servers: must be a whole number from 1 to 256 (got 0)"),
  dexter(
    "too many servers",
    "NumServers = 257",
    "num_servers: must be a whole number from 1 to 256 (got 257)",
  ),
  dexter(
    "a number as text",
    'num_servers = "4"',
    'num_servers: must be a whole number from 1 to 256 (got "4")',
  ),
  dexter(
    "a fraction",
    "start_threads = 1.5",
    "start_threads: must be a whole number from 0 to 4096 (got 1.5)",
  ),
  dexter(
    "a negative count",
    "min_spare_threads = -1",
    "min_spare_threads: must be a whole number from 0 to 4096 (got -1)",
  ),
  dexter(
    "no spare threads at all",
    "max_spare_threads = 0",
    "max_spare_threads: must be a whole number from 1 to 4096 (got 0)",
  ),
  dexter(
    "no threads at all",
    "max_threads_per_child = 0",
    "max_threads_per_child: must be a whole number from 1 to 4096 (got 0)",
  ),
  dexter(
    "infinite requests",
    "max_requests_per_child = inf",
    "max_requests_per_child: must be a whole number from 0 to 1000000000 (got Infinity)",
  ),
  dexter("no concurrency", "concurrency = 0", "concurrency: must be a whole number from 1 to 10000 (got 0)"),
  dexter(
    "a backlog too long",
    "listen_backlog = 70000",
    "listen_backlog: must be a whole number from 1 to 65535 (got 70000)",
  ),
  dexter(
    "a negative buffer",
    "send_buffer_size = -1",
    "send_buffer_size: must be a whole number from 0 to 1073741824 (got -1)",
  ),
  dexter("a port too high", "listen = 65536", `listen: ${LISTEN} (got 65536)`),
  dexter("a host without port", 'listen = "localhost"', `listen: ${LISTEN} (got "localhost")`),
  dexter(
    "an address that is none",
    'listen = ["8787", "300.1.1.1:80"]',
    `listen[1]: ${LISTEN} (got "300.1.1.1:80")`,
  ),
  dexter("IPv6 without brackets", 'listen = "::1:8787"', `listen: ${LISTEN} (got "::1:8787")`),
  dexter("nowhere to listen", "listen = []", "listen: must name at least one [address:]port (got [])"),
  dexter(
    "an address twice",
    'listen = [8787, "127.0.0.1:8787"]',
    'listen[1]: must differ from the other addresses; this one is already listened on (got "127.0.0.1:8787")',
  ),
  dexter(
    "an address within a wildcard",
    'listen = ["*:8787", "127.0.0.1:8787"]',
    'listen[1]: must differ from the other addresses; this one is already listened on (got "127.0.0.1:8787")',
  ),
  dexter(
    "an admin address that takes requests",
    'admin_listen = "127.0.0.1:8787"',
    "admin_listen: must differ from listen (got 127.0.0.1:8787, which takes requests)",
  ),
  dexter(
    "a name for the admin API with a port",
    'admin_hosts = ["node.example", "node.example:8788"]',
    'admin_hosts[1]: must be a lower-case host name such as "example.com" (got "node.example:8788")',
  ),
  dexter(
    "an unknown unit of time",
    'queue_timeout = "5 parsecs"',
    `queue_timeout: ${DURATION}, up to 24 days (got "5 parsecs")`,
  ),
  dexter("a negative duration", "stop_timeout = -5", `stop_timeout: ${DURATION}, up to 24 days (got -5)`),
  dexter(
    "a duration of nothing",
    "idle_timeout = 0",
    `idle_timeout: ${DURATION}, more than 0, up to 24 days (got 0)`,
  ),
  dexter(
    "a duration that is too short",
    'canary_window = "500ms"',
    `canary_window: ${DURATION}, at least 1 s, up to 24 days (got "500ms")`,
  ),
  dexter(
    "a duration too long for a timer",
    'queue_timeout = "25d"',
    `queue_timeout: ${DURATION}, up to 24 days (got "25d")`,
  ),
  dexter(
    "a switch neither on nor off",
    'connection_status = "yes"',
    'connection_status: must be true, false, "on" or "off" (got "yes")',
  ),
  dexter(
    "a user number without its sign",
    "user = 1000",
    'user: must be a name, or a number written "#1000" (got 1000)',
  ),
  dexter(
    "a group with a space",
    'group = "no body"',
    'group: must be a name, or a number written "#1000" (got "no body")',
  ),
  dexter("a path of nothing", 'data_dir = ""', 'data_dir: must be a path (got "")'),
  dexter(
    "a host name with a path",
    'base_domain = "a.com/b"',
    'base_domain: must be a lower-case host name such as "example.com" (got "a.com/b")',
  ),
  dexter(
    "a proxy that is no address",
    'trusted_proxies = ["10.0.0.0/8", "lb1"]',
    `trusted_proxies[1]: ${PROXY} (got "lb1")`,
  ),
  dexter(
    "a range with too many bits",
    'trusted_proxies = "10.0.0.0/33"',
    `trusted_proxies: ${PROXY} (got "10.0.0.0/33")`,
  ),
  dexter(
    "an unknown network",
    'allow_network = ["intranet"]',
    'allow_network[0]: must be "public", "private", "local" or a range such as "10.0.0.0/8" (got "intranet")',
  ),
  dexter(
    "an unknown log level",
    'log_level = "verbose"',
    'log_level: must be one of "trace", "debug", "info", "warn", "error", "silent" (got "verbose")',
  ),
  dexter(
    "an unknown format of the access log",
    'access_log_format = "common"',
    'access_log_format: must be one of "json", "combined" (got "common")',
  ),
  dexter("an access log without a path", 'access_log = ""', 'access_log: must be a path (got "")'),
  dexter(
    "a rate of less than nothing",
    "log_rate = -1",
    "log_rate: must be a whole number from 0 to 1000000 (got -1)",
  ),
  {
    title: "two logs in one file",
    files: oneFunction('[dexter]\naccess_log = "log"\nerror_log = "./log"'),
    message:
      /^wrangler\.toml:5: dexter\.error_log: must be another file than that of access_log \(got ".*\/log"\)$/,
  },
  dexter(
    "a V8 flag without dashes",
    'v8_flags = ["expose-gc"]',
    'v8_flags[0]: must be a V8 flag that starts with "--", such as "--max-heap-size=128" (got "expose-gc")',
  ),
  {
    title: "one file for two purposes",
    files: oneFunction('[dexter]\nlock_file = ".dexter/dexter.pid"'),
    message: /^wrangler\.toml:4: dexter\.lock_file: must be another file than that of pid_file \(got ".*\)$/,
  },
  {
    title: "a file that would be written over the key of secrets",
    files: oneFunction('[dexter]\npid_file = ".dexter/secret.key"'),
    message: /^wrangler\.toml:4: dexter\.pid_file: must be another file than that of secret_key_file /,
  },
  {
    title: "a directive in two spellings",
    files: oneFunction("[dexter]\nnum_servers = 2\nNumServers = 3"),
    message: 'wrangler.toml:5: dexter.NumServers: is the same directive as "num_servers"; keep one of them',
  },
  {
    title: "fewer spare threads at most than at least",
    files: oneFunction("[dexter]\nmin_spare_threads = 6\nmax_spare_threads = 5"),
    message:
      "wrangler.toml:5: dexter.max_spare_threads: must be at least min_spare_threads, which is 6 (got 5)",
  },
  {
    title: "more threads at the start than a server may have",
    files: oneFunction("[dexter]\nstart_threads = 9\nmax_threads_per_child = 8"),
    message:
      "wrangler.toml:4: dexter.start_threads: must be at most max_threads_per_child, which is 8 (got 9)",
  },
  {
    title: "more spare threads than a server may have",
    files: oneFunction("[dexter]\nMinSpareThreads = 65"),
    message:
      "wrangler.toml:4: dexter.min_spare_threads: must be at most max_threads_per_child, which is 64 (got 65)",
  },
  {
    title: "a table that is none",
    files: oneFunction("dexter = 5"),
    message: "wrangler.toml:3: dexter: must be a table of directives (got 5)",
  },

  set("an option unlike any", "foo=1", "foo: unknown key; `dexter directives` lists those that there are"),
  set(
    "the beginning of an option",
    "max_spare=4",
    'max_spare: unknown key; did you mean "max_spare_threads"?',
  ),
  set("an unknown option", "num_server=4", 'num_server: unknown key; did you mean "num_servers"?'),
  set(
    "an option without value",
    "num_servers",
    "num_servers: must be written name=value, such as num_servers=4",
  ),
  set(
    "a bad value of an option",
    "NumServers=four",
    'num_servers: must be a whole number from 1 to 256 (got "four")',
  ),
  set("a bad address among several", "listen=8787,nowhere", `listen[1]: ${LISTEN} (got "nowhere")`),

  wrangler("a name with capitals", 'name = "My_App"', `name: ${NAME} (got "My_App")`),
  wrangler(
    "flags that are no list",
    'compatibility_flags = "nodejs_compat"',
    'compatibility_flags: must be a list (got "nodejs_compat")',
  ),
  wrangler(
    "a flag that is no text",
    "compatibility_flags = [1]",
    "compatibility_flags[0]: must be a string (got 1)",
  ),
  wrangler("variables that are no table", "vars = 5", "vars: must be a table (got 5)"),
  wrangler(
    "a variable that JSON cannot hold",
    "vars.x = nan",
    "vars.x: must be a value that JSON can hold (got NaN)",
  ),
  wrangler("a route that is no pattern", "route = 5", `route: ${ROUTE} (got 5)`),
  wrangler(
    "a route without a pattern",
    'routes = [{ zone_name = "a.com" }]',
    `routes[0]: ${ROUTE} (got {"zone_name":"a.com"})`,
  ),
  wrangler(
    "a custom domain with a path",
    'route = { pattern = "a.com/*", custom_domain = true }',
    'route.pattern: must be a host without path or "*" when custom_domain is set (got "a.com/*")',
  ),
  wrangler(
    "an unknown kind of module",
    'rules = [{ type = "Json", globs = ["**/*.json"] }]',
    'rules[0].type: must be one of "ESModule", "CommonJS", "CompiledWasm", "Text", "Data" (got "Json")',
  ),
  wrangler(
    "a rule without patterns",
    'rules = [{ type = "Text" }]',
    "rules[0].globs: must be a list (got nothing)",
  ),
  wrangler(
    "a definition that is no text",
    "define.DEBUG = true",
    "define.DEBUG: must be a string (got true)",
  ),
  wrangler("an alias that is no text", "alias.a = 1", "alias.a: must be a string (got 1)"),
  wrangler("a switch as text", 'minify = "true"', 'minify: must be true or false (got "true")'),
  wrangler(
    "a slip in the build settings",
    'build.comand = "make"',
    'build: must not have the key comand: it is unknown here (got {"comand":"make"})',
  ),
  wrangler(
    "a tsconfig that is not there",
    'tsconfig = "none.json"',
    'tsconfig: there is no file none.json; create it, or name another (got "none.json")',
  ),
  wrangler("environments that are no table", "env = 5", "env: must be a table of environments (got 5)"),
  {
    title: "both route and routes",
    files: oneFunction('route = "a.com/*"\nroutes = ["b.com/*"]'),
    message: 'wrangler.toml:4: routes: must not stand beside "route"; keep one of them',
  },
  {
    title: "a compatibility date that the installed workerd does not know yet",
    files: { "wrangler.toml": 'main = "index.ts"\ncompatibility_date = "2999-01-01"', "index.ts": HANDLER },
    message:
      /^wrangler\.toml:2: compatibility_date: must be at most "20\d\d-\d\d-\d\d", the newest date that the installed workerd supports \(got "2999-01-01"\)$/,
  },
  {
    title: "a compatibility date that is no date",
    files: { "wrangler.toml": 'main = "index.ts"\ncompatibility_date = "2026-02-31"', "index.ts": HANDLER },
    message:
      /^wrangler\.toml:2: compatibility_date: must be a date written "20\d\d-\d\d-\d\d" \(got "2026-02-31"\)$/,
  },
  {
    title: "a main that is not there",
    files: { "wrangler.toml": HEAD },
    message: 'wrangler.toml:1: main: there is no file index.ts; create it, or name another (got "index.ts")',
  },
  {
    title: "a main that is a folder",
    files: { "wrangler.toml": `main = "src"\n${DATE}`, src: null },
    message: 'wrangler.toml:1: main: there is no file src; create it, or name another (got "src")',
  },
  {
    title: "a main that is no path",
    files: { "wrangler.toml": `main = 5\n${DATE}` },
    message: "wrangler.toml:1: main: must be a path (got 5)",
  },
  {
    title: "an unknown environment",
    files: oneFunction("[env.staging]\n[env.production]"),
    options: { envName: "prod" },
    message:
      "wrangler.toml: env.prod: there is no such environment; the environments are staging, production",
  },
  {
    title: "an environment where there are none",
    files: oneFunction(""),
    options: { envName: "prod" },
    message: "wrangler.toml: env.prod: there is no such environment; the file has no environments",
  },
  {
    title: "a bad value in an environment",
    files: oneFunction("[env.prod.dexter]\nNumServers = 0"),
    options: { envName: "prod" },
    message: "wrangler.toml:4: env.prod.dexter.num_servers: must be a whole number from 1 to 256 (got 0)",
  },
  {
    title: "a name that is too long with its environment",
    files: oneFunction(`name = "${"a".repeat(60)}"\n[env.prod]`),
    options: { envName: "prod" },
    message: `wrangler.toml:3: name: ${NAME}, with its environment (got "${"a".repeat(60)}-prod")`,
  },

  folder(
    "no function at all",
    {},
    'wrangler.toml: there is no function: add main = "src/index.ts", or put one into functions, such as hello.ts',
  ),
  folder(
    "an empty functions folder",
    { functions: null },
    'wrangler.toml: there is no function: add main = "src/index.ts", or put one into functions, such as hello.ts',
  ),
  folder(
    "a functions folder that is not there",
    { "wrangler.toml": `${DATE}\n[dexter]\nfunctions = "api"` },
    "wrangler.toml:3: dexter.functions: must be a folder, and api is none; create it or name another",
  ),
  folder(
    "a functions folder that is a file",
    { functions: "" },
    "wrangler.toml: dexter.functions: must be a folder, and functions is none; create it or name another",
  ),
  folder(
    "two entries of one name",
    { "functions/a.ts": HANDLER, "functions/a/index.ts": HANDLER },
    'functions/a.ts: is a second function named "a", beside functions/a/index.ts; rename one of them',
  ),
  folder(
    "a name given twice by configuration",
    { "functions/a.ts": HANDLER, "functions/b/wrangler.toml": 'name = "a"', "functions/b/index.ts": HANDLER },
    'functions/b/index.ts: is a second function named "a", beside functions/a.ts; rename one of them',
  ),
  folder(
    "two index modules",
    { "functions/a/index.ts": HANDLER, "functions/a/index.js": HANDLER },
    "functions/a: must have one entry module, and has index.js and index.ts; keep one of them",
  ),
  folder(
    "a file whose name is no host name",
    { "functions/My_Fn.ts": HANDLER },
    `functions/My_Fn.ts: a function's name ${NAME} (got "My_Fn"); rename it, or start its name with "_" to have it passed over`,
  ),
  folder(
    "a folder whose name is no host name",
    { "functions/My_Fn/wrangler.toml": "", "functions/My_Fn/index.ts": HANDLER },
    `functions/My_Fn/wrangler.toml: name: ${NAME} (got "My_Fn" from its folder); set name`,
  ),
  folder(
    "a function's configuration without an entry module",
    { "functions/a/wrangler.jsonc": "{}" },
    'functions/a/wrangler.jsonc: main: must name the entry module, such as main = "src/index.ts": there is no index.ts',
  ),
  folder(
    "a function's main that is not there",
    { "functions/a/wrangler.toml": 'main = "b.ts"' },
    'functions/a/wrangler.toml:1: main: there is no file functions/a/b.ts; create it, or name another (got "b.ts")',
  ),
  folder(
    "a node's directive in a function's file",
    { "functions/a/wrangler.toml": "[dexter]\nlisten = 80", "functions/a/index.ts": HANDLER },
    `functions/a/wrangler.toml:2: dexter.listen: belongs in the node's file (wrangler.toml); a function may set ${THREADS}`,
  ),
  folder(
    "an unknown directive in a function's file",
    {
      "functions/a/wrangler.json": '{\n  "dexter": {\n    "concurency": 2\n  }\n}',
      "functions/a/index.ts": HANDLER,
    },
    'functions/a/wrangler.json:3: dexter.concurency: unknown key; did you mean "concurrency"?',
  ),
  folder(
    "a function that wants more threads than a server has",
    { "functions/a/wrangler.toml": "[dexter]\nstart_threads = 65", "functions/a/index.ts": HANDLER },
    "functions/a/wrangler.toml:2: dexter.start_threads: must be at most max_threads_per_child, which is 64 (got 65)",
  ),

  {
    title: "no configuration",
    files: {},
    code: "CONFIG_NOT_FOUND",
    message: "no configuration: wrangler.toml does not exist; run `dexter init` or pass --config",
  },
  {
    title: "a named configuration that is not there",
    files: oneFunction(""),
    options: { configPath: "other.toml" },
    code: "CONFIG_NOT_FOUND",
    message: "no configuration: other.toml does not exist; run `dexter init` or pass --config",
  },
  {
    title: "a configuration that is a folder",
    files: { "wrangler.toml": null },
    code: "CONFIG_UNREADABLE",
    message: "wrangler.toml: cannot be read: it is a folder; remove it, or name another place",
  },
  {
    title: "a configuration of another format",
    files: { "dexter.yaml": "" },
    options: { configPath: "dexter.yaml" },
    message: "dexter.yaml: must be a .toml, .json or .jsonc file; pass one with --config",
  },
  {
    title: "a configuration that is not UTF-8",
    files: { "wrangler.toml": Uint8Array.of(0x61, 0x3d, 0x22, 0xff, 0x22) },
    code: "CONFIG_UNREADABLE",
    message: "wrangler.toml: cannot be read: it is not UTF-8 text; save it as UTF-8",
  },
  {
    title: "a string without its end",
    files: oneFunction('name = "one\n[dexter]\n'),
    code: "CONFIG_SYNTAX",
    message: "wrangler.toml:3:12: control characters are not allowed in strings; is a quote missing?",
  },
  {
    title: "TOML that does not parse",
    files: oneFunction("[dexter]\nnum_servers = = 2"),
    code: "CONFIG_SYNTAX",
    message: "wrangler.toml:4:15: invalid value",
  },
  {
    title: "JSON that does not parse",
    files: { "wrangler.jsonc": '{\n  // a comment\n  "main" "index.ts"\n}' },
    code: "CONFIG_SYNTAX",
    message: "wrangler.jsonc:3:10: colon expected",
  },
  {
    title: "JSON that is no object",
    files: { "wrangler.json": "[1]" },
    code: "CONFIG_SYNTAX",
    message: "wrangler.json:1:1: expected an object: { … }",
  },
  {
    title: "an empty JSON file",
    files: { "wrangler.json": "" },
    code: "CONFIG_SYNTAX",
    message: "wrangler.json:1:1: value expected",
  },
  {
    title: "a key twice in JSON",
    files: { "wrangler.json": '{\n  "main": "a.ts",\n  "main": "b.ts"\n}' },
    code: "CONFIG_SYNTAX",
    message: 'wrangler.json:3:3: the key "main" is there twice',
  },
  {
    title: "a function's configuration that does not parse",
    files: { "wrangler.toml": DATE, "functions/a/wrangler.toml": "x" },
    code: "CONFIG_SYNTAX",
    message: /^functions\/a\/wrangler\.toml:1:\d+: /,
  },
];

for (const { title, files, options, code = "CONFIG_INVALID", message } of cases) {
  test(`refuses ${title}`, async (t) => {
    const error = await refused(t, files, options);
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    assert.equal(error.code, code);
  });
}

test("refuses a configuration that it may not read", async (t) => {
  if (process.getuid?.() === 0) return t.skip("root may read everything");
  const cwd = await writeProject(t, oneFunction(""));
  await chmod(join(cwd, "wrangler.toml"), 0);
  await assert.rejects(loadProject({ cwd }), {
    code: "CONFIG_UNREADABLE",
    message: "wrangler.toml: cannot be read: permission denied; check its owner and mode",
  });
});

test("reports all problems of a project at once, one a line", async (t) => {
  const error = await refused(
    t,
    {
      "wrangler.toml": `name = "A"\n${DATE}\n[dexter]\nnum_servers = 0\nfoo = 1\nstart_threads = 9\nmax_threads_per_child = 8\n`,
      "functions/b/wrangler.toml": 'main = "gone.ts"\nminify = 1',
    },
    { set: ["queue_timeout=soon"] },
  );
  assert.deepEqual(
    error.message.split("\n").map((line) => line.split(": ").slice(0, 2).join(": ")),
    [
      "wrangler.toml:1: name",
      "wrangler.toml:5: dexter.foo",
      "wrangler.toml:4: dexter.num_servers",
      '--set queue_timeout: must be a duration such as "300s", "5m", "250ms" or a number of seconds, up to 24 days (got "soon")',
      "wrangler.toml:6: dexter.start_threads",
      "functions/b/wrangler.toml:2: minify",
      "functions/b/wrangler.toml:1: main",
    ],
  );
});
