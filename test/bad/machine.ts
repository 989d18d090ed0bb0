/** What the machine does not let a project do. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Bad } from "./case.ts";

const isRoot = process.getuid?.() === 0;

/** From which port on anybody may listen. */
function firstFreePort(): number {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
  } catch {
    return 1024;
  }
}

export const MACHINES: readonly Bad[] = [
  {
    title: "a port in use",
    by: ["start"],
    prepare: async (_, test) => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      test.after(() => server.close());
      return ["--set", `listen=127.0.0.1:${(server.address() as { port: number }).port}`];
    },
    says: [/127\.0\.0\.1:\d+ is in use/, "--set listen="],
  },
  {
    title: "an address of another machine",
    by: ["start"],
    args: ["--set", "listen=192.0.2.1:8080"],
    says: ["192.0.2.1:8080", "not an address of this machine"],
  },
  {
    title: "a host that has no address",
    by: ["start"],
    args: ["--set", "listen=no-such-host.invalid:8080"],
    says: ["no-such-host.invalid:8080"],
  },
  {
    title: "a data directory that is a file",
    by: ["start"],
    files: { ".dexter": "" },
    says: [".dexter", "cannot be used"],
  },
  {
    title: "a data directory that nobody can make",
    by: ["start"],
    args: ["--set", "data_dir=/dev/null/dexter"],
    says: ["/dev/null/dexter", "cannot be used"],
  },
  {
    title: "an access log in a folder that is not there",
    by: ["start"],
    dexter: 'access_log = "none/access.log"',
    says: ["access_log", "none/access.log", "create it"],
  },
  {
    title: "an error log that is a folder",
    by: ["start"],
    files: { "logs/kept": "" },
    dexter: 'error_log = "logs"',
    says: ["error_log", "logs", "it is a folder"],
  },
  {
    title: "an access log that is a named pipe without a reader",
    by: ["start"],
    prepare: async ({ dir }) => {
      execFileSync("mkfifo", [join(dir, "pipe")]);
      return [];
    },
    dexter: 'access_log = "pipe"',
    says: ["access_log", "pipe", "nobody reads it"],
  },
  {
    title: "a scoreboard in a folder that is not there",
    by: ["start"],
    dexter: 'score_board_file = "none/board.json"',
    says: ["score_board_file", "none/board.json", "create it"],
  },
  {
    title: "a pid file in a folder that is not there",
    by: ["start"],
    dexter: 'pid_file = "none/pid"',
    says: ["pid_file", "none/pid", "create it"],
  },
  {
    title: "a core dump directory that is not there",
    by: ["start"],
    dexter: 'core_dump_directory = "none"',
    says: ["core_dump_directory", "none"],
  },
  {
    title: "a V8 flag that does not exist",
    by: ["start"],
    dexter: 'v8_flags = ["--no-such-flag"]',
    says: ["v8_flags", "--no-such-flag"],
  },
  {
    title: "a user that does not exist",
    by: ["start"],
    skip: !isRoot && "only root may",
    dexter: 'user = "nobody-of-that-name"',
    says: ["user", "nobody-of-that-name"],
  },
  {
    title: "a group that does not exist",
    by: ["start"],
    skip: !isRoot && "only root may",
    dexter: 'group = "nobody-of-that-name"',
    says: ["group", "nobody-of-that-name"],
  },
  {
    title: "a user without being root",
    by: ["start"],
    unprivileged: true,
    dexter: 'user = "nobody"',
    says: ["user", "only root"],
  },
  {
    title: "a configuration that may not be read",
    by: ["check", "start"],
    unprivileged: true,
    prepare: ({ dir }) => chmod(join(dir, "wrangler.toml"), 0) as Promise<undefined>,
    says: ["wrangler.toml", "permission denied"],
  },
  {
    title: "a function that may not be read",
    by: ["check", "start"],
    unprivileged: true,
    prepare: ({ dir }) => chmod(join(dir, "functions/hello.js"), 0) as Promise<undefined>,
    says: ["functions/hello.js", /permission denied/i],
  },
  {
    title: "a functions folder that may not be listed",
    unprivileged: true,
    prepare: ({ dir }) => chmod(join(dir, "functions"), 0) as Promise<undefined>,
    says: ["functions", "permission denied"],
  },
  {
    title: "a data directory that may not be written",
    by: ["start"],
    unprivileged: true,
    files: { ".dexter/x": "" },
    prepare: ({ dir }) => chmod(join(dir, ".dexter"), 0o555) as Promise<undefined>,
    says: [".dexter", "permission denied"],
  },
  {
    title: "a data directory that may not be made",
    by: ["start"],
    unprivileged: true,
    prepare: ({ dir }) => chmod(dir, 0o555) as Promise<undefined>,
    says: [".dexter", "permission denied"],
  },
  {
    title: "a port that only root may take",
    by: ["start"],
    unprivileged: true,
    skip: firstFreePort() < 1024 && "this system lets everybody take it",
    args: ["--set", "listen=127.0.0.1:81"],
    says: ["127.0.0.1:81", "only root"],
  },
  {
    title: ".dev.vars that is a folder",
    by: ["dev"],
    files: { ".dev.vars/x": "" },
    says: [".dev.vars", "it is a folder"],
  },
];
