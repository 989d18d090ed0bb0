/** What the `[dexter]` table and `--set` mean: spellings, units, defaults, and defaults that give way. */
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  DEFAULT_V8_FLAGS,
  directiveShape,
  directiveTable,
  FUNCTION_DIRECTIVES,
} from "../../scheduler/config/directives.ts";
import { loadToml } from "../fixtures/config/project.ts";

test("gives every directive its documented default", async (t) => {
  const { node, root } = await loadToml(t, "");
  assert.deepEqual(node, {
    limits: {
      ofFunctions: {
        cpuLimitMs: 5_000,
        responseTimeoutMs: 100_000,
        requestTimeoutMs: 3_600_000,
        retry: "safe",
        maxBodyBytes: 100 * 2 ** 20,
        maxSockets: 10_000,
        idleSocketTimeoutMs: 600_000,
      },
      requestBufferBytes: 49_152,
      bodyTimeoutMs: 30_000,
      minRate: 1_024,
      responseBufferBytes: 2 ** 20,
      maxBufferedBytes: 128 * 2 ** 20,
      sendTimeoutMs: 30_000,
      maxSharePerClient: 0.25,
      maxConnections: 0,
      maxConnectionsPerClient: 1_000,
      maxStreams: 128,
      retryBudget: 0.1,
    },
    numServers: Math.max(2, availableParallelism()),
    startThreads: 5,
    minSpareThreads: 5,
    maxSpareThreads: 10,
    maxThreadsPerChild: 64,
    maxRequestsPerChild: 10_000,
    recycleAfterMs: 60_000,
    concurrency: 1,
    canaryWindowMs: 600_000,
    keepVersions: 10,
    idleTimeoutMs: 300_000,
    listen: [{ host: "127.0.0.1", port: 8787 }],
    tls: { certificates: [], redirect: false, minVersion: "TLSv1.2", http2: true },
    listenBacklog: 511,
    pidFile: join(root, ".dexter/dexter.pid"),
    lockFile: join(root, ".dexter/dexter.lock"),
    secretKeyFile: join(root, ".dexter/secret.key"),
    connectionStatus: true,
    residentThreads: "on",
    sendBufferSize: 0,
    dataDir: join(root, ".dexter"),
    functionsDir: join(root, "functions"),
    baseDomain: "localhost",
    queueTimeoutMs: 10_000,
    stopTimeoutMs: 30_000,
    trustedProxies: [],
    allowNetwork: ["public"],
    logLevel: "info",
    accessLogFormat: "json",
    logRate: 1_000,
    v8Flags: DEFAULT_V8_FLAGS,
    adminHosts: [],
  });
});

test("takes Apache's spelling of every directive, whatever its case", async (t) => {
  const { node } = await loadToml(
    t,
    `[dexter]
NumServers = 3
STARTTHREADS = 2
minsparethreads = 1
Max_Spare_Threads = 4
MaxThreadsPerChild = 32
max_requests_per_child = 0
User = "www-data"
Group = "#33"
ListenBacklog = 10
ConnectionStatus = "Off"
SendBufferSize = 65536
ScoreBoardFile = "run/score.json"
CoreDumpDirectory = "/tmp/cores"`,
  );
  assert.equal(node.numServers, 3);
  assert.equal(node.startThreads, 2);
  assert.equal(node.minSpareThreads, 1);
  assert.equal(node.maxSpareThreads, 4);
  assert.equal(node.maxThreadsPerChild, 32);
  assert.equal(node.maxRequestsPerChild, 0);
  assert.equal(node.user, "www-data");
  assert.equal(node.group, "#33");
  assert.equal(node.listenBacklog, 10);
  assert.equal(node.connectionStatus, false);
  assert.equal(node.sendBufferSize, 65_536);
  assert.equal(node.coreDumpDirectory, "/tmp/cores");
});

test("takes files, the process's own output, or nothing for the logs", async (t) => {
  const logs = async (toml: string, set: string[] = []) => {
    const { node, root } = await loadToml(t, `[dexter]\n${toml}`, { set });
    return [node.accessLog, node.errorLog].map((path) => path?.replace(root, "."));
  };
  assert.deepEqual(await logs('access_log = "log/access"\nerror_log = "log/error"'), [
    "./log/access",
    "./log/error",
  ]);
  assert.deepEqual(await logs('access_log = "-"\nerror_log = "-"'), ["-", undefined]);
  assert.deepEqual(await logs('access_log = "a"\nerror_log = "e"', ["access_log=none", "error_log=none"]), [
    undefined,
    undefined,
  ]);
});

test("resolves paths from the configuration's folder, and run files from the data directory", async (t) => {
  const { node, root } = await loadToml(
    t,
    '[dexter]\ndata_dir = "var"\nlock_file = "l"\nsecret_key_file = "k"\nscore_board_file = "/run/s"',
  );
  assert.equal(node.dataDir, join(root, "var"));
  assert.equal(node.pidFile, join(root, "var/dexter.pid"));
  assert.equal(node.lockFile, join(root, "l"));
  assert.equal(node.secretKeyFile, join(root, "k"));
  assert.equal(node.scoreBoardFile, "/run/s");
});

for (const [given, ms] of [
  ['"300s"', 300_000],
  ['"5m"', 300_000],
  ['"250ms"', 250],
  ['"1.5h"', 5_400_000],
  ['"2 d"', 172_800_000],
  ['"7"', 7000],
  ["7", 7000],
  ["0.25", 250],
] as const)
  test(`reads the duration ${given} as ${ms} ms`, async (t) => {
    assert.equal((await loadToml(t, `[dexter]\nidle_timeout = ${given}`)).node.idleTimeoutMs, ms);
  });

for (const [given, host, port] of [
  ["8080", "127.0.0.1", 8080],
  ['"8080"', "127.0.0.1", 8080],
  ["0", "127.0.0.1", 0],
  ['"0.0.0.0:80"', "0.0.0.0", 80],
  ['"*:80"', "0.0.0.0", 80],
  ['"[::1]:8787"', "::1", 8787],
  ['"[::]:0"', "::", 0],
  ['"LocalHost:1"', "localhost", 1],
] as const)
  test(`reads the address ${given} as ${host} port ${port}`, async (t) => {
    assert.deepEqual((await loadToml(t, `[dexter]\nlisten = ${given}`)).node.listen, [{ host, port }]);
  });

test("listens on several addresses, port 0 as often as asked", async (t) => {
  const { node } = await loadToml(
    t,
    '[dexter]\nlisten = ["127.0.0.1:0", "127.0.0.1:0", "[::1]:80", "0.0.0.0:80"]',
  );
  assert.deepEqual(
    node.listen.map(({ port }) => port),
    [0, 0, 80, 80],
  );
});

test("takes a lone value where a list may stand, and gives networks a prefix length", async (t) => {
  const { node } = await loadToml(
    t,
    '[dexter]\ntrusted_proxies = "10.0.0.0/8"\nallow_network = ["private", "1.2.3.4", "::1"]\nv8_flags = "--gc-global"',
  );
  assert.deepEqual(node.trustedProxies, ["10.0.0.0/8"]);
  assert.deepEqual(node.allowNetwork, ["private", "1.2.3.4/32", "::1/128"]);
  assert.deepEqual(node.v8Flags, ["--gc-global"]);
});

/** What is set, and the start, minimum and maximum spare threads that follow. */
const derived: readonly [toml: string, start: number, min: number, max: number][] = [
  ["max_threads_per_child = 4", 4, 4, 4],
  ["max_threads_per_child = 8", 5, 5, 8],
  ["min_spare_threads = 20", 5, 20, 40],
  ["min_spare_threads = 40", 5, 40, 64],
  ["max_spare_threads = 2", 2, 2, 2],
  ["min_spare_threads = 1\nmax_spare_threads = 3", 3, 1, 3],
  ["start_threads = 12", 12, 5, 10],
  ["min_spare_threads = 0", 5, 0, 10],
];
for (const [toml, start, min, max] of derived)
  test(`fits the defaults to ${toml.replace("\n", ", ")}`, async (t) => {
    const { node, functions } = await loadToml(t, `[dexter]\n${toml}`);
    assert.deepEqual([node.startThreads, node.minSpareThreads, node.maxSpareThreads], [start, min, max]);
    const { threads } = functions[0]!;
    assert.deepEqual(
      [threads.startThreads, threads.minSpareThreads, threads.maxSpareThreads],
      [start, min, max],
    );
  });

test("lets --set win over the file, in any spelling, the last one first", async (t) => {
  const { node } = await loadToml(t, "[dexter]\nnum_servers = 2\nlisten = 1\nqueue_timeout = 'nonsense'", {
    set: [
      "NumServers=3",
      "num_servers = 4",
      "listen=8788,[::1]:8788",
      "queue_timeout=250ms",
      "connection_status=off",
      "dexter.trusted_proxies=10.0.0.0/8, ::1",
      'allow_network=["private"]',
      "user=#1000",
      "data_dir=123",
      "v8_flags=--a=b",
    ],
  });
  assert.equal(node.numServers, 4);
  assert.deepEqual(node.listen, [
    { host: "127.0.0.1", port: 8788 },
    { host: "::1", port: 8788 },
  ]);
  assert.equal(node.queueTimeoutMs, 250);
  assert.equal(node.connectionStatus, false);
  assert.deepEqual(node.trustedProxies, ["10.0.0.0/8", "::1"]);
  assert.deepEqual(node.allowNetwork, ["private"]);
  assert.equal(node.user, "#1000");
  assert.match(node.dataDir, /\/123$/);
  assert.deepEqual(node.v8Flags, ["--a=b"]);
});

test("describes every directive, with the default that the schema has", () => {
  const table = directiveTable();
  assert.deepEqual(
    table.map(({ name }) => name),
    Object.keys(directiveShape),
  );
  assert.deepEqual(
    table.find(({ name }) => name === "max_spare_threads"),
    {
      name: "max_spare_threads",
      original: "MaxSpareThreads",
      kind: "whole number",
      bounds: "1 to 4096",
      unit: "threads",
      default: "10",
      perFunction: true,
      effect: "at once",
      refused: false,
      description:
        "The most idle threads of a function in each server. Threads above that number are retired.",
    },
  );
  for (const row of table) {
    assert.match(row.description, /^[A-Z].{15,}\.$/, row.name);
    assert.ok(row.kind !== "" && row.default !== "" && (row.kind !== "whole number" || row.unit), row.name);
  }
  assert.deepEqual(
    table.flatMap(({ name, perFunction }) => (perFunction ? [name] : [])).sort(),
    [...FUNCTION_DIRECTIVES].sort(),
  );
  assert.deepEqual(
    table
      .filter(({ original }) => original !== "")
      .map(({ original, name }) => [original.toLowerCase(), name]),
    table.filter(({ original }) => original !== "").map(({ name }) => [name.replaceAll("_", ""), name]),
  );
});
