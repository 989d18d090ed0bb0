/** The JSON Schema that editors check configuration files with: it takes what dexter takes, and refuses mistakes. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Ajv } from "ajv";
import { parse as parseToml } from "smol-toml";
import { directiveTable } from "../../scheduler/config/directives.ts";
import { configurationSchema } from "../../scheduler/config/json-schema.ts";

const schema = configurationSchema();
const check = new Ajv({ strict: true, allowMatchingProperties: true }).compile(schema);

function problemsOf(configuration: unknown): string[] {
  check(configuration);
  return (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

const ofToml = (text: string) => problemsOf(parseToml(text));

/** What is given for a directive, and taken. */
const TAKEN: readonly (readonly [name: string, value: unknown])[] = [
  ["num_servers", 4],
  ["max_requests_per_child", 0],
  ["listen", 8787],
  ["listen", "*:80"],
  ["listen", ["[::1]:8787", "HTTPS://*:443", "localhost:1", "https://0.0.0.0:443/"]],
  ["queue_timeout", "250ms"],
  ["queue_timeout", "1.5h"],
  ["queue_timeout", "2 d"],
  ["queue_timeout", 0.25],
  ["connection_status", "On"],
  ["connection_status", false],
  ["resident_threads", "always"],
  ["user", "#1000"],
  ["Group", "www-data"],
  ["NUMSERVERS", 4],
  ["Max_SpareThreads", 4],
  ["trusted_proxies", "10.0.0.0/8"],
  ["allow_network", ["public", "10.0.0.1"]],
  ["v8_flags", ["--gc-global"]],
  ["admin_listen", "https://*:9443"],
  ["access_log", "-"],
  ["log_level", "debug"],
  ["health_path", "/health"],
  ["TLS", { Redirect: "on", certificates: { cert: "a.pem", key: "a.key" } }],
  ["tls", { certificates: [{ cert: "a.pem", key: "a.key", hosts: "*.example.com" }], min_version: "1.3" }],
];

const REFUSED: readonly (readonly [name: string, value: unknown])[] = [
  ["num_servers", "4"],
  ["num_servers", 0],
  ["num_servers", 257],
  ["num_servers", 1.5],
  ["num_server", 4],
  ["listen", "*"],
  ["queue_timeout", "5 parsecs"],
  ["queue_timeout", -1],
  ["connection_status", "yes"],
  ["connection_status", 1],
  ["log_level", "loud"],
  ["health_path", "health"],
  ["v8_flags", "gc-global"],
  ["data_dir", 5],
  ["base_domain", "Example"],
  ["tls", "on"],
  ["tls", { redirects: true }],
  ["tls", { certificates: [{ cert: "a.pem" }] }],
  ["tls", { certificates: [{ cert: "a.pem", key: "a.key", host: "x" }] }],
];

describe("the JSON Schema", () => {
  for (const [name, value] of TAKEN)
    it(`takes ${name} = ${JSON.stringify(value)}`, () => {
      assert.deepEqual(problemsOf({ dexter: { [name]: value } }), []);
    });

  for (const [name, value] of REFUSED)
    it(`refuses ${name} = ${JSON.stringify(value)}`, () => {
      assert.notDeepEqual(problemsOf({ dexter: { [name]: value } }), []);
      assert.notDeepEqual(problemsOf({ env: { production: { dexter: { [name]: value } } } }), []);
    });

  it("takes the configurations of the repository, the template and the packaging", () => {
    const files = [
      ...["wrangler.toml", "templates/default/wrangler.toml", "packaging/systemd/wrangler.toml"],
      ...readdirSync("functions", { recursive: true })
        .map((file) => `functions/${file}`)
        .filter((file) => file.endsWith("wrangler.toml") && !file.includes("node_modules")),
    ];
    for (const file of files)
      assert.deepEqual(ofToml(readFileSync(file, "utf8").replace("{{name}}", "site")), [], file);
    assert.deepEqual(ofToml(commentedIn("wrangler.toml")), []);
    assert.deepEqual(ofToml(commentedIn("templates/default/wrangler.toml")), []);
  });

  it("takes wrangler's fields, also those that dexter ignores, and fields that it does not know", () => {
    assert.deepEqual(
      ofToml(`
        name = "shop"
        main = "src/index.ts"
        compatibility_date = "2026-01-01"
        routes = ["example.com/*", { pattern = "shop.example.com", custom_domain = true }]
        kv_namespaces = [{ binding = "KV", id = "1" }]
        workers_dev = false
        of_tomorrow = 1
        [vars]
        LIMITS = { a = [1, 2] }
        [build]
        watch_dir = "src"
        [env.production]
        routes = ["example.org/*"]
        dexter = { StartThreads = 2 }`),
      [],
    );
  });

  it("refuses a wrong type of a field that dexter acts upon", () => {
    assert.deepEqual(problemsOf({ minify: "yes" }), ["/minify must be boolean"]);
    assert.deepEqual(problemsOf({ vars: 5 }), ["/vars must be object"]);
    assert.deepEqual(problemsOf({ dexter: 5 }), ["/dexter must be object"]);
  });

  it("says of every directive what it means, its default and when a change takes effect", () => {
    const definitions = schema.definitions as Record<string, { description: string }>;
    for (const { name, description, default: value, effect } of directiveTable()) {
      const text = definitions[name]!.description;
      assert.ok(text.startsWith(description), name);
      assert.ok(text.includes(`Default: ${value}.`), name);
      assert.ok(text.includes(`A change takes effect ${effect}`), name);
    }
  });
});

/** A file whose directives stand in comments. */
function commentedIn(file: string): string {
  const text = readFileSync(file, "utf8");
  const from = text.indexOf("[dexter]");
  const lines = text.slice(from).replace(/^# (?=\w+ = )/gm, "");
  assert.notEqual(lines, text.slice(from));
  return lines;
}
