/** When a change of a directive takes effect: what the schema says, and what the code does, are the same. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Effect } from "../../scheduler/config/directive.ts";
import { directiveTable } from "../../scheduler/config/directives.ts";
import { loadProject } from "../../scheduler/config/load.ts";
import { checkIdentity, needsRestart, supervisorSettings } from "../../scheduler/server/settings.ts";
import type { NodeConfig } from "../../scheduler/types.ts";
import { HANDLER, HEAD, writeProject } from "../fixtures/config/project.ts";

/** Another value of each directive than its default, as `--set` takes it. */
const OTHER: Readonly<Record<string, string>> = {
  num_servers: "200",
  start_threads: "4",
  min_spare_threads: "4",
  max_spare_threads: "9",
  max_threads_per_child: "63",
  max_requests_per_child: "9",
  listen: "8788",
  "tls.min_version": "1.3",
  "tls.http2": "off",
  listen_backlog: "9",
  data_dir: "elsewhere",
  pid_file: "elsewhere",
  lock_file: "elsewhere",
  score_board_file: "elsewhere",
  core_dump_directory: ".",
  connection_status: "off",
  send_buffer_size: "9",
  functions: ".",
  base_domain: "example.com",
  concurrency: "9",
  idle_timeout: "9s",
  health_path: "/health",
  canary_window: "9s",
  keep_versions: "9",
  resident_threads: "always",
  queue_timeout: "9s",
  cpu_limit: "9s",
  response_timeout: "9s",
  request_timeout: "9s",
  retry: "off",
  max_body_bytes: "9",
  max_sockets: "9",
  idle_socket_timeout: "9s",
  request_buffer: "9",
  body_timeout: "9s",
  min_rate: "9",
  response_buffer: "9",
  max_buffered_bytes: "9",
  send_timeout: "9s",
  max_share_per_client: "9",
  max_connections: "9",
  max_connections_per_client: "9",
  max_streams: "9",
  retry_budget: "9",
  stop_timeout: "9s",
  trusted_proxies: "127.0.0.1",
  allow_network: "private",
  log_level: "warn",
  access_log: "elsewhere",
  access_log_format: "combined",
  error_log: "elsewhere",
  log_rate: "9",
  v8_flags: "--max-lazy",
  secret_key_file: "elsewhere",
  admin_listen: "9443",
  admin_hosts: "example.com",
};

/** They need root, or files: test/server/account.test.ts and test/config/tls.test.ts have them. */
const ELSEWHERE = ["user", "group", "tls.certificates", "tls.redirect"];

/**
 * Whether servers are replaced because of a change says when it takes effect, with three exceptions: start threads are for
 * servers that start, whatever makes them start; a new stop_timeout is in force before the servers are replaced; and a new
 * send_buffer_size is not refused, because an address that a reload adds has it.
 */
const REPLACES: Readonly<Record<string, Effect>> = {
  start_threads: "at once",
  stop_timeout: "with a rolling restart",
  send_buffer_size: "at once",
};

function refuses(before: NodeConfig, after: NodeConfig): boolean {
  try {
    checkIdentity(before, after);
    return false;
  } catch (error) {
    assert.match((error as Error).message, /cannot change while dexter runs/);
    return true;
  }
}

describe("a change of a directive", () => {
  for (const { name, effect, refused } of directiveTable().filter((one) => !ELSEWHERE.includes(one.name)))
    it(`of ${name} takes effect ${effect}${refused ? ", and is refused until then" : ""}`, async (test) => {
      const { before, after } = await changed(test, name);
      assert.notDeepEqual(after, before);
      assert.equal(refuses(before, after), refused);
      if (refused) return;
      const [then, now] = [before, after].map((node) => supervisorSettings(node, { dev: false }));
      assert.equal(needsRestart(then!, now!), (REPLACES[name] ?? effect) === "with a rolling restart");
    });

  it("of data_dir is the one that is named, although other files move with it", async (test) => {
    const { before, after } = await changed(test, "data_dir");
    assert.throws(() => checkIdentity(before, after), { message: /^data_dir: cannot change/ });
  });
});

describe("the order in which settings stand", () => {
  it("restarts no server", async (test) => {
    const { before } = await changed(test, "v8_flags");
    const settings = supervisorSettings(before, { dev: false });
    const reversed = Object.fromEntries(Object.entries(settings).reverse()) as unknown as typeof settings;
    assert.equal(needsRestart(settings, reversed), false);
  });
});

/** A node's settings without the directive, and with another value of it. */
async function changed(test: TestContext, name: string): Promise<Record<"before" | "after", NodeConfig>> {
  const cwd = await writeProject(test, { "wrangler.toml": HEAD, "index.ts": HANDLER });
  const [before, after] = await Promise.all([
    loadProject({ cwd }),
    loadProject({ cwd, set: [`${name}=${OTHER[name]}`] }),
  ]);
  return { before: before.node, after: after.node };
}
