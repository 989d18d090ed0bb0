/** Configurations that are wrong: found by reading them. */
import { type Bad, DATE, GOOD } from "./case.ts";

export const CONFIGURATIONS: readonly Bad[] = [
  {
    title: "no configuration",
    by: ["check", "start", "dev"],
    files: { "wrangler.toml": null },
    says: ["wrangler.toml", "dexter init"],
  },
  {
    title: "TOML with a syntax error",
    by: ["check", "start", "dev"],
    files: { "wrangler.toml": `${DATE}name = \n` },
    says: ["wrangler.toml:2:"],
  },
  {
    title: "JSON with a syntax error",
    files: { "wrangler.toml": null, "wrangler.json": '{ "name": ' },
    says: ["wrangler.json:1:"],
  },
  {
    title: "JSON that is a list",
    files: { "wrangler.toml": null, "wrangler.json": "[]" },
    says: ["expected an object"],
  },
  {
    title: "a configuration that is not UTF-8",
    files: { "wrangler.toml": Buffer.from([0x6e, 0xff, 0xfe]) },
    says: ["wrangler.toml", "UTF-8"],
  },
  {
    title: "a configuration that is a folder",
    files: { "wrangler.toml": null, "wrangler.toml/x": "" },
    says: ["wrangler.toml", "it is a folder"],
  },
  {
    title: "--config that is not there",
    args: ["--config", "other.toml"],
    says: ["other.toml", "does not exist"],
  },
  {
    title: "--config of another kind",
    files: { "other.yaml": "a: 1" },
    args: ["--config", "other.yaml"],
    says: ["other.yaml", ".toml, .json or .jsonc"],
  },
  { title: "--env that is not there", args: ["--env", "staging"], says: ["env.staging", "no environments"] },
  {
    title: "--env that is not there, beside others",
    files: { "wrangler.toml": `${DATE}[env.production]\nname = "a"\n` },
    args: ["--env", "prod"],
    says: ["env.prod", "the environments are production"],
  },
  {
    title: "an unknown directive",
    by: ["check", "start", "dev"],
    dexter: "num_server = 2",
    says: ["wrangler.toml:3", "num_server", 'did you mean "num_servers"'],
  },
  {
    title: "a directive of the wrong type",
    dexter: 'num_servers = "many"',
    says: ["wrangler.toml:3", "num_servers", "many"],
  },
  { title: "a negative count", dexter: "start_threads = -1", says: ["start_threads", "-1"] },
  { title: "a fraction of a server", dexter: "num_servers = 1.5", says: ["num_servers", "1.5"] },
  {
    title: "spare threads the wrong way round",
    dexter: "min_spare_threads = 9\nmax_spare_threads = 3",
    says: ["min_spare_threads", "max_spare_threads"],
  },
  {
    title: "more spare threads than there can be",
    dexter: "min_spare_threads = 9\nmax_threads_per_child = 4",
    says: ["min_spare_threads", "max_threads_per_child"],
  },
  {
    title: "a directive twice, in two spellings",
    dexter: "num_servers = 2\nNumServers = 3",
    says: ["num_servers", "same directive"],
  },
  { title: "a bad listen address", dexter: 'listen = "localhost:http"', says: ["listen", "localhost:http"] },
  {
    title: "the same listen address twice",
    dexter: 'listen = ["127.0.0.1:8080", "0.0.0.0:8080"]',
    says: ["listen", "8080"],
  },
  { title: "a bad duration", dexter: 'idle_timeout = "5 parsecs"', says: ["idle_timeout", "5 parsecs"] },
  {
    title: "a bad trusted proxy",
    dexter: 'trusted_proxies = ["10.0.0.0/99"]',
    says: ["trusted_proxies", "10.0.0.0/99"],
  },
  { title: "a bad network", dexter: 'allow_network = ["everything"]', says: ["allow_network", "everything"] },
  { title: "an unknown log level", dexter: 'log_level = "loud"', says: ["log_level", "loud", "info"] },
  {
    title: "one file for two purposes",
    dexter: 'pid_file = "x"\nlock_file = "x"',
    says: ["pid_file", "lock_file"],
  },
  {
    title: "[dexter] that is no table",
    files: { "wrangler.toml": `${DATE}dexter = 3\n` },
    says: ["dexter", "must be a table"],
  },
  { title: "--set without a value", args: ["--set", "num_servers"], says: ["--set", "name=value"] },
  {
    title: "--set of an unknown directive",
    args: ["--set", "colour=red"],
    says: ["--set colour", "unknown key"],
  },
  {
    title: "--set with a wrong value",
    args: ["--set", "num_servers=none"],
    says: ["--set num_servers", "none"],
  },
  {
    title: "a compatibility date in the future",
    files: { "wrangler.toml": 'compatibility_date = "2199-01-01"\n' },
    says: ["compatibility_date", "2199-01-01", "newest"],
  },
  {
    title: "a compatibility date that is none",
    files: { "wrangler.toml": 'compatibility_date = "yesterday"\n' },
    says: ["compatibility_date", "yesterday"],
  },
  {
    title: "a name that cannot be a host",
    files: { "wrangler.toml": `${DATE}name = "My Site"\n` },
    says: ["name", "My Site"],
  },
  {
    title: "vars that are no table",
    files: { "wrangler.toml": `${DATE}vars = "x"\n` },
    says: ["vars", "must be a table"],
  },
  {
    title: "route beside routes",
    files: {
      "wrangler.toml": `${DATE}main = "functions/hello.js"\nroute = "a.test/*"\nroutes = ["b.test/*"]\n`,
    },
    says: ["route", "keep one"],
  },
  {
    title: "a route with a wildcard in the middle",
    files: { "wrangler.toml": `${DATE}main = "functions/hello.js"\nroutes = ["a.test/x*y"]\n` },
    says: ["wrangler.toml:3", "routes[0]", "last character"],
  },
  {
    title: "a route without a host",
    files: { "wrangler.toml": `${DATE}main = "functions/hello.js"\nroute = "/api/*"\n` },
    says: ["wrangler.toml:3", "the host is missing"],
  },
  {
    title: "one route for two functions",
    by: ["check", "start", "dev"],
    files: Object.fromEntries(
      ["a", "b"].flatMap((name) => [
        [`functions/${name}/wrangler.toml`, 'main = "index.js"\nroutes = ["example.com/api/*"]\n'],
        [`functions/${name}/index.js`, GOOD],
      ]),
    ),
    says: ["functions/b/wrangler.toml", "functions/a/wrangler.toml", "example.com/api/*", '"a"', '"b"'],
  },
  {
    title: "a rule of an unknown type",
    files: { "wrangler.toml": `${DATE}rules = [{ type = "Image", globs = ["*.png"] }]\n` },
    says: ["rules[0].type", "Image"],
  },
  {
    title: "a tsconfig that is not there",
    files: { "wrangler.toml": `${DATE}main = "functions/hello.js"\ntsconfig = "none.json"\n` },
    says: ["tsconfig", "none.json"],
  },
];
