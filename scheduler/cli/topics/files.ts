/** `dexter help files` */
import { filled, listed, type Topic } from "./topic.ts";

const FILES = [
  [".gitignore", "keeps the folder out of git; only in a folder that dexter has made"],
  ["dexter.pid", "process id of the scheduler (directive pid_file)"],
  ["dexter.lock", "process id and start time of its owner; a dead owner's lock is taken over (lock_file)"],
  ["admin.sock", "what commands about a running dexter talk to; only its owner and root may open it"],
  ["tokens.json", "mode 0600: the tokens of the admin API; of each, a digest and what it may do"],
  ["secrets/<function>.json", "mode 0600: a function's secrets, encrypted"],
  ["secret.key", "mode 0600: the key that they are encrypted with (secret_key_file)"],
  ["store/<function>/", "mode 0700: deployed versions, and live.json, which names the live one"],
  [
    "run/<server>.<generation>/",
    "mode 0700: the server's configuration, a control socket, a socket for each thread",
  ],
] as const;

export const files: Topic = {
  name: "files",
  summary: "what is in the data directory",
  text: ({ width }) =>
    [
      filled(
        `
The data directory is .dexter beside the configuration, unless data_dir says otherwise. One dexter at a time owns it; that is
how "dexter status", "dexter reload" and "dexter stop" find the one that is meant, so give them the same --config, --env and
--set.`,
        width,
      ),
      listed(FILES, width),
      filled(
        `
Only store/, secrets/, secret.key and tokens.json have to be kept. A stop removes dexter.pid, dexter.lock, admin.sock and
run/. Without secret.key nobody can read
secrets, and with it everybody can: keep its copy apart from theirs.

When the path of data_dir has more than 75 bytes, admin.sock and run/ are in a folder dexter-<user id>-<hash> of the system's
temporary one, because the address of a socket is short.`,
        width,
      ),
    ].join("\n\n"),
};
